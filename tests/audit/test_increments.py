"""Exports that go on where an earlier one ended, and what they refuse to continue."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoints import Notary
from audit.errors import Damaged, NotVerified
from audit.export import export
from audit.increments import extend, kept_size
from audit.ledger import Ledger
from audit.notes import NotaryKeys, parse
from audit.tree import leaf_hash, root_of
from audit.verify import verify
from tests.audit.test_export import files
from tests.audit.writing import NOON, ignore, leaves, some_entries, tamper, weave


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is read here is read alike on PostgreSQL, as test_damage shows on both."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def signed(ledger: Ledger, engine: Engine, notary: Notary, more: int) -> str:
    """Weave more entries and let the notary sign."""
    weave(ledger, some_entries(more))
    with engine.connect() as connection:
        checkpoint = notary.sign_next(connection, NOON)
    assert checkpoint is not None
    return checkpoint.text


def whole(engine: Engine, text: str, directory: Path) -> Path:
    with engine.connect() as connection:
        export(connection, text, directory, ignore)
    return directory


def grow(engine: Engine, text: str, directory: Path, since: int | None) -> int:
    """Continue an export; return how many entries were read."""
    read: list[int] = []
    with engine.connect() as connection:
        extend(connection, text, directory, kept_size(directory, since), read.append)
    return sum(read)


def test_an_export_that_grew_is_byte_for_byte_the_export_of_everything(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path, vkeys: str
) -> None:
    grown = whole(engine, signed(ledger, engine, notary, 1), tmp_path / "grown")
    for number, more in enumerate((1, 253, 1, 1, 255, 300, 512)):
        text = signed(ledger, engine, notary, more)
        before = verify(grown, vkeys, ignore).size
        assert grow(engine, text, grown, None) == more + before % 256
        assert files(grown) == files(whole(engine, text, tmp_path / f"whole-{number}"))
        assert verify(grown, vkeys, ignore).size == before + more


def test_an_increment_of_nothing_changes_nothing(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    text = signed(ledger, engine, notary, 300)
    grown = whole(engine, text, tmp_path / "grown")
    before = files(grown)
    grow(engine, text, grown, None)
    assert files(grown) == before


@pytest.mark.parametrize("since", [0, 100, 256, 299])
def test_from_any_size_on_the_export_is_written_anew(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path, since: int
) -> None:
    grown = whole(engine, signed(ledger, engine, notary, 300), tmp_path / "grown")
    if since < 257:
        (grown / "tile/entries/001.p/44").write_bytes(b"torn")
    text = signed(ledger, engine, notary, 20)
    grow(engine, text, grown, since)
    assert files(grown) == files(whole(engine, text, tmp_path / "whole"))


def test_an_increment_broken_off_anywhere_leaves_the_earlier_export_and_goes_on(
    ledger: Ledger,
    engine: Engine,
    notary: Notary,
    tmp_path: Path,
    vkeys: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earlier = whole(engine, signed(ledger, engine, notary, 500), tmp_path / "earlier")
    text = signed(ledger, engine, notary, 400)
    wanted = files(whole(engine, text, tmp_path / "whole"))
    ordinary = Path.write_bytes
    for last in range(9):
        grown = Path(shutil.copytree(earlier, tmp_path / f"grown-{last}"))
        writes = iter(range(last))

        def broken(path: Path, content: bytes, writes: object = writes) -> int:
            if next(writes, None) is None:  # type: ignore[call-overload]
                ordinary(path, content[: len(content) // 2])
                raise OSError("The disk is full.")
            return ordinary(path, content)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", broken)
            if last < 7:
                with pytest.raises(OSError, match="full"):
                    grow(engine, text, grown, None)
                assert verify(grown, vkeys, ignore).size == 500
        grow(engine, text, grown, None)
        assert files(grown) == wanted


def test_a_folder_that_is_no_export_or_another_logs_or_too_small_is_not_continued(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    text = signed(ledger, engine, notary, 10)
    with pytest.raises(NotVerified, match="no checkpoint"):
        grow(engine, text, tmp_path / "absent", None)
    grown = whole(engine, text, tmp_path / "grown")
    with pytest.raises(NotVerified, match="has 10 entries, not 11"):
        grow(engine, text, grown, 11)
    other = NotaryKeys.generate("other.example/ledger").sign(10, parse(text).root, NOON).text
    with pytest.raises(NotVerified, match="another log"):
        grow(engine, other, grown, None)
    (grown / "tile/0/000.p/10").write_bytes(bytes(320))
    with pytest.raises(NotVerified, match="do not have the root"):
        grow(engine, text, grown, None)


def test_a_ledger_that_was_rewritten_does_not_continue_and_the_folder_is_left_as_it_was(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    grown = whole(engine, signed(ledger, engine, notary, 300), tmp_path / "grown")
    before = files(grown)
    weave(ledger, some_entries(300))
    tamper(
        engine,
        'UPDATE ledger_entries SET leaf = (SELECT leaf FROM ledger_entries WHERE "index" = 1) '
        'WHERE "index" = 270',
    )
    text = notary_keys.sign(600, root_of([leaf_hash(leaf) for leaf in leaves(engine)]), NOON).text
    for since in (None, 0, 260):
        with pytest.raises(Damaged, match="does not continue"):
            grow(engine, text, grown, since)
        assert files(grown) == before


def test_a_ledger_that_was_cut_off_does_not_continue(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    shorter = signed(ledger, engine, notary, 200)
    grown = whole(engine, signed(ledger, engine, notary, 100), tmp_path / "grown")
    with pytest.raises(Damaged, match="smaller than the export"):
        grow(engine, shorter, grown, None)


def test_an_entry_changed_among_those_kept_shows_in_the_new_root(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    grown = whole(engine, signed(ledger, engine, notary, 512), tmp_path / "grown")
    weave(ledger, some_entries(9))
    tamper(
        engine,
        'UPDATE ledger_entries SET leaf = (SELECT leaf FROM ledger_entries WHERE "index" = 1) '
        'WHERE "index" = 7',
    )
    text = notary_keys.sign(521, root_of([leaf_hash(leaf) for leaf in leaves(engine)]), NOON).text
    with pytest.raises(Damaged, match="do not have the root"):
        grow(engine, text, grown, None)
    assert parse((grown / "checkpoint").read_text()).size == 512
