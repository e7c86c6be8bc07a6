"""Columns whose values are sealed, and moments in time; nothing here can open anything."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, NoReturn, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Dialect, LargeBinary, inspect, true
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import MappedColumn, Mapper, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from crypto.errors import Unsealable
from crypto.places import KINDS, Place, epoch_of

__all__ = [
    "InLockbox",
    "Moment",
    "Place",
    "SealedBlob",
    "SealedColumn",
    "SealedType",
    "blob_epoch",
    "place_of",
    "put",
    "sealed",
    "sealed_columns",
]


class SealedBlob:
    """The sealed bytes of one field: shows as "<sealed>" wherever it is printed, and is never pickled."""

    __slots__ = ("blob",)

    blob: bytes

    def __init__(self, blob: bytes) -> None:
        object.__setattr__(self, "blob", blob)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A sealed field is replaced, never changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A sealed field is replaced, never changed.")

    def __repr__(self) -> str:
        return "<sealed>"

    def __format__(self, specification: str) -> str:
        if specification:
            raise TypeError("A sealed field has no format; open it first.")
        return "<sealed>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedBlob) and self.blob == other.blob

    def __hash__(self) -> int:
        return hash(self.blob)

    def __copy__(self) -> "SealedBlob":
        return self

    def __deepcopy__(self, memo: object) -> "SealedBlob":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A sealed field is never pickled.")


class SealedType(TypeDecorator[SealedBlob]):
    """A binary column that takes sealed blobs only: plaintext cannot be written to it by mistake."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """The bytes to store; raises Unsealable for anything that was not sealed as a field."""
        if value is None:
            return None
        if not isinstance(value, SealedBlob):
            raise Unsealable("Only a sealed value may be written to a sealed column.")
        epoch_of(value.blob)
        return value.blob

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> SealedBlob | None:
        """The stored bytes, still sealed."""
        return None if value is None else SealedBlob(value)


class SealedColumn(NamedTuple):
    """A sealed attribute of a model, its compartment, and the kind of value it holds."""

    name: str
    compartment: str
    kind: str


class InLockbox:
    """A row with sealed columns, which says once whose lockboxes they lie in.

    `kept_by` is the kind of subject and the attribute that has the subject's id, or the id itself where one
    subject keeps every row. Both which lockbox a row needs and which rows a lockbox has follow from it.
    """

    kept_by: ClassVar[tuple[str, str | UUID]]

    def lockbox_subject(self, compartment: str) -> str:
        """The subject, like "person:<uuid>", whose lockbox holds this compartment of the row."""
        kind, owner = self.kept_by
        return f"{kind}:{owner if isinstance(owner, UUID) else getattr(self, owner)}"

    @classmethod
    def is_kept_by(cls, kind: str, ident: UUID) -> ColumnElement[bool] | None:
        """Which rows lie in the lockboxes of one subject; None when no row of this table ever does."""
        own_kind, owner = cls.kept_by
        if own_kind != kind:
            return None
        if isinstance(owner, UUID):
            return true() if owner == ident else None
        clause: ColumnElement[bool] = getattr(cls, owner) == ident
        return clause


def sealed(compartment: str, kind: str) -> MappedColumn[SealedBlob]:
    """A sealed column of a model; raises Unsealable for a kind no field can hold."""
    if kind not in KINDS:
        raise Unsealable("No field is of this kind.")
    return mapped_column(SealedType(), nullable=False, info={"sealed": compartment, "kind": kind})


def sealed_columns(model_or_row: object) -> Mapping[str, SealedColumn]:
    """The sealed columns of a model, or of a row's model, by attribute name."""
    return _sealed_columns_of(model_or_row if isinstance(model_or_row, type) else type(model_or_row))


@cache
def _sealed_columns_of(model: type) -> Mapping[str, SealedColumn]:
    mapper: Mapper[Any] = inspect(model)
    found = {
        attribute.key: SealedColumn(attribute.key, column.info["sealed"], column.info["kind"])
        for attribute in mapper.column_attrs
        for column in attribute.columns
        if "sealed" in column.info
    }
    return MappingProxyType(found)


class SealedRow(Protocol):
    """A row with sealed columns: its id is known before anything is sealed into it."""

    id: Any


def place_of(row: SealedRow, column_name: str) -> Place:
    """The place of a row's sealed column; raises Unsealable if the row has no id or no such column."""
    column = sealed_columns(row).get(column_name)
    if column is None:
        raise Unsealable("The row has no sealed column of that name.")
    if not isinstance(row.id, UUID):
        raise Unsealable("Give the row its id before anything is sealed into it.")
    return Place(_table_of(type(row)), row.id, column_name, column.kind)


@cache
def _table_of(model: type) -> str:
    mapper: Mapper[Any] = inspect(model)
    return str(mapper.local_table.description)


class Seals(Protocol):
    """What can seal a value for a place: a lockbox's sealer."""

    def seal(self, value: Any, place: Place) -> bytes:
        """The blob of one field."""


def put(row: SealedRow, column_name: str, value: Any, sealer: Seals) -> None:
    """Seal a value into a row's column; raises Unsealable."""
    setattr(row, column_name, SealedBlob(sealer.seal(value, place_of(row, column_name))))


def blob_epoch(blob: SealedBlob) -> int:
    """The epoch of the lockbox under which a field was sealed; raises Malformed."""
    return epoch_of(blob.blob)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC to the millisecond, the same on SQLite and on PostgreSQL.

    A datetime without a time zone is refused with Unsealable; finer digits are cut off, not rounded, so
    that a moment never lies in the future of the clock that gave it.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A timestamp with time zone on PostgreSQL, sortable text in UTC on SQLite."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        """The moment as the database keeps it."""
        if value is None:
            return None
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise Unsealable("A moment needs its time zone.")
        moment = value.astimezone(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment, in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
