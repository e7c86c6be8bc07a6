"""A ledger in volumes: trees that count from their own first entry, and what joins one to the next."""

import os
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.pool import ConnectionPoolEntry

from audit import tables
from audit.errors import Damaged, LedgerUnavailable, NotTheNextVolume, NotVerified
from audit.examination import examine
from audit.export import export
from audit.increments import extend
from audit.joints import OPENED, FinalTree, opening_facts, says_opened
from audit.ledger import Ledger, create_all
from audit.notes import NotaryKeys
from audit.subtrees import prove_woven
from audit.tree import Frontier, from_leaves, inclusion_proof, leaf_hash, root_of
from audit.verify import verify
from audit.volumes import volumes_in
from tests.audit.chapters import LEDGER, begin, closing_entry, opening_entry
from tests.audit.test_faults import break_step, mend_step
from tests.audit.writers import start
from tests.audit.writing import NOON, PATIENCE, an_entry, count, ignore, leaves, some_entries, weave


def heads_of(connection: Connection) -> list[tuple[int, bytes, bytes]]:
    columns = tables.heads.c
    query = select(columns.size, columns.root, columns.frontier).order_by(columns.size)
    return [(row.size, row.root, row.frontier) for row in connection.execute(query)]


def test_a_volume_begins_with_two_entries_that_name_each_other(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, some_entries(5))
    with engine.connect() as connection:
        before = ledger.head(connection)
    assert begin(ledger, 2) == 6
    assert weave(ledger, [an_entry()])[0].index == 7
    with engine.connect() as connection:
        assert [
            (one.number, one.origin, one.first_index, one.end_index) for one in volumes_in(connection, LEDGER)
        ] == [(1, LEDGER, 0, 6), (2, f"{LEDGER}/volume-2", 6, None)]
        final = ledger.roots_at(connection, [6])[6]
        assert final != before.root
        closing, opening = (ledger.entry(connection, index).entry for index in (5, 6))
        assert closing.facts == {"volume": 1, "next-origin": f"{LEDGER}/volume-2"}
        assert opening.facts == opening_facts(2, 6, FinalTree(LEDGER, 6, final))
        assert len(ledger.head(connection).frontier) == 32
        assert examine(connection, ignore).size == 8


def test_trees_of_volumes_of_any_size_are_those_of_another_implementation(tmp_path: Path) -> None:
    @settings(max_examples=5, deadline=None)
    @given(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    def check(sizes: Sequence[int]) -> None:
        engine = create_engine("sqlite:///" + str(tmp_path / f"{next(names)}.sqlite"))
        create_all(engine)
        ledger = Ledger(engine)
        for number, size in enumerate(sizes, 2):
            weave(ledger, some_entries(size))
            begin(ledger, number)
        weave(ledger, some_entries(sizes[0]))
        ledger.close()
        written = leaves(engine)
        with engine.connect() as connection:
            volumes, heads = volumes_in(connection, LEDGER), heads_of(connection)
            assert examine(connection, ignore).size == len(written)
        engine.dispose()
        assert len(volumes) == len(sizes) + 1
        checked = 0
        for volume in volumes:
            end = len(written) if volume.end_index is None else volume.end_index
            for size, root, frontier in heads:
                if volume.first_index < size <= end:
                    tree = InmemoryTree(algorithm="sha256")
                    for leaf in written[volume.first_index : size]:
                        tree.append_entry(leaf)
                    assert tree.get_root() == root
                    assert len(frontier) == 32 * (size - volume.first_index).bit_count()
                    checked += 1
        assert checked == len(heads)

    names = iter(range(1000))
    check()


def test_only_the_next_volume_begins_and_no_empty_one_is_closed(ledger: Ledger, engine: Engine) -> None:
    with pytest.raises(NotTheNextVolume):
        begin(ledger, 2)
    weave(ledger, some_entries(1))
    for number in (1, 3):
        with pytest.raises(NotTheNextVolume):
            begin(ledger, number)
    begin(ledger, 2)
    with pytest.raises(NotTheNextVolume):
        begin(ledger, 2)
    assert begin(ledger, 3) == 4
    assert count(engine, "ledger_entries") == 5


def test_entries_that_do_not_name_the_link_begin_nothing(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, some_entries(3))

    def wrong_root(first: int, final: FinalTree) -> object:
        return opening_entry(first, replace(final, root=bytes(32)))

    with pytest.raises(LedgerUnavailable):
        ledger.begin_volume(2, LEDGER, closing_entry(3), opening_entry, PATIENCE)
    with pytest.raises(LedgerUnavailable):
        ledger.begin_volume(2, LEDGER, closing_entry(2), wrong_root, PATIENCE)  # type: ignore[arg-type]
    assert (count(engine, "ledger_entries"), count(engine, "ledger_volumes")) == (3, 0)
    assert weave(ledger, [an_entry()])[0].index == 3


def test_what_waits_beside_a_volume_that_fails_to_begin_is_woven(ledger: Ledger, engine: Engine) -> None:
    def fails(first: int, final: FinalTree) -> object:
        raise RuntimeError

    pended = an_entry()
    with engine.begin() as connection:
        ledger.pend(connection, pended, None)
    with pytest.raises(LedgerUnavailable):
        ledger.begin_volume(2, LEDGER, closing_entry(2), fails, PATIENCE)  # type: ignore[arg-type]
    assert ledger.settle([pended.id], PATIENCE)[0].index == 0


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_volumes", "ledger_heads"])
def test_a_failure_at_any_step_of_beginning_a_volume_leaves_no_part_of_it(
    ledger: Ledger, engine: Engine, table: str
) -> None:
    weave(ledger, some_entries(2))
    break_step(engine, table, "INSERT")
    with pytest.raises(LedgerUnavailable):
        begin(ledger, 2)
    mend_step(engine, table)
    assert [count(engine, name) for name in ("ledger_entries", "ledger_volumes", "ledger_heads")] == [2, 0, 1]
    assert begin(ledger, 2) == 3
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 4


def begin_until_killed(url: str) -> None:
    """Begin the second volume; a trigger calls `die`, which only this process knows how to answer."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def arm(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))

    begin(Ledger(engine), 2)


@pytest.mark.parametrize(
    ("table", "when"),
    [
        *((table, "1") for table in ("ledger_entries", "ledger_volumes", "ledger_heads")),
        *((table, "EXISTS (SELECT 1 FROM ledger_volumes)") for table in ("ledger_entries", "ledger_heads")),
    ],
)
def test_a_process_killed_at_any_step_of_beginning_a_volume_leaves_no_part_of_it(
    tmp_path: Path, table: str, when: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    ledger = Ledger(engine)
    weave(ledger, some_entries(2))
    kill = f"CREATE TRIGGER kill AFTER INSERT ON {table} WHEN {when} BEGIN SELECT die(); END"
    with engine.begin() as connection:
        connection.exec_driver_sql(kill)
    doomed = start(begin_until_killed, engine.url.render_as_string(False))
    doomed.join()
    assert doomed.exitcode == -signal.SIGKILL
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER kill")
    assert [count(engine, name) for name in ("ledger_entries", "ledger_volumes", "ledger_heads")] == [2, 0, 1]
    assert begin(ledger, 2) == 3
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 4
    ledger.close()
    engine.dispose()


def test_an_opening_entry_says_exactly_one_link() -> None:
    final = FinalTree(LEDGER, 6, bytes(range(32)))
    leaf = opening_entry(6, final).canonical()
    assert says_opened(leaf, 2, 6, final)
    assert says_opened(leaf, 2, None, final)
    for number, first, other in (
        (3, 6, final),
        (2, 7, final),
        (2, 6, replace(final, size=5)),
        (2, 6, replace(final, root=bytes(32))),
        (2, 6, replace(final, origin="other.example/ledger")),
    ):
        assert not says_opened(leaf, number, first, other)
    assert not says_opened(an_entry(event=OPENED).canonical(), 2, 6, final)
    assert not says_opened(b"{}", 2, 6, final)


def test_the_frontier_of_a_fresh_volume_is_that_of_its_first_entry_alone(
    ledger: Ledger, engine: Engine
) -> None:
    weave(ledger, some_entries(9))
    begin(ledger, 2)
    alone = Frontier()
    with engine.connect() as connection:
        alone.append(connection.scalars(select(tables.entries.c.leaf_hash)).all()[-1])
        head = ledger.head(connection)
    assert (head.size, head.root, head.frontier) == (11, alone.root(), alone.to_bytes())


def test_proofs_and_exports_are_of_the_entrys_own_volume(
    ledger: Ledger, engine: Engine, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    weave(ledger, some_entries(700))
    begin(ledger, 2)
    weave(ledger, some_entries(1400))
    begin(ledger, 3)
    hashes = [leaf_hash(leaf) for leaf in leaves(engine)]
    with engine.connect() as connection:
        for volume in volumes_in(connection, LEDGER):
            end = len(hashes) if volume.end_index is None else volume.end_index
            keys, own = notary_keys.named(volume.origin), hashes[volume.first_index : end]
            signed = keys.sign(len(own), root_of(own), NOON)
            for index in {0, len(own) // 2, len(own) - 1}:
                proof = prove_woven(connection, volume.first_index + index, signed)
                assert (proof.index, list(proof.hashes)) == (
                    index, inclusion_proof(index, len(own), from_leaves(own)),
                )  # fmt: skip
                assert proof.check(keys.verifier_keys(), []).proof == proof
            folder = tmp_path / str(volume.number)
            export(connection, signed.text, folder, ignore)
            vkeys = "\n".join(key.to_text() for key in keys.verifier_keys())
            assert verify(folder, vkeys, ignore).size == len(own)
            part = keys.sign(len(own) // 2, root_of(own[: len(own) // 2]), NOON)
            export(connection, part.text, tmp_path / f"part-{volume.number}", ignore)
            extend(connection, signed.text, tmp_path / f"part-{volume.number}", part.size, ignore)
            assert verify(tmp_path / f"part-{volume.number}", vkeys, ignore).size == len(own)
        with pytest.raises(NotVerified):
            prove_woven(connection, 3, notary_keys.named(f"{LEDGER}/volume-4").sign(9, bytes(32), NOON))
        with pytest.raises(Damaged):
            prove_woven(connection, 3, notary_keys.named(f"{LEDGER}/volume-2").sign(9, bytes(32), NOON))
