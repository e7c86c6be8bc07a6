"""What is kept about places: houses, stays, voids, and the claims that make double booking impossible.

A claim is one bed of one house from one day to another, both included. No two claims may overlap on a
bed: the database itself refuses it, by an exclusion constraint on PostgreSQL and by triggers on SQLite
(`guards`), so no fault in the acts above it can place two parties in one bed.
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, String, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from housing.errors import WrongState
from housing.words import (
    NEXT_STANDINGS,
    NEXT_STATES,
    HouseKind,
    Need,
    OverstayReason,
    Standing,
    StayReason,
    StayState,
    VoidReason,
)

__all__ = ["Base", "Claim", "House", "HouseKind", "Need", "Standing", "Stay", "StayReason", "StayState",
           "Void", "VoidReason", "guards"]  # fmt: skip

CODE_LENGTH = 20
REFERENCE_LENGTH = 100


class Base(DeclarativeBase):
    """The tables of housing."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _words(vocabulary: type[StrEnum]) -> sa.Enum:
    values = [str(member.value) for member in vocabulary]
    return sa.Enum(vocabulary, native_enum=False, length=32, values_callable=lambda _: values)


class NeedSet(sa.types.TypeDecorator[frozenset[Need]]):
    """A set of needs, stored as a sorted JSON list of words."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Iterable[Need] | None, dialect: sa.Dialect) -> Any:
        return None if value is None else sorted(Need(need).value for need in value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> frozenset[Need] | None:
        return None if value is None else frozenset(Need(word) for word in value)


class House(InLockbox, Base):
    """A place where protected people can stay.

    What is plain serves the search; where it is lies sealed in two compartments, the coarse area and the
    address. Availability is never stored: `availability.status_on` derives it.
    """

    __tablename__ = "houses"
    kept_by: ClassVar = ("house", "id")
    __table_args__ = (
        CheckConstraint("beds >= 1", name="has_a_bed"),
        CheckConstraint("rooms >= 1", name="has_a_room"),
        CheckConstraint("nightly_cost_cents >= 0", name="cost_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    kind: Mapped[HouseKind] = mapped_column(_words(HouseKind))
    beds: Mapped[int]
    rooms: Mapped[int]
    needs: Mapped[frozenset[Need]] = mapped_column(NeedSet)
    nightly_cost_cents: Mapped[int]
    standing: Mapped[Standing] = mapped_column(_words(Standing), index=True)
    last_confirmed_on: Mapped[date]
    version: Mapped[int] = mapped_column()

    area: Mapped[SealedBlob] = sealed("house-area", "text")
    near: Mapped[SealedBlob] = sealed("house-area", "text")
    area_latitude: Mapped[SealedBlob] = sealed("house-area", "real")
    area_longitude: Mapped[SealedBlob] = sealed("house-area", "real")

    street: Mapped[SealedBlob] = sealed("house-address", "text")
    town: Mapped[SealedBlob] = sealed("house-address", "text")
    postcode: Mapped[SealedBlob] = sealed("house-address", "text")
    latitude: Mapped[SealedBlob] = sealed("house-address", "real")
    longitude: Mapped[SealedBlob] = sealed("house-address", "real")
    access: Mapped[SealedBlob] = sealed("house-address", "text")
    landlord: Mapped[SealedBlob] = sealed("house-address", "text")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def move_to(self, standing: Standing) -> None:
        """Change what the programme has decided about the place; WrongState if that cannot follow."""
        if standing not in NEXT_STANDINGS[self.standing]:
            raise WrongState(f"This place is {self.standing}; it cannot become {standing}.")
        self.standing = standing


class Stay(Base):
    """One party in one house from its first day to its last, both included.

    `turnaround` is the number of working days after the last day for which the beds stay claimed.
    `occupant` is an opaque reference; housing never learns what it stands for.
    """

    __tablename__ = "stays"
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="days_in_order"),
        CheckConstraint("party >= 1", name="has_people"),
        CheckConstraint("turnaround >= 0", name="turnaround_not_negative"),
        Index(None, "state", "hold_expires_at"),
        Index(None, "house_id", "from_on"),
    )

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True, default=uuid4)
    house_id: Mapped[UUID] = mapped_column(ForeignKey("houses.id"))
    occupant: Mapped[str] = mapped_column(String(REFERENCE_LENGTH), index=True)
    party: Mapped[int]
    single: Mapped[bool]
    from_on: Mapped[date]
    until_on: Mapped[date]
    turnaround: Mapped[int]
    state: Mapped[StayState] = mapped_column(_words(StayState))
    hold_expires_at: Mapped[datetime] = mapped_column(Moment)
    arrived_on: Mapped[date | None]
    departed_on: Mapped[date | None]
    reason: Mapped[StayReason | None] = mapped_column(_words(StayReason))
    overstay_reason: Mapped[OverstayReason | None] = mapped_column(_words(OverstayReason))
    overstay_authority: Mapped[str | None] = mapped_column(String(REFERENCE_LENGTH))
    version: Mapped[int] = mapped_column()

    house: Mapped[House] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def check_next(self, state: StayState) -> None:
        """Raise WrongState if this state cannot follow the stay's own."""
        if state not in NEXT_STATES[self.state]:
            raise WrongState(f"This stay is {self.state.words}; it cannot become {state.words}.")

    def move_to(self, state: StayState) -> None:
        """Take the stay to its next state; WrongState if that cannot follow."""
        self.check_next(state)
        self.state = state


class Void(Base):
    """Days on which a whole place is closed, both end days included.

    `ended_on` is the first day on which the place was open again when the closure ended early.
    """

    __tablename__ = "house_voids"
    __table_args__ = (CheckConstraint("from_on <= until_on", name="days_in_order"),)

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True, default=uuid4)
    house_id: Mapped[UUID] = mapped_column(ForeignKey("houses.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date]
    reason: Mapped[VoidReason] = mapped_column(_words(VoidReason))
    ended_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    house: Mapped[House] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Claim(Base):
    """One bed taken from one day to another, both included, turnaround with it, by a stay or a void."""

    __tablename__ = "bed_claims"
    unrecorded: ClassVar[bool] = True  # Derived from its stay or void, whose entry tells of the change.
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="days_in_order"),
        CheckConstraint("bed >= 1", name="bed_counts_from_one"),
        CheckConstraint("(stay_id IS NULL) <> (void_id IS NULL)", name="one_cause"),
        Index(None, "house_id", "bed", "from_on"),
    )

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True, default=uuid4)
    house_id: Mapped[UUID] = mapped_column(ForeignKey("houses.id"))
    bed: Mapped[int]
    from_on: Mapped[date]
    until_on: Mapped[date] = mapped_column(index=True)
    stay_id: Mapped[UUID | None] = mapped_column(ForeignKey("stays.id"), index=True)
    void_id: Mapped[UUID | None] = mapped_column(ForeignKey("house_voids.id"), index=True)


OVERLAP = "bed_claims_never_overlap"

_SQLITE_GUARD = """
CREATE TRIGGER IF NOT EXISTS {name}_on_{act} BEFORE {act} ON bed_claims
WHEN EXISTS (
    SELECT 1 FROM bed_claims AS other
    WHERE other.house_id = NEW.house_id AND other.bed = NEW.bed AND other.id <> {own}
      AND other.from_on <= NEW.until_on AND other.until_on >= NEW.from_on
)
BEGIN SELECT RAISE(ABORT, '{name}'); END
"""

_POSTGRESQL_GUARD = f"""
ALTER TABLE bed_claims ADD CONSTRAINT {OVERLAP}
EXCLUDE USING gist (house_id WITH =, bed WITH =, daterange(from_on, until_on, '[]') WITH &&)
"""


def guards(dialect: str) -> list[str]:
    """The statements that make overlapping claims impossible, for "postgresql" or "sqlite".

    Each may be run again without harm. On SQLite they must be run again after a migration that rebuilt
    the table, because a rebuild drops triggers. ValueError for any other engine.
    """
    if dialect == "sqlite":
        return [
            _SQLITE_GUARD.format(name=OVERLAP, act="INSERT", own="NEW.id").strip(),
            _SQLITE_GUARD.format(name=OVERLAP, act="UPDATE", own="OLD.id").strip(),
        ]
    if dialect == "postgresql":
        return [
            "CREATE EXTENSION IF NOT EXISTS btree_gist",
            f"ALTER TABLE bed_claims DROP CONSTRAINT IF EXISTS {OVERLAP}",
            _POSTGRESQL_GUARD.strip(),
        ]
    raise ValueError("Housing runs on PostgreSQL and SQLite only.")


@event.listens_for(Claim.__table__, "after_create")
def _guard_new_table(target: sa.Table, connection: Connection, **_: object) -> None:
    for statement in guards(connection.dialect.name):
        connection.exec_driver_sql(statement)
