"""What happens to officers at the edges: absences, emergencies, reviews, an account put off, one ended."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.finding import Filters
from tests.demonstration.conftest import Made
from vault.access.events import Event
from vault.access.models import Assignment, Delegation, DelegationState, EmergencyGrant
from vault.access_review import actions as access_review
from vault.access_review.models import AccessReview, AccessReviewAnswer, ReviewAnswer
from vault.demonstration.cast import GONE, UNUSED
from vault.emergency.models import EmergencyRequest, RequestState, Verdict
from vault.officers import revoking
from vault.officers.models import Officer, OfficerState
from vault.oversight import reviewing
from vault.oversight.weeks import Week, WeekState
from vault.running import RunningVault
from vault.verification import verify

ZONE = ZoneInfo("America/New_York")


def officer(db: Session, name: str) -> Officer:
    """One of the cast."""
    return db.scalars(select(Officer).where(Officer.name == name)).one()


def today_of(vault: RunningVault) -> date:
    """The unit's day."""
    return vault.now().astimezone(ZONE).date()


def one_in(found: Sequence[Delegation], state: DelegationState) -> Delegation:
    """The one in this state."""
    (one,) = [delegation for delegation in found if delegation.state is state]
    return one


def test_one_inspector_is_away_until_next_week_and_the_other_sees_to_two_of_his_cases(
    vault: RunningVault,
) -> None:
    with vault.reading() as db:
        found = db.scalars(select(Delegation)).all()
        running = one_in(found, DelegationState.RUNNING)
        assert (running.officer, running.delegate) == (officer(db, "ivo").id, officer(db, "ines").id)
        made = db.scalars(select(Assignment).where(Assignment.delegation == running.id)).all()
        assert sorted(naming.subject for naming in made) == sorted(running.subjects)
        assert len(made) == 2
        assert {naming.ended_at for naming in made} == {None}
    today = today_of(vault)
    assert running.from_on <= today < running.until_on <= today + timedelta(days=9)
    assert running.until_on.strftime("%A") == "Wednesday"


def test_one_absence_begins_later(vault: RunningVault) -> None:
    with vault.reading() as db:
        coming = one_in(db.scalars(select(Delegation)).all(), DelegationState.ARRANGED)
        assert coming.officer == officer(db, "ines").id
    assert coming.is_whole
    assert today_of(vault) < coming.from_on < coming.until_on


def test_one_emergency_was_reviewed_and_one_waits_for_a_deputy(vault: RunningVault) -> None:
    with vault.reading() as db:
        requests = db.scalars(select(EmergencyRequest).order_by(EmergencyRequest.asked_at)).all()
        reviewed, waits = requests
        dee = officer(db, "dee").id
        grants = db.scalars(select(EmergencyGrant)).all()
    assert {request.state for request in requests} == {RequestState.GRANTED}
    assert (reviewed.verdict, reviewed.reviewed_by) == (Verdict.JUSTIFIED, dee)
    assert (waits.verdict, waits.reviewed_by, waits.overdue_told_at) == (None, None, None)
    assert waits.review_due_on is not None
    assert waits.review_due_on > waits.asked_at.astimezone(ZONE).date()
    assert dee not in {waits.asked_by, waits.decided_by}
    assert {grant.request for grant in grants} == {reviewed.id, waits.id}
    assert all(grant.ended_at is not None for grant in grants)


def test_last_years_review_is_finished_and_this_years_is_half_done(vault: RunningVault) -> None:
    with vault.reading() as db:
        last, this = db.scalars(select(AccessReview).order_by(AccessReview.begun_at)).all()
        assert last.finished_at is not None
        assert timedelta(days=300) < this.begun_at - last.finished_at < timedelta(days=365)
        assert access_review.open_review(db) == this
        given = access_review.answers(db, this)
        left = [one for one in access_review.in_review(db) if one.id not in given]
        assert min(len(given), len(left)) * 2 >= max(len(given), len(left))
        assert vault.now() < access_review.due_at(db, vault.settings)
        to_end = db.scalars(
            select(AccessReviewAnswer.officer).where(AccessReviewAnswer.answer == ReviewAnswer.END)
        )
        assert set(to_end) == {officer(db, GONE.name).id, officer(db, UNUSED.name).id}
        assert [one.name for one in access_review.still_to_end(db)] == [UNUSED.name]


def test_the_auditor_looked_over_every_week_of_the_quiet_year(vault: RunningVault) -> None:
    with vault.reading() as db:
        lines = reviewing.weeks(vault, db, vault.now(), ZONE)
        first_week = Week.of(officer(db, "ines").added_at.astimezone(ZONE).date())
    quiet = [line for line in lines if line.week < first_week]
    assert len(quiet) > 40
    assert {line.state for line in quiet} == {WeekState.REVIEWED}


def test_one_account_is_off_because_nobody_used_it(vault: RunningVault, made: Made) -> None:
    with vault.reading() as db:
        off = db.scalars(select(Officer).where(Officer.unused_at.is_not(None))).all()
    assert [(one.name, one.state) for one in off] == [(UNUSED.name, OfficerState.ACTIVE)]
    assert UNUSED.name not in {one["name"] for one in made.told["officers"]}


def test_one_access_was_ended_in_one_act_with_its_reason(vault: RunningVault) -> None:
    with vault.reading() as db:
        gone = officer(db, GONE.name)
        had = revoking.reach(db, gone)
        told = Filters(event=str(Event.OFFICER_REVOKED))
        (ended,) = vault.ledger.find(db, told, before_index=None, limit=9)
    assert gone.state is OfficerState.REVOKED
    assert (had.places, had.role_keys, had.namings, had.sessions, had.has_app) == (0, 0, 0, 0, False)
    assert ended.entry.subjects == (f"officer:{gone.id}",)
    assert ended.entry.facts["ground"] == revoking.Ground.LEFT
    assert ended.entry.details is not None


def test_every_row_and_entry_is_as_the_officers_left_it(vault: RunningVault) -> None:
    found = verify(vault, lambda _done: None)
    assert found.findings == ()
    assert found.rows > 1500
