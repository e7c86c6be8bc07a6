"""The stories of support money: asked for, decided by tier, paid, receipted and reconciled, or not."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from vault.demonstration.moves import Part
from vault.demonstration.script import Story, Turn, act
from vault.demonstration.world import World
from vault.expenses import actions as expenses
from vault.expenses import deciding, treasury
from vault.expenses.actions import Payee
from vault.expenses.allowances import Claim
from vault.expenses.models import PaymentRequest, lines_of
from vault.vocabulary import ExpenseCategory, PaymentAnswer

X = ExpenseCategory


@dataclass(frozen=True)
class Fate:
    """One request: who asks, for what, who decides, and how far it comes.

    `until` is the last thing that happens: draft, submit, sign (the first of two), decide, pay, receipt or
    reconcile. `share` is the part of each line that is approved, in percent; 0 means that it is denied.
    """

    asker: str
    lines: tuple[tuple[ExpenseCategory, int], ...]
    deciders: tuple[str, ...]
    until: str
    share: int = 100
    is_returned: bool = False


RENT = ((X.RENT, 1_450_00),)
LODGING = ((X.LODGING, 780_00), (X.FOOD, 150_00))
FATES: dict[int, tuple[Fate, ...]] = {
    0: (
        Fate("ada", RENT, ("dee", "dan"), "reconcile"),
        Fate("ada", ((X.FOOD, 180_00),), ("dee",), "reconcile"),
    ),
    1: (Fate("ada", LODGING, ("dee",), "reconcile"),),
    2: (Fate("ada", ((X.MOVING, 620_00), (X.TRANSPORT, 84_50)), ("dee",), "reconcile"),),
    3: (Fate("ada", ((X.TESTIMONY, 212_00),), ("dan",), "reconcile"),),
    4: (Fate("ada", LODGING, ("dee",), "receipt"),),
    5: (Fate("ada", ((X.UTILITIES, 143_20),), ("dee",), "receipt"),),
    6: (Fate("ada", ((X.SECURITY_DEPOSIT, 900_00),), ("dee",), "pay"),),
    7: (Fate("ada", RENT, ("dee", "dan"), "reconcile", 90),),
    8: (Fate("ada", ((X.CLOTHING, 160_00), (X.PHONE, 45_00)), ("dee",), "pay"),),
    9: (Fate("ada", LODGING, ("dee",), "receipt"),),
    10: (Fate("ada", ((X.CHILDCARE, 340_00),), ("dan",), "decide"),),
    11: (Fate("ada", ((X.HEALTH, 275_00), (X.MENTAL_HEALTH, 400_00)), ("dee",), "decide", 60),),
    12: (Fate("ada", ((X.SECURITY, 2_400_00),), ("dee",), "decide", 0),),
    13: (Fate("ada", ((X.DOCUMENTS, 95_00),), ("dee",), "decide", 0),),
    14: (Fate("ada", ((X.WAGES, 1_900_00),), ("dee", "dan"), "sign"),),
    15: (Fate("cal", ((X.TRANSPORT, 64_00),), ("ada",), "pay"),),
    16: (Fate("cal", ((X.FOOD, 210_00),), ("ada",), "decide"),),
    17: (Fate("cal", ((X.UTILITY_DEPOSIT, 300_00),), ("dee",), "decide", 100, is_returned=True),),
    18: (Fate("cal", ((X.PHONE, 59_90),), ("ada",), "submit"),),
    19: (Fate("cal", LODGING, ("dee",), "submit"),),
    20: (Fate("cal", RENT, ("dee", "ada"), "submit"),),
    21: (Fate("ada", ((X.MOVING, 480_00),), ("dee",), "submit"),),
    22: (Fate("cal", ((X.CLOTHING, 120_00),), ("ada",), "draft"),),
    23: (Fate("ada", ((X.OTHER, 88_00),), ("dee",), "draft"),),
}
"""By the case's number among those that were ever active."""

ALIASES = ("Sample Services", "Example Account 7", "Placeholder Supplies", "General Invoices")
STEPS = ("draft", "submit", "sign", "decide", "pay", "receipt", "reconcile")


class Request:
    """One request on its way."""

    def __init__(self, world: World, fate: Fate) -> None:
        self.world, self.fate = world, fate
        self.id = UUID(int=0)

    def comes_to(self, step: str) -> bool:
        """Whether the request gets so far."""
        return STEPS.index(self.fate.until) >= STEPS.index(step)

    def row(self, turn: Turn) -> PaymentRequest:
        """The request in the transaction of this act."""
        return expenses.get(turn.db, turn.who, self.id)

    def draft(self, turn: Turn, case: UUID) -> None:
        """Write the request down."""
        invented, world = self.world.invented, self.world
        found, now = expenses.get_case(turn.db, turn.who, case), turn.now()
        first = world.days.day_of(now)
        last = min(first + timedelta(days=6), found.period_ends_on)
        payee = Payee(
            payee=f"{invented.surname()} & {invented.surname()} Rentals",
            payee_alias=invented.pick(ALIASES),
            bank_details=f"Routing 000000000, account 9{invented.chance.randint(10**8, 10**9 - 1)}",
            justification="Needed by the household from today, as the agreement says.",
        )
        claims = [Claim(category, cents, first, last) for category, cents in self.fate.lines]
        payment = expenses.draft(turn.db, turn.who, world.trust, found, payee, claims[0], now)
        for claim in claims[1:]:
            expenses.add_line(turn.db, turn.who, payment, claim, turn.now())
        self.id = payment.id

    def submit(self, turn: Turn) -> None:
        """Send it to be decided."""
        payment = self.row(turn)
        expenses.submit(turn.db, turn.who, payment, payment.version, self.world.stage.zone, turn.now())

    def decide(self, turn: Turn) -> None:
        """Decide on it, or sign as the second."""
        payment, fate = self.row(turn), self.fate
        lines = lines_of(turn.db, [payment])[payment.id]
        answer, reasons = PaymentAnswer.APPROVE, "Within the plan and the ceiling; the price is usual."
        granted = [line.amount_cents * fate.share // 100 for line in lines]
        if fate.is_returned:
            answer, reasons = (
                PaymentAnswer.RETURN,
                "Which company is the deposit for? Say so, and send it again.",
            )
        elif fate.share == 0:
            answer, reasons = PaymentAnswer.DENY, "Another programme pays for this. The household was told."
        deciding.decide(
            turn.db,
            turn.who,
            self.world.trust,
            payment,
            payment.version,
            answer,
            granted if answer is PaymentAnswer.APPROVE else None,
            reasons,
            turn.now(),
        )


def tell_payment(world: World, case: UUID, fate: Fate, day: int) -> Story:
    """One request, as far as it comes."""
    days, request = world.days, Request(world, fate)
    turn = yield act(days.at(day, world.between(13.2, 15.8)), fate.asker)
    request.draft(turn, case)
    if not request.comes_to("submit"):
        return
    request.submit(turn)
    for signature, name in enumerate(fate.deciders):
        needed = "sign" if signature == 0 and len(fate.deciders) > 1 else "decide"
        if not request.comes_to(needed):
            return
        turn = yield act(days.at(day + 1, 10.0 + 4 * signature + world.between(0, 1.5)), name)
        request.decide(turn)
    yield from _pay(world, request, day + 2)


def _pay(world: World, request: Request, day: int) -> Part:
    """Pay, attach the receipt, reconcile."""
    days, chance = world.days, world.stage.chance
    if not request.comes_to("pay"):
        return
    turn = yield act(days.at(day, world.between(10.2, 11.8)), "fin")
    payment, now = request.row(turn), turn.now()
    number = f"T-26-{chance.randint(10_000, 99_999)}"
    on = days.day_of(now)
    treasury.pay(turn.db, turn.who, payment, payment.version, number, on, world.stage.zone, now)
    if not request.comes_to("receipt"):
        return
    turn = yield act(days.at(day + 1, world.between(13.0, 15.0)), "fin")
    payment, number = request.row(turn), f"SAMPLE-{chance.randint(100, 999)}"
    treasury.attach_receipt(turn.db, turn.who, world.trust, payment, payment.version, number, turn.now())
    if not request.comes_to("reconcile"):
        return
    turn = yield act(days.at(day + 2, world.between(15.0, 16.5)), "fin")
    payment = request.row(turn)
    paid = treasury.approved_total(lines_of(turn.db, [payment])[payment.id])
    treasury.reconcile(turn.db, turn.who, payment, payment.version, paid, turn.now())
