"""Sealed columns and moments, on both databases."""

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from crypto.columns import (
    Moment,
    SealedBlob,
    SealedColumn,
    blob_epoch,
    place_of,
    put,
    sealed,
    sealed_columns,
)
from crypto.errors import Malformed, Refused, Unsealable
from crypto.lockbox import LockboxKey


class Model(DeclarativeBase):
    pass


class Person(Model):
    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    legal_name: Mapped[SealedBlob] = sealed("identity", "text")
    birth_date: Mapped[SealedBlob] = sealed("identity", "date")
    town: Mapped[str | None]


class Note(Model):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    written_at: Mapped[datetime | None] = mapped_column(Moment())


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    Model.metadata.create_all(engine)
    yield engine
    engine.dispose()


def person(lockbox: LockboxKey) -> Person:
    row = Person(id=uuid4())
    put(row, "legal_name", "Jane Roe", lockbox.sealer())
    put(row, "birth_date", None, lockbox.sealer())
    return row


def test_a_sealed_row_comes_back_sealed_and_opens_with_its_lockbox(
    database: Engine, lockbox: LockboxKey
) -> None:
    with Session(database) as session:
        session.add(person(lockbox))
        session.commit()
    with Session(database) as session:
        row = session.scalars(select(Person)).one()
        assert isinstance(row.legal_name, SealedBlob)
        assert lockbox.open(row.legal_name.blob, place_of(row, "legal_name")) == "Jane Roe"
        assert lockbox.open(row.birth_date.blob, place_of(row, "birth_date")) is None
        assert blob_epoch(row.legal_name) == lockbox.epoch


def test_a_blob_swapped_between_rows_or_columns_in_the_database_is_refused(
    database: Engine, lockbox: LockboxKey
) -> None:
    jane, john = person(lockbox), person(lockbox)
    with Session(database) as session:
        session.add_all([jane, john])
        session.commit()
        first, second = session.scalars(select(Person).order_by(Person.id)).all()
        session.execute(
            text(
                "UPDATE people SET legal_name = "
                "(SELECT legal_name FROM people WHERE id <> :id) WHERE id = :id"
            ),
            {"id": first.id.hex if database.dialect.name == "sqlite" else first.id},
        )
        session.execute(text("UPDATE people SET birth_date = legal_name"))
        session.expire_all()
        for row, column in ((first, "legal_name"), (first, "birth_date"), (second, "birth_date")):
            with pytest.raises(Refused):
                lockbox.open(getattr(row, column).blob, place_of(row, column))


@pytest.mark.parametrize("planted", ["Jane Roe", b"Jane Roe", SealedBlob(b"Jane Roe")])
def test_plaintext_cannot_be_written_to_a_sealed_column(
    database: Engine, lockbox: LockboxKey, planted: object
) -> None:
    row = person(lockbox)
    row.legal_name = planted  # type: ignore[assignment]
    with Session(database) as session:
        session.add(row)
        with pytest.raises((StatementError, Malformed, Unsealable)):
            session.commit()


def test_a_sealed_column_is_never_empty(database: Engine, lockbox: LockboxKey) -> None:
    row = person(lockbox)
    row.legal_name = None  # type: ignore[assignment]
    with Session(database) as session:
        session.add(row)
        with pytest.raises(IntegrityError):
            session.commit()


def test_a_sealed_blob_shows_nothing_wherever_it_is_printed(lockbox: LockboxKey) -> None:
    blob = person(lockbox).legal_name
    assert f"{blob}" == str(blob) == repr(blob) == repr([blob])[1:-1] == "<sealed>"
    with pytest.raises(TypeError):
        format(blob, ">20")
    with pytest.raises(TypeError):
        bytes(blob)  # type: ignore[call-overload]


def test_a_sealed_blob_is_true_compares_by_its_bytes_and_cannot_change() -> None:
    blob = SealedBlob(b"")
    assert blob
    assert blob == SealedBlob(b"")
    assert hash(blob) == hash(SealedBlob(b""))
    assert blob != SealedBlob(b"x")
    assert blob != b""
    assert copy.copy(blob) is copy.deepcopy(blob) is blob
    with pytest.raises(AttributeError):
        blob.blob = b"x"
    with pytest.raises(AttributeError):
        del blob.blob


def test_a_sealed_blob_is_never_pickled(lockbox: LockboxKey) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(person(lockbox).legal_name)


def test_a_model_and_its_rows_name_their_sealed_columns() -> None:
    expected = {
        "legal_name": SealedColumn("legal_name", "identity", "text"),
        "birth_date": SealedColumn("birth_date", "identity", "date"),
    }
    assert sealed_columns(Person) == expected
    assert sealed_columns(Person(id=uuid4())) == expected
    assert sealed_columns(Note) == {}


def test_the_place_of_a_column_is_its_table_row_name_and_kind() -> None:
    row = Person(id=UUID(int=6))
    assert place_of(row, "birth_date") == ("people", UUID(int=6), "birth_date", "date")


def test_a_row_without_an_id_and_a_column_that_is_not_sealed_have_no_place() -> None:
    for row, column in (
        (Person(), "legal_name"),
        (Person(id=uuid4()), "town"),
        (Person(id=uuid4()), "missing"),
    ):
        with pytest.raises(Unsealable):
            place_of(row, column)


def test_a_sealed_column_of_an_unknown_kind_is_refused_when_the_model_is_written() -> None:
    with pytest.raises(Unsealable):
        sealed("identity", "money")


def test_bytes_that_are_no_field_have_no_epoch() -> None:
    for blob in (b"", b"\x01\x01\0\0\0\x01", b"\x02" + bytes(80), b"\x01\x02" + bytes(80)):
        with pytest.raises(Malformed):
            blob_epoch(SealedBlob(blob))


@pytest.mark.parametrize(
    "given",
    [
        datetime(2026, 11, 22, 5, 0, 0, 123_999, UTC),
        datetime(2026, 11, 22, 0, 0, 0, 123_000, timezone(timedelta(hours=-5))),
        datetime(2026, 11, 22, 10, 30, 0, 123_456, timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_a_moment_comes_back_in_utc_to_the_millisecond_cut_off(database: Engine, given: datetime) -> None:
    with Session(database) as session:
        session.add(Note(id=1, written_at=given))
        session.commit()
    with Session(database) as session:
        found = session.get_one(Note, 1).written_at
        assert found == datetime(2026, 11, 22, 5, 0, 0, 123_000, UTC)
        assert found is not None
        assert found.tzinfo is UTC


def test_moments_compare_and_sort_in_the_database_as_they_do_in_time(database: Engine) -> None:
    start = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    moments = [start + timedelta(milliseconds=step) for step in (0, 1, 999, 1000, 86_400_000)]
    with Session(database) as session:
        session.add_all(Note(id=number, written_at=moment) for number, moment in enumerate(reversed(moments)))
        session.commit()
        assert session.scalars(select(Note.written_at).order_by(Note.written_at)).all() == moments
        later = start.astimezone(timezone(timedelta(hours=9))) + timedelta(milliseconds=999)
        assert (
            session.scalars(
                select(Note.written_at).where(Note.written_at >= later).order_by(Note.written_at)
            ).all()
            == (moments[2:])
        )


def test_no_moment_stays_no_moment(database: Engine) -> None:
    with Session(database) as session:
        session.add(Note(id=1, written_at=None))
        session.commit()
        session.expire_all()
        assert session.get_one(Note, 1).written_at is None


@pytest.mark.parametrize("given", [datetime.fromisoformat("2026-11-22T05:00:00"), "2026-11-22"])
def test_a_moment_without_its_time_zone_is_refused(database: Engine, given: object) -> None:
    with Session(database) as session:
        session.add(Note(id=1, written_at=given))
        with pytest.raises((StatementError, Unsealable)):
            session.commit()


def test_postgresql_gives_back_utc_when_its_own_zone_is_another(postgres_url: str) -> None:
    database = create_engine(postgres_url)
    Model.metadata.create_all(database)
    moment = datetime(2026, 7, 1, 12, 0, 0, 1000, UTC)
    with Session(database) as session:
        session.execute(text("SET TIME ZONE 'America/New_York'"))
        session.add(Note(id=1, written_at=moment))
        session.flush()
        session.expire_all()
        found = session.get_one(Note, 1).written_at
        assert found == moment
        assert found is not None
        assert found.tzinfo is UTC
    database.dispose()
