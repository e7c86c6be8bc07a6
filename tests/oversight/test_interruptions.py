"""Acts that could not be recorded are counted by all workers together, whatever becomes of the disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vault.interruptions import LARGEST, Interruption, Interruptions

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def told(interruptions: Interruptions) -> Interruption | None:
    """What is handed over when it is told; None when nothing waits."""
    found: list[Interruption] = []
    assert interruptions.tell(found.append) is bool(found)
    return found[0] if found else None


def test_workers_count_together_and_what_was_told_is_forgotten(tmp_path: Path) -> None:
    one, other = Interruptions(tmp_path / "kept"), Interruptions(tmp_path / "kept")
    one.note(False, NOON)
    other.note(True, NOON + timedelta(minutes=2))
    one.note(False, NOON + timedelta(minutes=1))
    assert not other.can_be_told
    other.recorded()
    assert other.can_be_told
    assert told(other) == Interruption(NOON, NOON + timedelta(minutes=2), 2, 1)
    assert not other.can_be_told
    assert told(one) is None
    assert told(Interruptions(tmp_path / "absent")) is None
    assert not (tmp_path / "absent").exists(), "asking makes no file that another account could not write"
    one.recorded()
    assert not one.can_be_told


def test_what_could_not_be_told_is_kept(tmp_path: Path) -> None:
    interruptions = Interruptions(tmp_path / "kept")
    interruptions.note(False, NOON)

    def fail(_gap: Interruption) -> None:
        raise RuntimeError("the ledger is away again")

    with pytest.raises(RuntimeError):
        interruptions.tell(fail)
    assert told(Interruptions(tmp_path / "kept")) == Interruption(NOON, NOON, 1, 0)


def test_a_full_disk_keeps_the_count_in_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.symlink_to("/dev/full")  # The kernel's own disk that is always full.
    interruptions = Interruptions(path)
    for minutes in range(3):
        interruptions.note(False, NOON + timedelta(minutes=minutes))
    path.unlink()
    interruptions.recorded()
    assert interruptions.can_be_told
    interruptions.note(True, NOON + timedelta(minutes=9))
    assert not interruptions.can_be_told, "it fails again"
    assert told(Interruptions(path)) == Interruption(NOON, NOON + timedelta(minutes=9), 3, 1)


def test_while_one_process_tells_another_does_not(tmp_path: Path) -> None:
    one, other = Interruptions(tmp_path / "kept"), Interruptions(tmp_path / "kept")
    one.note(False, NOON)
    seen = []

    def tell(gap: Interruption) -> None:
        seen.append(gap)
        assert told(other) is None
        other.note(False, NOON + timedelta(hours=1))

    assert one.tell(tell)
    assert seen == [Interruption(NOON, NOON, 1, 0)]
    assert told(other) == Interruption(NOON + timedelta(hours=1), NOON + timedelta(hours=1), 1, 0)


def test_a_long_outage_does_not_fill_the_disk_and_a_torn_line_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    line = Interruption(NOON, NOON, 1, 0).to_line()
    lines = LARGEST // len(line) + 2
    path.write_bytes(line * lines + b"2026-11-23T12:")
    interruptions = Interruptions(path)
    interruptions.note(True, NOON + timedelta(hours=5))
    assert path.stat().st_size < 2 * len(line)
    assert told(interruptions) == Interruption(NOON, NOON + timedelta(hours=5), lines, 1)
