"""What auditors decide: an alert is dismissed or carried over, a week is reviewed, a case is flagged.

Every decision is an entry; the words that go with it are sealed to the auditors in the entry's details.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from audit.entries import Fact
from audit.notes import Checkpoint
from vault.access.actor import Actor
from vault.access.events import Event, record, record_apart
from vault.announcing.models import KeptCheckpoint
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.oversight.models import Alert, Watch, WeeklyReview
from vault.oversight.weeks import Week
from vault.running import RunningVault


def _open_alert(db: RecordedSession, alert: UUID) -> Alert:
    found = db.get(Alert, alert)
    if found is None:
        raise NotKnown
    if found.dismissed_at is not None:
        raise RuleForbids("This alert was dismissed already. What was said then is on the ledger.")
    return found


def _about(alert: Alert) -> list[str]:
    officer = [f"officer:{alert.officer}"] if alert.officer else []
    return [alert.subject_name, *officer, *([alert.subject] if alert.subject else [])]


def dismiss(db: RecordedSession, who: Actor, alert: UUID, words: str, now: datetime) -> None:
    """Say why an alert needs nothing more. Raises NotKnown; RuleForbids for one's own, or a dismissed one."""
    found = _open_alert(db, alert)
    if found.officer == who.officer:
        # An officer never decides on their own act (CJIS Security Policy, AC-5).
        raise RuleForbids("This alert is about you. Another auditor dismisses it; you may carry it over.")
    found.dismissed_by, found.dismissed_at = who.officer, now
    facts: dict[str, Fact] = {"rule": found.rule, "first": found.first_index}
    details = {"why": words}
    record(db, Event.ALERT_DISMISSED, who=who, now=now, subjects=_about(found), facts=facts, details=details)


def carry_over(
    db: RecordedSession, who: Actor, alert: UUID, words: str, now: datetime, zone: ZoneInfo
) -> None:
    """Leave an alert open past the last week that has ended, and say why. Raises NotKnown and RuleForbids."""
    found = _open_alert(db, alert)
    week = Week.of(now.astimezone(zone).date()).previous()
    if found.at >= week.ends(zone):
        raise RuleForbids("This alert belongs to the week that is still running. It stays open by itself.")
    found.carried_week = week.code
    facts: dict[str, Fact] = {"rule": found.rule, "first": found.first_index, "week": week.name}
    details = {"why": words}
    record(
        db, Event.ALERT_CARRIED_OVER, who=who, now=now, subjects=_about(found), facts=facts, details=details
    )


@dataclass(frozen=True)
class SignedTree:
    """The notary's newest checkpoint as it is kept with a review."""

    size: int
    root: bytes
    note: Checkpoint


def review_week(
    db: RecordedSession,
    who: Actor,
    week: Week,
    remark: str,
    signed: SignedTree | None,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """Say that a week was reviewed; the remark, if any, is for auditors only.

    Raises RuleForbids before the week has ended, when it was reviewed before, and while an alert of it or of
    an earlier week is open and was not carried over.
    """
    if now < week.ends(zone):
        raise RuleForbids("A week is reviewed when it has ended.")
    alerts = _alerts_until(db, week, zone)
    carried = sum(alert.dismissed_at is None for alert in alerts)
    of_week = sum(alert.at >= week.begins(zone) for alert in alerts)
    review = WeeklyReview(
        id=uuid4(), week=week.code, reviewed_by=who.officer, reviewed_at=now, alerts=of_week, carried=carried
    )
    db.add(review)
    facts: dict[str, Fact] = {"week": week.name, "alerts": of_week, "carried": carried}
    if signed is not None:
        review.signed_size, review.signed_root = signed.size, signed.root
        db.add(KeptCheckpoint.of(signed.note, None, now))
        facts |= {"signed-size": signed.size, "signed-root": signed.root.hex()}
    record(
        db,
        Event.WEEK_REVIEWED,
        who=who,
        now=now,
        subjects=[],
        facts=facts,
        details={"remark": remark} if remark else None,
    )


def _alerts_until(db: RecordedSession, week: Week, zone: ZoneInfo) -> Sequence[Alert]:
    """Every alert up to the end of a week that may be signed off; raises RuleForbids when it may not."""
    db.scalars(select(Watch).with_for_update()).all()  # Nobody raises an alert meanwhile.
    if db.scalars(select(WeeklyReview.id).where(WeeklyReview.week == week.code)).first():
        raise RuleForbids("This week was reviewed already, and a review is never changed.")
    alerts = db.scalars(select(Alert).where(Alert.at < week.ends(zone))).all()
    if any(is_in_the_way(alert, week) for alert in alerts):
        raise RuleForbids("Dismiss or carry over each open alert first; each asks for a reason.")
    return alerts


def is_in_the_way(alert: Alert, week: Week) -> bool:
    """Whether an alert of this week or an earlier one still waits for somebody to say something about it."""
    return alert.dismissed_at is None and (alert.carried_week or 0) < week.code


def flag(vault: RunningVault, who: Actor, case: UUID, flagged: bool, words: str, now: datetime) -> None:
    """Watch a case closely, or no longer: on a flagged one every officer who is new to it raises an alert.

    It changes no row: the ledger itself says which cases are flagged.
    """
    record_apart(
        vault,
        Event.CASE_FLAGGED if flagged else Event.CASE_UNFLAGGED,
        who=who,
        now=now,
        subjects=[f"case:{case}"],
        details={"why": words},
    )
