"""The notary at the end of a volume: it signs what it closed, keeps that and goes on, or says why not."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from audit.checkpoints import Notary, closed_checkpoint
from audit.errors import NotaryRefuses
from audit.handovers import carry_over, check_signed, read_hand_overs
from audit.ledger import Ledger
from audit.notes import Checkpoint, NotaryKeys, check_signatures, parse
from audit.rotating import KeyPlace, hand_over, keys_in_use
from tests.audit.chapters import LEDGER, begin
from tests.audit.writing import NOON, some_entries, tamper, weave
from tests.keys.killing import steps_of


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is read here is read alike on PostgreSQL, as test_volumes shows on both."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def sign(engine: Engine, notary: Notary) -> Checkpoint | None:
    with engine.connect() as connection:
        return notary.sign_next(connection, NOON)


def check(checkpoint: Checkpoint, keys: NotaryKeys, number: int, size: int) -> None:
    origin = LEDGER if number == 1 else f"{LEDGER}/volume-{number}"
    assert (checkpoint.origin, checkpoint.size) == (origin, size)
    check_signatures(checkpoint, keys.named(origin).verifier_keys())


def kept(notary: Notary, number: int) -> Checkpoint:
    return parse(closed_checkpoint(notary.checkpoint, number).read_text())


def test_it_signs_how_a_volume_ended_and_the_next_under_a_name_of_its_own(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys
) -> None:
    weave(ledger, some_entries(5))
    assert sign(engine, notary)
    begin(ledger, 2)
    signed = sign(engine, notary)
    assert signed is not None
    check(signed, notary_keys, 2, 1)
    check(kept(notary, 1), notary_keys, 1, 6)
    with engine.connect() as connection:
        assert ledger.roots_at(connection, [6, 7]) == {6: kept(notary, 1).root, 7: signed.root}
    assert sign(engine, notary) is None
    weave(ledger, some_entries(3))
    assert sign(engine, notary)
    latest = notary.latest()
    assert latest is not None
    check(latest, notary_keys, 2, 4)


def test_it_closes_every_volume_that_ended_while_it_was_away(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys
) -> None:
    for number in (2, 3, 4):
        weave(ledger, some_entries(number))
        begin(ledger, number)
    signed = sign(engine, notary)
    assert signed is not None
    check(signed, notary_keys, 4, 1)
    for number, size in ((1, 3), (2, 5), (3, 6)):
        check(kept(notary, number), notary_keys, number, size)


class PowerCut(Exception):
    """Nothing after it happens."""


class Cuts:
    """Ends whatever is being done just before a file is put in its place, when so many were before it."""

    def __init__(self) -> None:
        self.left = 0
        sys.addaudithook(self.hook)

    def hook(self, name: str, _given: tuple[object, ...]) -> None:
        if self.left and name == "os.rename":
            self.left -= 1
            if self.left == 0:
                raise PowerCut


CUTS = Cuts()


def set_the_end_of_a_volume(ledger: Ledger, engine: Engine, notary: Notary) -> list[bytes]:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    begin(ledger, 2)
    weave(ledger, some_entries(2))
    return [path.read_bytes() for path in (notary.state, notary.checkpoint)]


def set_back(notary: Notary, saved: list[bytes]) -> None:
    for path, content in zip((notary.state, notary.checkpoint), saved, strict=True):
        path.write_bytes(content)
    closed_checkpoint(notary.checkpoint, 1).unlink(missing_ok=True)


def check_made_good(engine: Engine, notary: Notary, notary_keys: NotaryKeys) -> None:
    """Whatever was published by then, the notary goes on from it to the same trees."""
    sign(engine, notary)
    check(kept(notary, 1), notary_keys, 1, 4)
    latest = notary.latest()
    assert latest is not None
    check(latest, notary_keys, 2, 3)
    assert sign(engine, notary) is None


def test_ended_at_any_step_it_signs_the_same_trees_afterwards(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys
) -> None:
    saved = set_the_end_of_a_volume(ledger, engine, notary)
    cuts = 0
    for at in range(1, 100):
        set_back(notary, saved)
        CUTS.left = at
        try:
            sign(engine, notary)
        except PowerCut:
            cuts += 1
            check_made_good(engine, notary, notary_keys)
        else:
            break
        finally:
            CUTS.left = 0
    # Memory and checkpoint of the last tree, its kept copy, an empty memory, memory and checkpoint anew.
    assert cuts == 6


def sign_alone(url: str, key: Path, state: Path, checkpoint: Path) -> None:
    """The notary in a process that may be killed."""
    engine = create_engine(url)
    sign(engine, Notary(lambda: NotaryKeys.load(key, LEDGER), state, checkpoint))


@pytest.mark.soak
def test_killed_at_any_step_it_signs_the_same_trees_afterwards(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    key = tmp_path / "notary.key"
    notary_keys.save(key)
    saved, kills = set_the_end_of_a_volume(ledger, engine, notary), 0
    arguments = (engine.url.render_as_string(False), key, notary.state, notary.checkpoint)
    for at in range(1, 200):
        set_back(notary, saved)
        if steps_of(sign_alone, *arguments, kill_at=at) is not None:
            break
        kills += 1
        check_made_good(engine, notary, notary_keys)
    assert kills > 20


ANOTHER_LEAF = 'UPDATE ledger_entries SET leaf = (SELECT min(leaf) FROM ledger_entries) WHERE "index"'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (f"{ANOTHER_LEAF} = 4", "continuation"),
        (f"{ANOTHER_LEAF} = 5", "volume 2 does not name"),
        ("UPDATE ledger_heads SET root = zeroblob(32) WHERE size = 5", "head was edited"),
        ("DELETE FROM ledger_heads WHERE size = 5", "head was edited"),
        ("DELETE FROM ledger_entries WHERE \"index\" >= 5", "volume 2 does not name"),
        ("DELETE FROM ledger_entries WHERE \"index\" >= 2", "lacks entries"),
        ("UPDATE ledger_volumes SET first_index = 4", "head was edited|not name"),
        ("UPDATE ledger_volumes SET first_index = 2", "cut off"),
        ("UPDATE ledger_volumes SET origin = 'other.example/volume-2'", "list of volumes"),
        ("UPDATE ledger_volumes SET number = 3", "list of volumes"),
        ("INSERT INTO ledger_volumes VALUES (3, 7, 'vault.example/ledger/volume-3')", "head was edited"),
        ("DELETE FROM ledger_volumes", "head was edited"),
    ],
)  # fmt: skip
def test_a_volume_that_its_entries_do_not_bear_out_is_not_signed(
    ledger: Ledger, engine: Engine, notary: Notary, change: str, words: str
) -> None:
    weave(ledger, some_entries(4))
    sign(engine, notary)
    begin(ledger, 2)
    weave(ledger, some_entries(2))
    tamper(engine, change)
    with pytest.raises(NotaryRefuses, match=words):
        sign(engine, notary)


def test_a_volume_that_names_another_tree_than_was_signed_is_not_signed(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    """The owner of the database alters an entry that was signed, and makes everything after it anew."""
    weave(ledger, some_entries(3))
    sign(engine, notary)
    tamper(
        engine,
        *(f"DELETE FROM ledger_{table}" for table in ("heads", "subjects", "entries")),
    )
    forged = Ledger(engine)
    weave(forged, some_entries(3))
    begin(forged, 2)
    forged.close()
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)


@pytest.mark.parametrize("restored", ["before the volume", "with another second volume"])
def test_an_older_database_put_back_across_a_volume_is_refused(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path, restored: str
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    with (
        closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as now,
        closing(sqlite3.connect(tmp_path / "older.sqlite")) as then,
    ):
        now.backup(then)
    begin(ledger, 2)
    sign(engine, notary)
    older = create_engine(f"sqlite:///{tmp_path / 'older.sqlite'}")
    words = "older database was put back"
    if restored == "with another second volume":
        again = Ledger(older)
        begin(again, 2)
        weave(again, some_entries(1))
        again.close()
        words = "continuation"
    with pytest.raises(NotaryRefuses, match=words):
        sign(older, notary)
    older.dispose()


def test_a_memory_or_a_checkpoint_of_another_volume_is_noticed(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    older = notary.state.read_bytes()
    begin(ledger, 2)
    sign(engine, notary)
    notary.state.write_bytes(older)
    with pytest.raises(NotaryRefuses, match="another volume"):
        sign(engine, notary)
    notary.state.unlink()
    with pytest.raises(NotaryRefuses, match="another volume"):
        sign(engine, notary)


def test_a_kept_final_checkpoint_is_never_replaced_by_another(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys
) -> None:
    weave(ledger, some_entries(3))
    begin(ledger, 2)
    path = closed_checkpoint(notary.checkpoint, 1)
    path.write_text(notary_keys.sign(4, bytes(32), NOON).text)
    with pytest.raises(NotaryRefuses, match="was kept before"):
        sign(engine, notary)


def test_a_memory_of_a_time_without_volumes_is_read(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    memory = json.loads(notary.state.read_bytes())
    del memory["first"], memory["earlier"]
    notary.state.write_text(json.dumps(memory))
    begin(ledger, 2)
    assert sign(engine, notary) is not None


def test_new_keys_are_handed_over_to_in_each_volume_apart_and_lead_into_the_next(
    ledger: Ledger, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    place = KeyPlace(tmp_path / "own/notary.key", tmp_path / "hand-overs", LEDGER)
    first = NotaryKeys.generate(LEDGER)
    first.save(place.key)
    notary = Notary(lambda: keys_in_use(place), tmp_path / "own/state", tmp_path / "checkpoint")
    weave(ledger, some_entries(3))
    sign(engine, notary)
    one = hand_over(place, lambda: notary, NOON)
    begin(ledger, 2)
    # Handed over before the notary saw the new volume: it belongs to the old one, whose last tree they sign.
    two = hand_over(place, lambda: notary, NOON)
    sign(engine, notary)
    three = hand_over(place, lambda: notary, NOON + timedelta(days=1))
    weave(ledger, some_entries(1))
    sign(engine, notary)
    assert [(volume, len(made)) for volume, made in place.published()] == [(1, 2), (2, 1)]
    assert [(made.origin, made.number) for made in (one, two, three)] == [
        (LEDGER, 1), (LEDGER, 2), (f"{LEDGER}/volume-2", 1),
    ]  # fmt: skip
    pinned = first.verifier_keys()
    earlier, later = (read_hand_overs(place.hand_overs_of(number)) for number in (1, 2))
    check_signed(kept(notary, 1), pinned, earlier)
    carried = carry_over(pinned, earlier, f"{LEDGER}/volume-2")
    current = parse(notary.checkpoint.read_text())
    assert current.size == 2
    assert check_signed(current, carried, later) == three.new
    shutil.rmtree(tmp_path / "own")
