"""Requests for support money, their lines and the decisions on them; who is paid is sealed with the case."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Integer, Select, String, UniqueConstraint, Uuid, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.actor import Actor
from vault.access.models import Assignment
from vault.access.policy import Role
from vault.cases.models import Case
from vault.database import Base, Word
from vault.expenses.allowances import COMMITTED, LIVE, OPEN_TO_CHANGE, SPENT, Budget, Claim, weigh
from vault.vocabulary import ExpenseCategory, PaymentAnswer, PaymentState


class PaymentRequest(InLockbox, Base):
    """A request for support money of one case, known by its code; the payee and the reasons are sealed."""

    __tablename__ = "payment_requests"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    requested_by: Mapped[UUID] = mapped_column(Uuid)
    state: Mapped[PaymentState] = mapped_column(Word(PaymentState), index=True)
    round: Mapped[int] = mapped_column(Integer)  # counts how often it was submitted
    drafted_at: Mapped[datetime] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    paid_by: Mapped[UUID | None] = mapped_column(Uuid)
    paid_on: Mapped[date | None] = mapped_column(Date)
    payment_number: Mapped[str | None] = mapped_column(String(24), unique=True)
    receipted_at: Mapped[datetime | None] = mapped_column(Moment)
    reconciled_by: Mapped[UUID | None] = mapped_column(Uuid)
    reconciled_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)

    payee: Mapped[SealedBlob] = sealed("finance", "text")
    payee_alias: Mapped[SealedBlob] = sealed("finance", "text")
    bank_details: Mapped[SealedBlob] = sealed("finance", "text")
    justification: Mapped[SealedBlob] = sealed("finance", "text")
    receipt_number: Mapped[SealedBlob] = sealed("finance", "text")

    # Every act counts the version up itself, also one that changes only a line or adds a decision.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How entries name the request."""
        return f"payment:{self.id}"

    @property
    def may_change(self) -> bool:
        """Whether lines and payee may still be changed."""
        return self.state in OPEN_TO_CHANGE


class PaymentLine(Base):
    """One thing that money is asked for, and what was approved of it."""

    __tablename__ = "payment_lines"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(PaymentRequest.id), index=True)
    number: Mapped[int] = mapped_column(Integer)
    category: Mapped[ExpenseCategory] = mapped_column(Word(ExpenseCategory))
    amount_cents: Mapped[int] = mapped_column(Integer)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    approved_cents: Mapped[int | None] = mapped_column(Integer)

    @property
    def claim(self) -> Claim:
        """The line as the rules weigh it: what was approved, else what is asked."""
        cents = self.amount_cents if self.approved_cents is None else self.approved_cents
        return Claim(self.category, cents, self.first_day, self.last_day)

    @property
    def asked(self) -> Claim:
        """The line as it was asked for."""
        return Claim(self.category, self.amount_cents, self.first_day, self.last_day)


class PaymentDecision(InLockbox, Base):
    """What one officer decided on one round of a request, with reasons sealed; never changed."""

    __tablename__ = "payment_decisions"
    kept_by: ClassVar = ("case", "case")
    __table_args__ = (UniqueConstraint("request_id", "round", "step"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(PaymentRequest.id), index=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    round: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer)  # 1 for the first officer of the round, 2 for the second
    decided_by: Mapped[UUID] = mapped_column(Uuid)
    role: Mapped[Role] = mapped_column(Word(Role))
    answer: Mapped[PaymentAnswer] = mapped_column(Word(PaymentAnswer))
    approved_cents: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment)
    reasons: Mapped[SealedBlob] = sealed("finance", "text")


def cases_supported(who: Actor) -> Select[Case]:
    """The cases whose money this officer may know of: the unit's and finance's all, a clerk's own.

    A case whose records were destroyed is none of them: nobody can say any more what was paid to whom.
    """
    query = select(Case).where(Case.destroyed_on.is_(None)).order_by(Case.opened_at.desc(), Case.code)
    if who.role in {Role.COORDINATOR, Role.DEPUTY, Role.FINANCE}:
        return query
    if who.role is Role.CLERK:
        return query.where(
            Case.id.in_(
                select(Assignment.subject_id).where(
                    Assignment.officer == who.officer,
                    Assignment.ended_at.is_(None),
                    Assignment.kind == "case",
                )
            )
        )
    return query.where(false())


def known_to(who: Actor) -> Select[PaymentRequest]:
    """The requests this officer may know of; a draft is known only to those who prepare it."""
    query = (
        select(PaymentRequest)
        .where(PaymentRequest.case.in_(cases_supported(who).order_by(None).with_only_columns(Case.id)))
        .order_by(PaymentRequest.drafted_at.desc(), PaymentRequest.code.desc())
    )
    if who.role in {Role.DEPUTY, Role.FINANCE}:
        query = query.where(PaymentRequest.state != PaymentState.DRAFT)
    return query


def lines_of(db: Session, requests: Collection[PaymentRequest]) -> dict[UUID, list[PaymentLine]]:
    """The lines of each request, in order."""
    found: dict[UUID, list[PaymentLine]] = {request.id: [] for request in requests}
    query = select(PaymentLine).where(PaymentLine.request.in_(found)).order_by(PaymentLine.number)
    for line in db.scalars(query):
        found[line.request].append(line)
    return found


def decisions_on(db: Session, requests: Collection[PaymentRequest]) -> dict[UUID, list[PaymentDecision]]:
    """The decisions on each request, the oldest first."""
    found: dict[UUID, list[PaymentDecision]] = {request.id: [] for request in requests}
    query = (
        select(PaymentDecision)
        .where(PaymentDecision.request.in_(found))
        .order_by(PaymentDecision.round, PaymentDecision.step)
    )
    for decision in db.scalars(query):
        found[decision.request].append(decision)
    return found


def this_round(request: PaymentRequest, decisions: Sequence[PaymentDecision]) -> list[PaymentDecision]:
    """The decisions since the request was last submitted."""
    return [decision for decision in decisions if decision.round == request.round]


LiveLine = tuple[PaymentRequest, PaymentLine]


def live_lines(db: Session, cases: Collection[UUID]) -> dict[UUID, list[LiveLine]]:
    """The lines of each case's requests that hold a claim on its money."""
    found: dict[UUID, list[LiveLine]] = defaultdict(list)
    query = (
        select(PaymentRequest, PaymentLine)
        .join(PaymentLine, PaymentLine.request == PaymentRequest.id)
        .where(PaymentRequest.case.in_(cases), PaymentRequest.state.in_(LIVE))
        .order_by(PaymentRequest.code, PaymentLine.number)
    )
    for request, line in db.execute(query):
        found[request.case].append((request, line))
    return found


def claim_held(request: PaymentRequest, line: PaymentLine) -> Claim:
    """What a line of another request claims: what is asked until it is decided, then what was approved."""
    return line.asked if request.state is PaymentState.SUBMITTED else line.claim


def weight_of(request: PaymentRequest, lines: Sequence[PaymentLine], live: Sequence[LiveLine]) -> int:
    """The sum that decides who approves this request."""
    others = [claim_held(other, line) for other, line in live if other.id != request.id]
    return weigh([line.asked for line in lines], others)


def budget_of(case: Case, live: Sequence[LiveLine]) -> Budget:
    """The case's money, added up from its lines each time: nothing is stored that could drift."""

    def total(states: Collection[PaymentState]) -> int:
        return sum(claim_held(request, line).cents for request, line in live if request.state in states)

    return Budget(case.ceiling_cents, total({PaymentState.SUBMITTED}), total(COMMITTED), total(SPENT))
