"""The programme's deadlines, each with the source it is taken from. Pure: moments in, moments out."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

SOON_DAYS = 7


@dataclass(frozen=True)
class Clock:
    """A deadline: when, for what, and the source that is cited beside it."""

    by: datetime | date
    what: str
    citation: str


def acknowledge(received_at: datetime) -> Clock:
    """A referral is acknowledged within three days of its receipt."""
    return Clock(
        received_at + timedelta(days=3), "Acknowledge the referral", "Kenya Witness Protection Act rules"
    )


def assess(received_at: datetime) -> Clock:
    """A referral is assessed and decided within fourteen days of its receipt."""
    return Clock(
        received_at + timedelta(days=14), "Decide the referral", "Kenya Witness Protection Act rules"
    )


def full_petition(opened_at: datetime) -> Clock:
    """An emergency case is put in order within fourteen days of its opening."""
    return Clock(opened_at + timedelta(days=14), "Complete the emergency case", "501 CMR 10.09")


def review_threat(review_on: date) -> Clock:
    """A threat assessment is looked at again after ninety days at the latest."""
    return Clock(review_on, "Assess the threat again", "Programme rule: every 90 days")


def support_ends(period_ends_on: date) -> Clock:
    """Support ends with its period unless it is renewed."""
    return Clock(period_ends_on, "Renew or end support", "DOJ OIG I-2001-002")


def reconcile(paid_on: date) -> Clock:
    """A payment is compared with the statement within five days."""
    return Clock(paid_on + timedelta(days=5), "Reconcile the payment", "Programme rule: five days")


def is_near(by: date, today: date) -> bool:
    """Whether a deadline is past or within a week."""
    return by <= today + timedelta(days=SOON_DAYS)
