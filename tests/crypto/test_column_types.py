"""What a sealed column and a moment are to each engine, without asking a database."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, SealedType, sealed

POSTGRESQL, SQLITE = postgresql.dialect(), sqlite.dialect()
# 09:30:15.123456 in Kathmandu is 03:45:15.123 in UTC.
KATHMANDU = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
IN_UTC = datetime(2026, 11, 22, 3, 45, 15, 123000, tzinfo=UTC)


class Model(DeclarativeBase):
    """Models of these tests alone."""


class Note(Model, InLockbox):
    """A row that lies in the lockboxes of its case."""

    __tablename__ = "typed_notes"
    kept_by = ("case", "case")
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case: Mapped[UUID]


class House(Model, InLockbox):
    """A row that lies in the one lockbox of its kind."""

    __tablename__ = "typed_houses"
    kept_by = ("houses", UUID(int=4))
    id: Mapped[UUID] = mapped_column(primary_key=True)


def test_a_sealed_column_holds_sealed_values_is_never_empty_and_says_what_it_holds() -> None:
    column = sealed("identity", "text").column
    assert isinstance(column.type, SealedType)
    assert column.nullable is False
    assert column.info == {"sealed": "identity", "kind": "text"}


def test_a_stored_blob_comes_back_sealed_and_an_absent_one_absent() -> None:
    kind = SealedType()
    assert kind.process_result_value(b"sealed", SQLITE) == SealedBlob(b"sealed")
    assert kind.process_result_value(None, SQLITE) is None
    assert kind.process_bind_param(None, SQLITE) is None


def test_a_moment_is_a_timestamp_with_time_zone_cut_to_the_millisecond_on_postgresql() -> None:
    assert Moment().compile(dialect=POSTGRESQL) == "TIMESTAMP WITH TIME ZONE"
    assert Moment().process_bind_param(KATHMANDU, POSTGRESQL) == IN_UTC


def test_a_moment_is_a_time_without_zone_in_utc_on_sqlite() -> None:
    assert Moment().compile(dialect=SQLITE) == "DATETIME"
    assert Moment().process_bind_param(KATHMANDU, SQLITE) == IN_UTC.replace(tzinfo=None)


@pytest.mark.parametrize("dialect", [POSTGRESQL, SQLITE])
def test_a_moment_is_read_in_utc_whatever_zone_the_engine_gives(dialect: object) -> None:
    read = Moment().process_result_value
    for given in (IN_UTC, IN_UTC.astimezone(KATHMANDU.tzinfo), IN_UTC.replace(tzinfo=None)):
        found = read(given, dialect)  # type: ignore[arg-type]
        assert found is not None
        assert (found, found.utcoffset(), found.tzinfo) == (IN_UTC, timedelta(0), UTC)
    assert read(None, dialect) is None  # type: ignore[arg-type]


def test_a_row_names_the_subject_of_its_lockboxes_and_a_subject_its_rows() -> None:
    case = UUID(int=9)
    assert Note(id=UUID(int=1), case=case).lockbox_subject("casework") == f"case:{case}"
    assert House(id=UUID(int=1)).lockbox_subject("location") == f"houses:{UUID(int=4)}"
    clause = Note.is_kept_by("case", case)
    assert clause is not None
    assert str(clause) == str(Note.case == case)
    assert Note.is_kept_by("person", case) is None
    assert str(House.is_kept_by("houses", UUID(int=4))) == "true"
    assert House.is_kept_by("houses", UUID(int=5)) is None
    assert House.is_kept_by("case", UUID(int=4)) is None
