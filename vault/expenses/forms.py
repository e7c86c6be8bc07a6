"""What requests for support money ask."""

from collections.abc import Sequence
from typing import Any, cast

from wtforms.validators import Regexp

from vault.expenses.allowances import Claim
from vault.expenses.models import PaymentLine
from vault.forms import Choice, Day, FilterForm, Line, Money, VaultForm, Version, Whole, Words
from vault.officers.asking import StepUpForm
from vault.templating import money
from vault.vocabulary import ExpenseCategory, PaymentAnswer, PaymentState


class RequestFilter(FilterForm):
    """Which requests are listed."""

    state = Choice("State", PaymentState, as_list=True)
    page = Whole("Page", 1, 100_000)


class ClaimForm(VaultForm):
    """One thing that money is asked for."""

    category = Choice("What the money is for", ExpenseCategory)
    amount = Money("Amount", hint="In dollars and cents, like 1,250.50.")
    first_day = Day("First day it covers")
    last_day = Day("Last day it covers", hint="The same day for a single expense.")

    def claim(self) -> Claim:
        """The claim as the rules weigh it."""
        return Claim(self.category.data, self.amount.data, self.first_day.data, self.last_day.data)


class PayeeForm(VaultForm):
    """Who is paid and why; all of it is sealed."""

    payee = Line("Who is paid", 160)
    payee_alias = Line(
        "Name to show on the payment",
        80,
        hint="A neutral name that tells nobody why it is paid, and never the witness's.",
    )
    bank_details = Line(
        "Bank account",
        120,
        optional=True,
        hint="Routing and account number. Leave it out when a check or voucher is sent.",
    )
    justification = Words(
        "Why this is needed", 2000, hint="Only those who approve are shown it. Name nobody all the same."
    )


class DraftForm(PayeeForm, ClaimForm):
    """A new request with its first line."""


class LineForm(ClaimForm):
    """One line more."""

    version = Version()


class ChangePayeeForm(PayeeForm):
    """Who is paid and why, written anew."""

    version = Version()


class SeenForm(VaultForm):
    """An act without questions, on the request as the officer saw it."""

    version = Version()


class DecisionForm(StepUpForm):
    """A decision with its reasons; the amounts of the lines are added to it."""

    answer = Choice("Your decision", PaymentAnswer)
    reasons = Words(
        "Reasons",
        2000,
        hint="Sealed, and not shown to the fiscal officer. Name nobody all the same.",
    )
    version = Version()

    def granted(self, lines: Sequence[PaymentLine]) -> list[int] | None:
        """The sum for each line, or None when the amounts were set by the first officer."""
        if not all(amount_name(line) in self for line in lines):
            return None
        return [self[amount_name(line)].data for line in lines]


def amount_name(line: PaymentLine) -> str:
    """What the question about a line's amount is called."""
    return f"line_{line.number}"


def decision_form(lines: Sequence[PaymentLine], needs_code: bool) -> DecisionForm:
    """The form of a decision that asks for an amount for each of these lines."""
    questions: dict[str, Any] = {
        amount_name(line): Money(
            f"Approve for line {line.number}, {line.category.label.lower()}",
            hint=f"Asked for: {money(line.amount_cents)}. Enter 0 for nothing.",
            ask="Enter an amount, or 0 for nothing.",
            default=line.amount_cents,
        )
        for line in lines
    }
    form = type("LinesDecisionForm", (DecisionForm,), questions).ask(needs_code)  # type: ignore[attr-defined]
    return cast(DecisionForm, form)


class PaidForm(VaultForm):
    """That the money went out."""

    number = Line(
        "Warrant, check or transfer number",
        24,
        hint="The treasury's number. It is not sealed, so it may hold no name.",
        validators=[
            Regexp(
                r"[A-Za-z]{0,2}-?[0-9][0-9-]{1,20}\Z",
                message="Enter digits and dashes, after at most two letters, like TR-004417.",
            )
        ],
    )
    paid_on = Day("Day it was paid")
    version = Version()


class ReceiptForm(VaultForm):
    """The payee's receipt."""

    receipt_number = Line("Number of the receipt", 60, hint="It is sealed with the payee.")
    version = Version()


class ReconcileForm(VaultForm):
    """What the account's statement shows."""

    statement = Money("Amount on the statement", hint="Read it from the statement, not from this page.")
    version = Version()


class RenewForm(StepUpForm):
    """A case's ceiling and period, set anew."""

    ceiling = Money("Support ceiling", hint="For the whole case, with what was spent already.")
    period_ends_on = Day("Last day of the support period", hint="At most 180 days from today.")
    version = Version()
