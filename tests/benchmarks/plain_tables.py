"""The threat to a case kept in plain: the tables of the twin page, which exist in benchmarks alone."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Float, Integer, String, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crypto.columns import Moment
from vault.database import Word
from vault.vocabulary import ThreatLevel


class Plain(DeclarativeBase):
    """A row that nothing seals; apart from the vault's own tables, so that no migration knows of it."""


plain = Plain.metadata


class PlainThreatAssessment(Plain):
    """A threat assessment with its words in plain."""

    __tablename__ = "plain_threat_assessments"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    author: Mapped[UUID] = mapped_column(Uuid)
    level: Mapped[ThreatLevel] = mapped_column(Word(ThreatLevel))
    review_on: Mapped[date] = mapped_column(Date)
    who_threatens: Mapped[str] = mapped_column(Text)
    capability: Mapped[str] = mapped_column(Text)
    rationale: Mapped[str] = mapped_column(Text)


class PlainDangerArea(Plain):
    """A danger area with its words and numbers in plain."""

    __tablename__ = "plain_danger_areas"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    label: Mapped[str] = mapped_column(String(160))
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    radius_miles: Mapped[int] = mapped_column(Integer)
