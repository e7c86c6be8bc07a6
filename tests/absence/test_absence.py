"""A colleague stands in for who is away: keys come and go by the day, and nothing is passed on twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.adversaries.thief import Thief
from tests.cast import MONDAY, Cast
from tests.keys.key_machine import COST
from tests.keys.test_naming_races import at_once
from tests.officers.returning import ident
from tests.patience import wait_for_locks
from tests.programme import OpenedCase, open_case
from vault import verification
from vault.absence import actions
from vault.access import comparing, delegating
from vault.access.models import Assignment, Delegation, DelegationEnd, DelegationState, Lockbox, SealRow
from vault.access.policy import Compartment
from vault.cases import actions as cases
from vault.cases import naming
from vault.cases.models import Case
from vault.officers import admission
from vault.officers.models import OfficerState
from vault.vocabulary import Position

TODAY = MONDAY.date()
on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def arrange(cast: Cast, away: str, delegate: str, first: int, last: int, **answers: str) -> tuple[int, str]:
    """Ada arranges a stand-in; the status, and where it led or what was said."""
    given = {"extent": "everything"} | answers
    answer = cast["ada"].post(
        f"/officers/{ident(cast, away)}/absence",
        delegate=str(ident(cast, delegate)),
        from_on=day(first),
        until_on=day(last),
        **given,
    )
    return answer.status_code, answer.location or answer.text


def arranged(cast: Cast, away: str, delegate: str, first: int, last: int, **answers: str) -> UUID:
    status, where = arrange(cast, away, delegate, first, last, **answers)
    assert status == 303, where
    return UUID(where.rsplit("/", 1)[1])


def opens(cast: Cast, name: str, case: OpenedCase) -> int:
    return cast[name].post(f"/records/case/{case.id}/casework/open", reason="case-work").status_code


def seals_of(cast: Cast, name: str) -> int:
    with cast.stage.vault.reading() as db:
        held = select(SealRow.id).where(SealRow.holder == ident(cast, name), SealRow.key_kind == "lockbox")
        return len(db.scalars(held).all())


def faults(cast: Cast) -> object:
    with cast.stage.vault.reading() as db:
        return comparing.audit_seals(db)


def state(cast: Cast, delegation: UUID) -> tuple[DelegationState, DelegationEnd | None]:
    with cast.stage.vault.reading() as db:
        found = db.get_one(Delegation, delegation)
        return found.state, found.end


def test_the_keys_come_when_it_begins_and_go_with_the_last_day(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    assert opens(cast, "ivo", case) == 404
    delegation = arranged(cast, "ines", "ivo", 0, 2)
    assert opens(cast, "ivo", case) == 200
    assert opens(cast, "ines", case) == 200, "who is away keeps their own"
    assert faults(cast) == ([], [])
    cast.stage.clock.forward(days=3)
    ivo = cast["ivo"].sign_in()
    assert state(cast, delegation) == (DelegationState.ENDED, DelegationEnd.OVER)
    assert case.code not in ivo.get("/cases").text
    assert seals_of(cast, "ivo") == 0
    assert faults(cast) == ([], [])
    with cast.stage.vault.reading() as db:
        due = db.scalars(select(Lockbox.id).where(Lockbox.rekey_due_at.is_not(None))).all()
    assert due, "a key that a colleague held for a time is renewed"


def test_after_the_last_day_the_gate_refuses_although_the_seal_is_still_there(cast: Cast) -> None:
    """The day turns, at midnight in New York, within one session, so nobody has ended anything yet."""
    case = open_case(cast, named=["ines"])
    ivo = cast["ivo"]
    delegation = arranged(cast, "ines", "ivo", 0, 0)
    cast.stage.clock.now = MONDAY.replace(hour=4, minute=50) + timedelta(days=1)
    ivo.sign_in()
    cast.stage.clock.now = MONDAY.replace(hour=4, minute=59, second=50) + timedelta(days=1)
    assert opens(cast, "ivo", case) == 200
    cast.stage.clock.forward(seconds=15)
    held = seals_of(cast, "ivo")
    assert opens(cast, "ivo", case) == 404
    assert state(cast, delegation)[0] is DelegationState.RUNNING
    assert held == seals_of(cast, "ivo") > 0


def test_one_for_later_begins_when_a_coordinator_says_so_on_its_first_day(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 2, 5)
    assert state(cast, delegation)[0] is DelegationState.ARRANGED
    assert cast["ada"].post(f"/absences/{delegation}/begin").status_code == 409
    assert "Begin now" not in cast["ada"].get("/desk").text
    cast.stage.clock.forward(days=2)
    ada, _ = cast["ada"].sign_in(), cast["ivo"].sign_in()
    assert opens(cast, "ivo", case) == 404
    assert "Begin now" in ada.get("/desk").text
    assert ada.post(f"/absences/{delegation}/begin").status_code == 303
    assert opens(cast, "ivo", case) == 200
    assert faults(cast) == ([], [])


@on_sqlite
def test_the_nightly_sweep_ends_what_lapsed_though_nobody_signs_in(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 2)
    vault, clock = cast.stage.vault, cast.stage.clock

    def sweep() -> int:
        with vault.writing() as db:
            return delegating.end_lapsed(db, delegating.unit_day(vault.settings, clock.now), clock.now)

    assert (sweep(), seals_of(cast, "ivo") > 0) == (0, True)
    clock.forward(days=3)
    assert (sweep(), sweep(), seals_of(cast, "ivo")) == (1, 0, 0)
    assert state(cast, delegation) == (DelegationState.ENDED, DelegationEnd.OVER)


@on_sqlite
def test_one_that_nobody_began_in_time_ends_without_a_key(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 1, 2)
    cast.stage.clock.forward(days=3)
    cast["ada"].sign_in()
    assert state(cast, delegation) == (DelegationState.ENDED, DelegationEnd.OVER)
    assert seals_of(cast, "ivo") == 0


def test_a_naming_in_ones_own_right_stays_when_the_delegation_ends(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "ivo"])
    before = seals_of(cast, "ivo")
    delegation = arranged(cast, "ines", "ivo", 0, 9)
    assert cast["ada"].post(f"/absences/{delegation}/end").status_code == 303
    assert state(cast, delegation) == (DelegationState.ENDED, DelegationEnd.CALLED_OFF)
    assert opens(cast, "ivo", case) == 200
    assert seals_of(cast, "ivo") == before
    assert faults(cast) == ([], [])


def test_only_what_was_chosen_is_passed_on(cast: Cast) -> None:
    first, second = open_case(cast, named=["ines"]), open_case(cast, named=["ines"])
    arranged(cast, "ines", "ivo", 0, 9, extent="chosen", subjects=f"case:{first.id}")
    assert (opens(cast, "ivo", first), opens(cast, "ivo", second)) == (200, 404)


@on_sqlite
def test_who_is_taken_off_a_case_has_nobody_standing_in_for_them_there(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    arranged(cast, "ines", "ivo", 0, 9)
    with cast.stage.vault.reading() as db:
        own = db.scalars(
            select(Assignment.id).where(
                Assignment.officer == ident(cast, "ines"), Assignment.ended_at.is_(None)
            )
        ).one()
    assert cast["ada"].post(f"/cases/{case.id}/officers/{own}/remove").status_code == 303
    assert opens(cast, "ivo", case) == 404
    assert seals_of(cast, "ivo") == 0
    assert faults(cast) == ([], [])


@pytest.mark.parametrize("gone", ["ines", "ivo"])
def test_it_ends_with_the_access_of_either_officer(cast: Cast, gone: str) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 9)
    vault, keeper, now = cast.stage.vault, cast["max"].actor, cast.stage.clock.now
    with vault.writing() as db:
        officer = admission.get(db, ident(cast, gone))
        admission.invite_again(db, keeper, officer, officer.role, now)
    assert state(cast, delegation) == (DelegationState.ENDED, DelegationEnd.ACCESS_ENDED)
    assert seals_of(cast, "ivo") == 0
    assert faults(cast) == ([], [])


@on_sqlite
def test_an_officer_asks_and_the_coordinator_arranges_declines_or_hears_that_it_is_withdrawn(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    ines, ada = cast["ines"], cast["ada"]
    terms = {"delegate": str(ident(cast, "ivo")), "extent": "everything", "until_on": day(9)}
    paths = []
    for _ in range(3):
        asked = ines.post("/absences/ask", from_on=day(0), **terms)
        assert asked.status_code == 303, asked.text
        paths.append(asked.location)
        if len(paths) == 1:
            assert "Ines Inkpen asks for a stand-in" in ada.get("/desk").text
            assert opens(cast, "ivo", case) == 404
            assert ines.post(f"{paths[0]}/withdraw").status_code == 303
        elif len(paths) == 2:
            assert ada.post(f"{paths[1]}/end").status_code == 303
    assert ada.post(f"{paths[2]}/agree").status_code == 303
    assert ines.post(f"{paths[2]}/withdraw").status_code == 409
    ends = [state(cast, UUID(path.rsplit("/", 1)[1]))[1] for path in paths]
    assert ends == [DelegationEnd.WITHDRAWN, DelegationEnd.DECLINED, None]
    assert opens(cast, "ivo", case) == 200


@on_sqlite
@pytest.mark.parametrize(
    ("away", "delegate", "first", "last", "words"),
    [
        ("ines", "cal", 0, 3, "Choose one of the answers in the list."),
        ("ines", "ines", 0, 3, "Choose one of the answers in the list."),
        ("ines", "ivo", -1, 3, "The first day is over."),
        ("ines", "ivo", 3, 2, "The last day comes before the first."),
        ("ines", "ivo", 0, 60, "60 days at most"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    cast: Cast, away: str, delegate: str, first: int, last: int, words: str
) -> None:
    open_case(cast, named=["ines"])
    status, page = arrange(cast, away, delegate, first, last)
    assert status in {409, 422}
    assert words in page


@on_sqlite
def test_nobody_is_away_twice_stands_in_while_away_or_passes_on_what_was_passed_on(cast: Cast) -> None:
    open_case(cast, named=["ines", "ivo"])
    arranged(cast, "ines", "ivo", 2, 5)
    said = {
        arrange(cast, "ines", "ivo", 5, 9)[1].count("Ines Inkpen is away from"),
        arrange(cast, "ivo", "ines", 0, 2)[1].count("what was passed on is not passed on again"),
    }
    assert 0 not in said
    arranged(cast, "ines", "ivo", 6, 9)
    status, page = arrange(cast, "ivo", "ines", 6, 6)
    assert (status, "stands in for a colleague" in page) == (409, True)


@on_sqlite
def test_a_third_officer_does_not_stand_in_for_one_while_away_themselves(cast: Cast) -> None:
    open_case(cast, named=["ines", "ivo"])
    arranged(cast, "ivo", "ines", 4, 6)
    status, page = arrange(cast, "ines", "ivo", 0, 4)
    assert (status, "stands in for a colleague" in page) == (409, True)


@on_sqlite
def test_whoever_names_an_officer_who_is_away_is_asked_about_the_stand_in(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 9)
    later, ada = open_case(cast, named=[]), cast["ada"]
    path, ines = f"/cases/{later.id}/officers/name", str(ident(cast, "ines"))
    assert "away until" in ada.get(path).text
    asked = ada.post(path, officer=ines)
    assert asked.status_code == 422
    assert "Ines Inkpen, and Ivo Ironside until" in asked.text
    assert ada.post(path, officer=ines, stand_in="both").status_code == 303
    assert opens(cast, "ivo", later) == 200
    page = ada.get(f"/cases/{later.id}").text
    assert "For Ines Inkpen until" in page
    assert ada.post(f"/absences/{delegation}/end").status_code == 303
    assert opens(cast, "ivo", later) == 404
    only = open_case(cast, named=[])
    arranged(cast, "ines", "ivo", 0, 9)
    assert ada.post(f"/cases/{only.id}/officers/name", officer=ines, stand_in="only").status_code == 303
    assert opens(cast, "ivo", only) == 404


@on_sqlite
def test_both_officers_see_it_on_their_desks_and_nobody_else_knows_of_it(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 9)
    assert "You stand in for Ines Inkpen" in cast["ivo"].get("/desk").text
    assert "Ivo Ironside stands in for you" in cast["ines"].get("/desk").text
    assert cast["cal"].get(f"/absences/{delegation}").status_code == 404
    assert "Ivo Ironside" not in cast["cal"].get("/absences").text


@on_sqlite
def test_a_liaison_passes_on_people_and_only_what_the_matrix_gives(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ada, role = cast["ada"].actor, cast["sol"].actor.role
    vault, now = cast.stage.vault, cast.stage.clock.now
    with vault.writing() as db:
        sam, _ = admission.add(db, None, "sam", "Sam Second", role, now)
        admission.give_keys(db, vault.root, sam, "sam" * 6, COST)
        sam.state = OfficerState.ENROLLED
        admission.certify_officer(db, ada, vault.trust, sam, now)
    sol = ident(cast, "sol")
    with vault.writing() as db:
        kept = db.get_one(Case, case.id)
        naming.name_officer(db, ada, vault.trust, kept, sol, case.witness, now)
    arranged(cast, "sol", "sam", 0, 9)
    with vault.reading() as db:
        held = select(Lockbox).join(SealRow, SealRow.key == Lockbox.id).where(SealRow.holder == sam.id)
        boxes = db.scalars(held).all()
    assert {box.subject for box in boxes} == {f"person:{case.witness}"}
    assert {box.compartment for box in boxes} == {Compartment.SUPERVISION}
    assert faults(cast) == ([], [])


@on_sqlite
def test_the_ledger_tells_of_each_naming_and_verification_of_a_last_day_that_somebody_moved(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 2)
    vault = cast.stage.vault
    assert verification.verify(vault, lambda _count: None).findings == ()
    thief = Thief(cast.stage)
    assert thief.run("UPDATE assignments SET ends_on = '2036-11-23' WHERE delegation IS NOT NULL") == 1
    (finding,) = verification.verify(vault, lambda _count: None).findings
    assert "assignments" in finding
    thief.run("UPDATE assignments SET ends_on = ? WHERE delegation IS NOT NULL", day(2))
    cast["ada"].post(f"/absences/{delegation}/end")
    assert verification.verify(vault, lambda _count: None).findings == ()
    with vault.reading() as db:
        size = vault.ledger.head(db).size
        told = [vault.ledger.entry(db, index).entry for index in range(size)]
    ivo = f"officer:{ident(cast, 'ivo')}"
    about = [one.event for one in told if ivo in one.subjects and f"case:{case.id}" in one.subjects]
    assert about == ["officer-named", "officer-unnamed"]


@on_sqlite
def test_who_is_named_anew_while_standing_in_stays_when_taken_off_until_it_ends(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 0, 9)
    ada = cast["ada"]
    named = ada.post(f"/cases/{case.id}/officers/name", officer=str(ident(cast, "ivo")))
    assert named.status_code == 303, named.text
    with cast.stage.vault.reading() as db:
        own = db.scalars(
            select(Assignment.id).where(
                Assignment.officer == ident(cast, "ivo"), Assignment.delegation.is_(None)
            )
        ).one()
    assert ada.post(f"/cases/{case.id}/officers/{own}/remove").status_code == 303
    assert (opens(cast, "ivo", case), faults(cast)) == (200, ([], []))
    assert ada.post(f"/absences/{delegation}/end").status_code == 303
    assert (opens(cast, "ivo", case), faults(cast)) == (404, ([], []))


def test_a_colleague_who_begins_while_people_are_added_gets_the_keys_of_each(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 1, 9)
    cast.stage.clock.forward(days=1)
    vault, ada, now = cast.stage.vault, cast["ada"].sign_in().actor, cast.stage.clock.now
    wait_for_locks(cast.stage)

    def add() -> None:
        with vault.writing() as db:
            kept = db.get_one(Case, case.id)
            cases.add_person(db, ada, vault.trust, kept, Position.CHILD, True, now)

    def begin() -> None:
        with vault.writing() as db:
            found = db.get_one(Delegation, delegation)
            actions.begin(db, ada, vault.trust, found, found.from_on, now)

    assert at_once(add, begin, add) == []
    assert faults(cast) == ([], [])
