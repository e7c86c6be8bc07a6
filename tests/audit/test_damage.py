"""What somebody who owns the database can do to the ledger, and who notices: each edge by its name.

The notary, with its memory on another path, notices what was done to the newest entries and the head.
The examination notices everything that still is inside the database.
"""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from audit.checkpoints import Notary
from audit.entries import Details
from audit.errors import Damaged, NotaryRefuses
from audit.examination import examine
from audit.ledger import Ledger, create_all
from audit.tree import Frontier, leaf_hash
from tests.audit.writing import NOON, PATIENCE, an_entry, ignore, leaves, some_entries, tamper, weave

LATER = NOON + timedelta(minutes=5)


def sign(engine: Engine, notary: Notary) -> None:
    with engine.connect() as connection:
        notary.sign_next(connection, LATER)


def fill(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    """Ten entries in three batches, signed."""
    entries = some_entries(10)
    for start, end in ((0, 4), (4, 7), (7, 10)):
        weave(ledger, entries[start:end])
    sign(engine, notary)


def finding(engine: Engine) -> Damaged:
    with engine.connect() as connection, pytest.raises(Damaged) as damage:
        examine(connection, ignore)
    return damage.value


def leaf_literal(engine: Engine, leaf: bytes) -> str:
    return f"x'{leaf.hex()}'" if engine.dialect.name == "sqlite" else f"'\\x{leaf.hex()}'::bytea"


def test_a_sound_ledger_is_found_sound(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    with engine.connect() as connection:
        found = examine(connection, ignore)
        assert (found.size, found.root) == (10, ledger.head(connection).root)
        assert (found.details_gone, found.waiting) == ((), 0)
        assert notary.sign_next(connection, LATER) is None


def test_an_emptied_ledger(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_subjects", "DELETE FROM ledger_entries", "DELETE FROM ledger_heads")
    with pytest.raises(NotaryRefuses, match="smaller"):
        sign(engine, notary)


def test_an_emptied_ledger_that_kept_its_heads(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_subjects", "DELETE FROM ledger_entries")
    assert finding(engine).index == 0


def test_the_newest_entries_cut_off(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(
        engine,
        'DELETE FROM ledger_subjects WHERE "index" >= 7',
        'DELETE FROM ledger_entries WHERE "index" >= 7',
        "DELETE FROM ledger_heads WHERE size > 7",
    )
    with pytest.raises(NotaryRefuses, match="smaller"):
        sign(engine, notary)


def test_the_newest_entries_cut_off_under_their_head(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, 'DELETE FROM ledger_entries WHERE "index" >= 8')
    assert finding(engine).index == 8


def test_the_newest_entries_cut_off_and_others_written_in_their_place(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    fill(ledger, engine, notary)
    tamper(
        engine,
        'DELETE FROM ledger_subjects WHERE "index" >= 7',
        'DELETE FROM ledger_entries WHERE "index" >= 7',
        "DELETE FROM ledger_heads WHERE size > 7",
    )
    weave(ledger, some_entries(5))
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 12
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)


def test_the_oldest_entries_cut_off(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, 'DELETE FROM ledger_entries WHERE "index" < 2')
    assert finding(engine).index == 0


def test_an_entry_in_the_middle_taken_out(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, 'DELETE FROM ledger_entries WHERE "index" = 5')
    assert finding(engine).index == 5


def test_an_entry_altered(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    forged = leaves(engine)[3].replace(b'"number":3', b'"number":4')
    tamper(engine, f'UPDATE ledger_entries SET leaf = {leaf_literal(engine, forged)} WHERE "index" = 3')
    assert finding(engine).index == 3


def test_an_entry_altered_together_with_its_hash(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    forged = leaves(engine)[3].replace(b'"number":3', b'"number":4')
    tamper(
        engine,
        f"UPDATE ledger_entries SET leaf = {leaf_literal(engine, forged)}, "
        f'leaf_hash = {leaf_literal(engine, leaf_hash(forged))} WHERE "index" = 3',
    )
    assert "head of 4" in finding(engine).what


def test_a_new_entry_altered_with_its_hash_and_its_head(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    fill(ledger, engine, notary)
    forged = leaves(engine)
    forged[9] = forged[9].replace(b'"number":9', b'"number":8')
    frontier = Frontier()
    for leaf in forged:
        frontier.append(leaf_hash(leaf))
    tamper(
        engine,
        f"UPDATE ledger_entries SET leaf = {leaf_literal(engine, forged[9])}, "
        f'leaf_hash = {leaf_literal(engine, leaf_hash(forged[9]))} WHERE "index" = 9',
        f"UPDATE ledger_heads SET root = {leaf_literal(engine, frontier.root())}, "
        f"frontier = {leaf_literal(engine, frontier.to_bytes())} WHERE size = 10",
    )
    # From inside everything fits together; only the notary's own memory tells.
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 10
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)


def test_an_entry_not_yet_signed_altered(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    weave(ledger, some_entries(3))
    forged = leaves(engine)[11].replace(b'"outcome":"done"', b'"outcome":"failed"')
    tamper(engine, f'UPDATE ledger_entries SET leaf = {leaf_literal(engine, forged)} WHERE "index" = 11')
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)


def test_two_entries_swapped(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(
        engine,
        'UPDATE ledger_entries SET "index" = 100 WHERE "index" = 2',
        'UPDATE ledger_entries SET "index" = 2 WHERE "index" = 5',
        'UPDATE ledger_entries SET "index" = 5 WHERE "index" = 100',
    )
    assert "head of 4" in finding(engine).what


def test_an_entry_duplicated(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    name = "'0191d5a0000070008000000000000001'"
    others = "leaf, leaf_hash, at, event, officer, session, compartment, reason, outcome"
    tamper(
        engine,
        f'INSERT INTO ledger_entries ("index", id, {others}) '
        f'SELECT 10, {name}, {others} FROM ledger_entries WHERE "index" = 4',
    )
    assert finding(engine).index == 10
    assert "copy" in finding(engine).what


@pytest.mark.parametrize("column", ["at", "event", "outcome", "leaf", "leaf_hash"])
def test_an_entry_given_a_null(tmp_path: Path, notary: Notary, column: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    ledger = Ledger(engine)
    fill(ledger, engine, notary)
    weave(ledger, [an_entry()])
    ledger.close()
    # NOT NULL is in the way of a thief only until the table is copied without it.
    tamper(
        engine,
        "CREATE TABLE copied AS SELECT * FROM ledger_entries",
        f'UPDATE copied SET {column} = NULL WHERE "index" = 10',
        "DROP TABLE ledger_entries",
        "ALTER TABLE copied RENAME TO ledger_entries",
    )
    assert finding(engine).index == 10
    if column == "leaf":
        with pytest.raises(NotaryRefuses):
            sign(engine, notary)
    engine.dispose()


def test_a_column_beside_the_leaf_given_a_null(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine)
    # From the newest entry down, so that each damage is the first that the examination meets.
    for index, column in zip((9, 8, 7, 6), ("officer", "session", "compartment", "reason"), strict=True):
        with engine.begin() as connection:
            connection.exec_driver_sql(f'UPDATE ledger_entries SET {column} = NULL WHERE "index" = {index}')
        found = finding(engine)
        assert (found.index, column in found.what) == (index, True)


def test_an_entry_given_another_id(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "UPDATE ledger_entries SET id = '0191d5a0000070008000000000000001' WHERE \"index\" = 7")
    assert (finding(engine).index, "column id" in finding(engine).what) == (7, True)


@pytest.mark.parametrize("change", ["leaf = CAST(leaf AS TEXT)", "leaf = 5", "leaf_hash = 'x'", "id = 'x'"])
def test_an_entry_given_what_a_column_never_holds(tmp_path: Path, notary: Notary, change: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    ledger = Ledger(engine)
    fill(ledger, engine, notary)
    ledger.close()
    # SQLite takes text and numbers into a column of bytes.
    tamper(engine, f'UPDATE ledger_entries SET {change} WHERE "index" = 7')
    assert finding(engine).index == 7
    engine.dispose()


def test_an_altered_entry_tells_no_digests_of_rows(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    weave(ledger, [an_entry(rows={"cases/1": "ab" * 32})])
    forged = leaves(engine)[10].replace(b"ab" * 32, b"AB" * 32)
    tamper(engine, f'UPDATE ledger_entries SET leaf = {leaf_literal(engine, forged)} WHERE "index" = 10')
    with engine.connect() as connection, pytest.raises(Damaged) as damage:
        list(ledger.latest_row_digests(connection))
    assert damage.value.index == 10


def test_a_subject_taken_out_so_that_an_entry_is_not_found(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_subjects WHERE \"index\" = 6 AND subject < 'd'")
    assert finding(engine).index == 6


@pytest.mark.parametrize("column", ["root", "frontier"])
def test_a_head_row_edited(ledger: Ledger, engine: Engine, notary: Notary, column: str) -> None:
    fill(ledger, engine, notary)
    weave(ledger, [an_entry()])
    wrong = leaf_literal(engine, bytes(32 if column == "root" else 96))
    tamper(engine, f"UPDATE ledger_heads SET {column} = {wrong} WHERE size = 11")
    assert "head of 11" in finding(engine).what
    with pytest.raises(NotaryRefuses, match="head was edited"):
        sign(engine, notary)


def test_an_older_head_row_edited(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, f"UPDATE ledger_heads SET root = {leaf_literal(engine, bytes(32))} WHERE size = 7")
    assert "head of 7" in finding(engine).what


def test_a_head_row_taken_out(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_heads WHERE size = 7")
    assert "head of 10" in finding(engine).what


def test_the_newest_head_row_taken_out(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_heads WHERE size = 10")
    assert finding(engine).index == 7
    with pytest.raises(NotaryRefuses, match="smaller"):
        sign(engine, notary)


def test_two_heads(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    root = leaf_literal(engine, bytes(32))
    tamper(
        engine, f"INSERT INTO ledger_heads (size, previous, root, frontier) VALUES (12, 10, {root}, {root})"
    )
    assert finding(engine).index == 10
    with pytest.raises(NotaryRefuses, match="lacks entries"):
        sign(engine, notary)


def test_a_restored_older_database(tmp_path: Path, notary: Notary) -> None:
    path = tmp_path / "ledger.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    create_all(engine)
    ledger = Ledger(engine)
    weave(ledger, some_entries(4))
    ledger.close()
    shutil.copy(path, tmp_path / "older")
    ledger = Ledger(engine)
    weave(ledger, some_entries(4))
    sign(engine, notary)
    ledger.close()
    engine.dispose()
    shutil.copy(tmp_path / "older", path)
    with pytest.raises(NotaryRefuses, match="smaller"):
        sign(engine, notary)
    # Work goes on and the ledger outgrows the lost entries; the notary is not deceived by its size.
    ledger = Ledger(engine)
    weave(ledger, some_entries(9))
    ledger.close()
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)
    engine.dispose()


def test_a_clock_set_back(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    fill(ledger, engine, notary)
    earlier = an_entry(at=NOON - timedelta(days=30))
    (receipt,) = weave(ledger, [earlier])
    assert receipt.index == 10
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 11
        signed = notary.sign_next(connection, NOON - timedelta(days=30))
    assert signed is not None
    assert signed.size == 11


def test_a_details_row_deleted_is_said_and_the_leaf_still_verifies(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    fill(ledger, engine, notary)
    details = Details(b"salt", b"sealed", "ab" * 32)
    ledger.weave([(an_entry(details=details.commitment), details)], PATIENCE)
    tamper(engine, "DELETE FROM ledger_details")
    with engine.connect() as connection:
        assert examine(connection, ignore).details_gone == (10,)
        assert notary.sign_next(connection, LATER) is not None


def test_an_entry_is_never_woven_onto_an_emptied_ledger_without_the_notary_noticing(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    fill(ledger, engine, notary)
    tamper(engine, "DELETE FROM ledger_subjects", "DELETE FROM ledger_entries", "DELETE FROM ledger_heads")
    weave(ledger, some_entries(20))
    with pytest.raises(NotaryRefuses, match="continuation"):
        sign(engine, notary)
