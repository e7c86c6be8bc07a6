"""Two officers who do something about one absence at the same moment: the second sees what the first did."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.absence.test_absence import arranged, day, faults, opens, seals_of, state
from tests.cast import Cast
from tests.emergency.errands import ADDRESS, ask, give, later, open_it, write_address
from tests.keys.test_naming_races import at_once
from tests.officers.returning import ident
from tests.patience import wait_for_locks
from tests.programme import open_case
from vault.absence import actions
from vault.access.actor import Actor
from vault.access.models import Assignment, Delegation, DelegationEnd, DelegationState
from vault.database import RecordedSession
from vault.errors import RuleForbids

on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("stage", ["postgresql"], indirect=True)
CALLED_OFF = (DelegationState.ENDED, DelegationEnd.CALLED_OFF)


def begun_by(cast: Cast, who: Actor) -> Callable[[RecordedSession, Delegation], None]:
    """What a coordinator does who presses "Begin now"."""
    trust, now = cast.stage.vault.trust, cast.stage.clock.now
    return lambda db, found: actions.begin(db, who, trust, found, found.from_on, now)


@on_postgresql
def test_what_was_called_off_while_a_page_was_open_does_not_begin(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 1, 9)
    cast.stage.clock.forward(days=1)
    vault, ada, now = cast.stage.vault, cast["ada"].sign_in().actor, cast.stage.clock.now
    begin = begun_by(cast, ada)
    with vault.writing() as first:
        assert actions.get(first, ada, delegation).state is DelegationState.ARRANGED
        with vault.writing() as second:
            actions.end_early(second, ada, actions.held(second, ada, delegation), now)
        with pytest.raises(RuleForbids, match="has ended"):
            begin(first, actions.held(first, ada, delegation))
    cast["ivo"].sign_in()
    assert state(cast, delegation) == CALLED_OFF
    assert (opens(cast, "ivo", case), seals_of(cast, "ivo")) == (404, 0)


def test_begun_and_called_off_at_once_it_has_ended_and_leaves_no_key(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    delegation = arranged(cast, "ines", "ivo", 1, 9)
    cast.stage.clock.forward(days=1)
    vault, ada, now = cast.stage.vault, cast["ada"].sign_in().actor, cast.stage.clock.now
    begin = begun_by(cast, ada)
    wait_for_locks(cast.stage)

    def begins() -> None:
        with vault.writing() as db:
            begin(db, actions.held(db, ada, delegation))

    def ends() -> None:
        with vault.writing() as db:
            actions.end_early(db, ada, actions.held(db, ada, delegation), now)

    late = at_once(begins, begins, ends)
    assert all(isinstance(fault, RuleForbids) for fault in late), late
    assert (state(cast, delegation), seals_of(cast, "ivo"), faults(cast)) == (CALLED_OFF, 0, ([], []))
    with vault.reading() as db:
        made = db.scalars(select(Assignment).where(Assignment.delegation == delegation)).all()
    assert len(made) <= 1, "nobody is named twice by one delegation"
    assert all(naming.ended_at is not None for naming in made)


@on_sqlite
def test_who_was_let_in_in_an_emergency_stays_when_their_standing_in_ends_before_it_is_over(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    write_address(cast, case)
    request = ask(cast, "ivo", case.code, "location")
    grant = give(cast, request, "ada")
    delegation = arranged(cast, "ines", "ivo", 0, 2)
    assert cast["ada"].post(f"/absences/{delegation}/end").status_code == 303
    assert (opens(cast, "ivo", case), seals_of(cast, "ivo")) == (404, 1)
    assert ADDRESS in open_it(cast, request, "ivo").text
    assert faults(cast) == ([], [])
    later(cast, grant.ends_at, "ada")
    cast["ada"].get("/desk")
    assert (seals_of(cast, "ivo"), faults(cast)) == (0, ([], []))


@on_sqlite
def test_nobody_floods_the_coordinators_with_requests(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    given = {"delegate": str(ident(cast, "ivo")), "extent": "everything"}

    def asks(on: int) -> int:
        return cast["ines"].post("/absences/ask", from_on=day(on), until_on=day(on), **given).status_code

    assert [asks(on) for on in range(1, 7)] == [303] * actions.MOST_WAITING + [409]
