"""Officers named and people added at the same moment: nobody lacks a key, nobody has one too many."""

import threading
from collections.abc import Callable

from tests.cast import Cast
from tests.patience import wait_for_locks
from tests.programme import open_case
from vault.access import comparing
from vault.access.models import Assignment
from vault.cases import actions, naming
from vault.cases.models import Case, Person
from vault.vocabulary import Position

ROUNDS = 6


def at_once(*acts: Callable[[], None]) -> list[Exception]:
    """Do these at the same moment; what went wrong."""
    gate, faults = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        gate.wait()
        try:
            act()
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_an_officer_named_while_people_are_added_gets_the_keys_of_each(cast: Cast) -> None:
    stage, ada, ivo = cast.stage, cast["ada"].actor, cast["ivo"].actor.officer
    vault, now = stage.vault, stage.clock.now
    case = open_case(cast, named=[])
    wait_for_locks(stage)

    def add() -> None:
        with vault.writing() as db:
            kept = db.get_one(Case, case.id)
            actions.add_person(db, ada, vault.trust, kept, Position.CHILD, True, now)

    def name() -> None:
        with vault.writing() as db:
            naming.name_officer(db, ada, vault.trust, db.get_one(Case, case.id), ivo, None, now)

    for _ in range(ROUNDS):
        assert at_once(add, name, add) == []
        with vault.reading() as db:
            assert comparing.audit_seals(db) == ([], [])
            numbers = [person.number for person in db.query(Person).filter_by(case=case.id)]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        with vault.writing() as db:
            assignment = db.query(Assignment).filter_by(officer=ivo, ended_at=None, kind="case").one()
            naming.unname_officer(db, ada, db.get_one(Case, case.id), assignment.id, now)
