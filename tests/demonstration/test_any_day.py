"""The script tells the same whatever day and hour it is asked on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from housing.models import Stay, StayState
from vault.access import comparing
from vault.access.models import Delegation, DelegationState
from vault.access_review.actions import open_review
from vault.cases.models import Case
from vault.demonstration import making
from vault.demonstration.stage import Fortnight
from vault.disclosure.models import DisclosureRequest
from vault.emergency.models import EmergencyRequest
from vault.expenses.models import PaymentRequest
from vault.officers.models import Officer
from vault.referrals.models import Referral
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.verification import verify
from vault.vocabulary import CaseState, DisclosureState, PaymentState, ReferralState

ZONE = ZoneInfo("America/New_York")
CHEAP = 'password_cost = "argon2id$8192$1$1"\n'

moments = st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_a_fortnight_has_ten_working_days_and_all_of_them_are_past(now: datetime) -> None:
    fortnight = Fortnight(now, ZONE)
    assert len(fortnight.days) == 10
    assert all(day.weekday() < 5 for day in fortnight.days)
    assert fortnight.days[-1] < fortnight.today
    assert fortnight.at(9, 23.9) < now
    assert fortnight.day_of(fortnight.at(0, 0.0)) == fortnight.days[0]
    assert now - fortnight.at(0, 0.0) <= timedelta(days=15, hours=1)


@given(moments, st.floats(0, 90), st.floats(0, 90))
def test_whoever_worked_lately_worked_by_day_in_order_and_before_now(
    now: datetime, minutes: float, more: float
) -> None:
    fortnight = Fortnight(now, ZONE)
    then, earlier = fortnight.at_work(minutes), fortnight.at_work(minutes + more)
    assert 7 <= then.astimezone(ZONE).hour <= 19
    assert earlier <= then <= now
    assert then > fortnight.at(9, 0.0)


@pytest.mark.soak
@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 22, 8, 30, tzinfo=UTC),  # a Sunday night
        datetime(2026, 11, 23, 5, 10, tzinfo=UTC),  # ten minutes into a Monday
        datetime(2026, 11, 25, 23, 59, tzinfo=UTC),  # tomorrow already, in UTC
        datetime(2026, 11, 28, 18, 0, tzinfo=UTC),  # a Saturday
        datetime(2027, 1, 4, 14, 0, tzinfo=UTC),  # over the turn of a year
        datetime(2026, 11, 8, 7, 0, tzinfo=UTC),  # after the clocks went back
        datetime(2026, 3, 9, 4, 30, tzinfo=UTC),  # after they went forward
    ],
)
def test_every_state_is_there_on_any_day(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "SETTINGS", making.SETTINGS + CHEAP)
    making.make(tmp_path / "demo", now, lambda _step: None)
    vault = RunningVault.start(load(tmp_path / "demo", {}), wall_clock)
    wanted = ((Referral, ReferralState), (Case, CaseState), (Stay, StayState))
    more = ((PaymentRequest, PaymentState), (DisclosureRequest, DisclosureState))
    with vault.reading() as db:
        for model, states in (*wanted, *more):
            rows: list[Any] = list(db.scalars(select(model)))
            assert {row.state for row in rows} == set(states)
        assert comparing.audit_seals(db) == ([], [])
        absences = [delegation.state for delegation in db.scalars(select(Delegation))]
        assert sorted(absences) == [DelegationState.ARRANGED, DelegationState.RUNNING]
        emergencies = [request.reviewed_at is None for request in db.scalars(select(EmergencyRequest))]
        assert sorted(emergencies) == [False, True]
        assert open_review(db) is not None
        assert len(db.scalars(select(Officer).where(Officer.unused_at.is_not(None))).all()) == 1
    assert verify(vault, lambda _done: None).findings == ()
    vault.close()
