"""What support money may be spent: who approves how much, the ceiling, the period, and claims made twice.

Pure rules over integer cents of one currency. The amounts and their sources:
approval before payment and by tier (job class of the coordinator; 501 CMR 10.08), the ceiling and period
fixed at admission and presumed to end at 180 days (DOJ OIG I-2001-002; Colorado's programme).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from vault.access.policy import Role
from vault.errors import RuleForbids
from vault.vocabulary import ExpenseCategory, PaymentState

DEPUTY_FROM = 250_00
"""From this sum the deputy approves; below it the coordinator may."""
TWO_ABOVE = 1_000_00
"""Above this sum two officers approve, the deputy first."""
LARGEST_CLAIM = 1_000_000_00
LATE_AFTER = timedelta(days=180)
"""No claim is made later than this after the case has ended."""
EMERGENCY_BEFORE = timedelta(days=14)
"""An emergency is acted on first and petitioned for within 14 days (501 CMR 10.09)."""
LONGEST_RENEWAL = timedelta(days=180)
PERIOD_NEAR_END = timedelta(days=14)
RECONCILE_WITHIN = timedelta(days=5)

COMMITTED = frozenset({PaymentState.APPROVED, PaymentState.IN_PART})
SPENT = frozenset({PaymentState.PAID, PaymentState.RECEIPTED, PaymentState.RECONCILED})
LIVE = COMMITTED | SPENT | {PaymentState.SUBMITTED}
"""Requests that hold a claim on the case's money."""
OPEN_TO_CHANGE = frozenset({PaymentState.DRAFT, PaymentState.RETURNED})


@dataclass(frozen=True)
class Claim:
    """One line of a request: what for, how much, and the days it covers, both ends included."""

    category: ExpenseCategory
    cents: int
    first: date
    last: date

    def overlaps(self, other: "Claim") -> bool:
        """Whether both claim the same kind of thing for a day in common."""
        return self.category is other.category and self.first <= other.last and other.first <= self.last

    def repeats(self, other: "Claim") -> bool:
        """Whether both claim the same thing, for the same days, at the same amount."""
        return self == other


@dataclass(frozen=True)
class Authority:
    """What a case may be supported with, and when."""

    ceiling_cents: int
    opened_on: date
    period_ends_on: date
    closed_on: date | None
    emergency: bool

    @property
    def begins_on(self) -> date:
        """The first day that support may cover."""
        return self.opened_on - EMERGENCY_BEFORE if self.emergency else self.opened_on


@dataclass(frozen=True)
class Budget:
    """A case's money: what it may spend, what waits, what is promised and what has gone."""

    ceiling: int
    waiting: int
    committed: int
    paid: int

    @property
    def left(self) -> int:
        """What may still be approved; below zero when the ceiling was lowered under what is promised."""
        return self.ceiling - self.committed - self.paid

    def warnings(self, period_ends_on: date, today: date) -> list[str]:
        """What an officer should be told about this money today."""
        found = []
        if self.left < 0:
            found.append("More is promised and paid than the ceiling allows. Ask the deputy to renew it.")
        elif self.waiting > self.left:
            found.append("What waits for approval is more than what is left under the ceiling.")
        if self.left > 0 and period_ends_on < today:
            found.append("The support period is over. Renew it before anything more is asked for.")
        elif period_ends_on - today <= PERIOD_NEAR_END and self.left * 4 >= self.ceiling > 0:
            found.append(
                "The support period ends soon and at least a quarter of the money is unspent. "
                "Ask what the household still needs."
            )
        return found


def check_claim(claim: Claim) -> None:
    """Raise RuleForbids unless the amount and the days make sense by themselves."""
    if not 0 < claim.cents <= LARGEST_CLAIM:
        raise RuleForbids("Enter an amount of at least one cent and at most $1,000,000.")
    if claim.last < claim.first:
        raise RuleForbids("The last day comes before the first day. Correct one of them.")


def check_covered(claim: Claim, authority: Authority, today: date) -> None:
    """Raise RuleForbids unless the case's support covers the claim's days and it is not too late to ask."""
    if claim.first < authority.begins_on:
        raise RuleForbids("A claim begins before the case was opened. Correct its first day.")
    if claim.last > authority.period_ends_on:
        raise RuleForbids(
            "A claim runs past the end of the case's support period. Shorten it, or ask the deputy to renew "
            "the period first."
        )
    if authority.closed_on is not None and today > authority.closed_on + LATE_AFTER:
        raise RuleForbids("The case ended more than 180 days ago; nothing more can be claimed for it.")


def check_not_repeated(claims: Sequence[Claim], others: Iterable[Claim]) -> None:
    """Raise RuleForbids when a claim is made twice, here or in another live request of the same case."""
    seen = list(others)
    for claim in claims:
        if any(claim.repeats(other) for other in seen):
            raise RuleForbids(
                "The same category, days and amount are claimed already for this case. If both are owed, "
                "put them into one line with the whole amount."
            )
        seen.append(claim)


def weigh(claims: Sequence[Claim], others: Iterable[Claim]) -> int:
    """The sum that decides who approves: these claims, with live ones for the same thing and days.

    What is asked counts, not what is granted, and split claims count together, so that nobody can bring
    a request under their own limit.
    """
    beside = sum(other.cents for other in others if any(claim.overlaps(other) for claim in claims))
    return sum(claim.cents for claim in claims) + beside


def signatures(weight: int) -> int:
    """How many officers must approve."""
    return 2 if weight > TWO_ABOVE else 1


def first_signers(weight: int) -> frozenset[Role]:
    """The roles of which one officer decides first."""
    return frozenset({Role.COORDINATOR, Role.DEPUTY} if weight < DEPUTY_FROM else {Role.DEPUTY})


SECOND_SIGNERS = frozenset({Role.COORDINATOR, Role.DEPUTY})
"""Who confirms above $1,000. Many programmes have one deputy, so a coordinator who did not ask may; that
nobody approves twice or what they asked for is checked by who they are, in `deciding`."""


def granted_state(asked: Sequence[int], granted: Sequence[int]) -> PaymentState:
    """Approved, or approved in part. Raises RuleForbids when the amounts do not answer those asked."""
    if any(not 0 <= given <= wanted for wanted, given in zip(asked, granted, strict=True)):
        raise RuleForbids("Approve at most what was asked for on each line, and not less than nothing.")
    if not any(granted):
        raise RuleForbids("Nothing would be approved. Choose “deny” and say why, or approve an amount.")
    return PaymentState.APPROVED if list(asked) == list(granted) else PaymentState.IN_PART


def check_within_ceiling(budget: Budget, granted: int) -> None:
    """Raise RuleForbids when an approval would go over the case's ceiling."""
    if granted > budget.left:
        raise RuleForbids(
            "This would go over the case's support ceiling. Approve less, or renew the ceiling first."
        )


def check_renewal(ceiling_cents: int, period_ends_on: date, budget: Budget, today: date) -> None:
    """Raise RuleForbids when a renewed ceiling or period could not be kept."""
    if ceiling_cents < budget.committed + budget.paid:
        raise RuleForbids("More than this ceiling is approved or paid already. Set it at least that high.")
    if not today <= period_ends_on <= today + LONGEST_RENEWAL:
        raise RuleForbids("Choose an end of the period between today and 180 days from today.")


def same_account(one: str, other: str) -> bool:
    """Whether two notes of bank details hold the same account, however they are spaced."""
    mine, theirs = _digits(one), _digits(other)
    return len(mine) >= 6 and mine == theirs


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isdigit())
