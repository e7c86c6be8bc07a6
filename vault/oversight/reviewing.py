"""What the pages of alerts and weekly reviews show: read, and never changed, here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from audit.errors import Damaged, LedgerError
from audit.finding import Filters
from audit.ledger import Woven
from vault.access.events import Event, is_vouched
from vault.database import row_name
from vault.errors import NotKnown
from vault.oversight.actions import is_in_the_way
from vault.oversight.finding import LOOKS
from vault.oversight.models import Alert, Rule, WeeklyReview
from vault.oversight.rules import KEY_ACTS
from vault.oversight.weeks import Week, WeekState, weeks_from
from vault.oversight.wording import label
from vault.running import RunningVault

ALERTS_ON_A_PAGE = 20
BEHIND_AN_ALERT = 50
WEEKS_SHOWN = 26


def open_alerts(db: Session) -> int:
    """How many alerts nobody has dismissed."""
    return db.scalar(select(func.count()).select_from(Alert).where(Alert.dismissed_at.is_(None))) or 0


@dataclass(frozen=True)
class AlertPage:
    """Alerts, the newest first; `older` is where the next page begins, None at the end."""

    alerts: Sequence[Alert]
    older: int | None


def alert_page(db: Session, wanted: Sequence[ColumnElement[bool]], before: int | None) -> AlertPage:
    """One page of the alerts that are wanted."""
    query = (
        select(Alert)
        .where(*wanted)
        .order_by(Alert.first_index.desc(), Alert.rule)
        # Several kinds may begin with the same entry; these stay on one page.
        .limit(ALERTS_ON_A_PAGE + len(Rule))
    )
    found = db.scalars(query if before is None else query.where(Alert.first_index < before)).all()
    cut = min(ALERTS_ON_A_PAGE, len(found))
    while 0 < cut < len(found) and found[cut].first_index == found[cut - 1].first_index:
        cut += 1
    return AlertPage(found[:cut], found[cut - 1].first_index if cut < len(found) else None)


def the_alert(db: Session, ident: UUID) -> Alert:
    """One alert; raises NotKnown."""
    alert = db.get(Alert, ident)
    if alert is None:
        raise NotKnown
    return alert


def behind(vault: RunningVault, db: Session, alert: Alert) -> list[Woven]:
    """The entries for which the alert was raised, the newest first; raises audit.errors.Damaged."""
    last = vault.ledger.entry(db, alert.last_index)
    if alert.first_index == alert.last_index:
        return [last]
    whose = Filters(officer=alert.officer)
    if last.entry.officer is None:
        named = f"officer:{alert.officer}"
        whose = Filters(subject=named) if alert.officer else Filters(event=last.entry.event)
    found = vault.ledger.find(db, whose, before_index=alert.last_index + 1, limit=BEHIND_AN_ALERT)
    return [woven for woven in found if woven.index >= alert.first_index]


def history(vault: RunningVault, db: Session, alert: Alert) -> list[Woven]:
    """What was done about the alert, the newest first; the entries' details say why."""
    found = vault.ledger.find(
        db, Filters(subject=alert.subject_name), before_index=None, limit=BEHIND_AN_ALERT
    )
    return [woven for woven in found if woven.entry.event != Event.LEDGER_READ]


def is_flagged(vault: RunningVault, db: Session, case: UUID) -> bool:
    """Whether the ledger says last that this case is flagged."""
    newest = {}
    for event in (Event.CASE_FLAGGED, Event.CASE_UNFLAGGED):
        found = vault.ledger.find(
            db, Filters(subject=f"case:{case}", event=str(event)), before_index=None, limit=1
        )
        newest[event] = found[0].index if found else -1
    return newest[Event.CASE_FLAGGED] > newest[Event.CASE_UNFLAGGED]


@dataclass(frozen=True)
class WeekLine:
    """One week in the list: its state and its review."""

    week: Week
    state: WeekState
    review: WeeklyReview | None


def weeks(vault: RunningVault, db: Session, now: datetime, zone: ZoneInfo) -> list[WeekLine]:
    """Every week since the founding, the newest first."""
    founded = vault.ledger.entry(db, 0).entry.at.astimezone(zone).date()
    reviews = {review.week: review for review in db.scalars(select(WeeklyReview))}
    lines = []
    for week in weeks_from(Week.of(founded), Week.of(now.astimezone(zone).date())):
        review = reviews.get(week.code)
        state = week.state(review.reviewed_at if review else None, now, zone)
        lines.append(WeekLine(week, state, review))
    return lines


def the_week(vault: RunningVault, db: Session, code: int, now: datetime, zone: ZoneInfo) -> WeekLine:
    """One week since the founding; raises NotKnown for any other."""
    try:
        week = Week.from_code(code)
        founded = Week.of(vault.ledger.entry(db, 0).entry.at.astimezone(zone).date())
    except Damaged:
        raise
    except (ValueError, OverflowError, LedgerError):
        raise NotKnown from None
    if not founded <= week <= Week.of(now.astimezone(zone).date()):
        raise NotKnown
    review = db.scalars(select(WeeklyReview).where(WeeklyReview.week == code)).one_or_none()
    return WeekLine(week, week.state(review.reviewed_at if review else None, now, zone), review)


def entry_of_review(vault: RunningVault, db: Session, review: WeeklyReview) -> Woven | None:
    """The entry that tells of a review, with its sealed remark; None where the vault made no such entry."""
    at = Filters(
        event=str(Event.WEEK_REVIEWED),
        since=review.reviewed_at,
        until=review.reviewed_at + timedelta(milliseconds=1),
    )
    for woven in vault.ledger.find(db, at, before_index=None, limit=BEHIND_AN_ALERT):
        if row_name(review) in woven.entry.rows and is_vouched(woven.entry, woven.index, vault.confirms):
            return woven
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of entry in a week, and how the acts ended."""

    label: str
    done: int
    refused: int
    failed: int


@dataclass(frozen=True)
class WeekTold:
    """What happened in one week, in numbers, with its alerts and those still in the way of its review."""

    entries: int
    looks: int
    refusals: int
    released: int
    key_acts: int
    failures: int
    kinds: Sequence[Kind]
    alerts: Sequence[Alert]
    in_the_way: Sequence[Alert]


def tell_week(vault: RunningVault, db: Session, week: Week, zone: ZoneInfo) -> WeekTold:
    """The figures of a week, counted from the ledger itself, and its alerts."""
    counts: Counter[tuple[str, str]] = Counter()
    for event, outcome, number in vault.ledger.tally(db, week.begins(zone), week.ends(zone)):
        counts[event, outcome] += number
    events = sorted({event for event, _ in counts}, key=lambda event: label(Event, event))
    alerts = db.scalars(
        select(Alert)
        .where(Alert.at < week.ends(zone), (Alert.at >= week.begins(zone)) | Alert.dismissed_at.is_(None))
        .order_by(Alert.first_index.desc())
    ).all()
    return WeekTold(
        entries=counts.total(),
        looks=_sum(counts, LOOKS, "done"),
        refusals=_sum(counts, events, "refused"),
        released=_sum(counts, [Event.DISCLOSURE_RELEASED], "done"),
        key_acts=_sum(counts, sorted(KEY_ACTS), "done"),
        failures=_sum(counts, events, "failed"),
        kinds=[
            Kind(label(Event, e), *(counts[e, outcome] for outcome in ("done", "refused", "failed")))
            for e in events
        ],
        alerts=[alert for alert in alerts if alert.at >= week.begins(zone)],
        in_the_way=[alert for alert in alerts if is_in_the_way(alert, week)],
    )


def _sum(counts: Mapping[tuple[str, str], int], events: Sequence[str], outcome: str) -> int:
    return sum(counts[str(event), outcome] for event in events)
