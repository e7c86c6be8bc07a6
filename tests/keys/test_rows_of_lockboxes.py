"""Every row that keeps something sealed is found again from its lockbox, so that a new key forgets none."""

from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import UniqueConstraint, Uuid, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from crypto.columns import InLockbox, SealedBlob, sealed
from tests.cast import Cast
from tests.programme import open_case
from vault.access.models import Lockbox
from vault.access.policy import Compartment
from vault.access.rekeying import columns_of, rows_of, sealing_models


class Base(DeclarativeBase):
    """Models of these tests alone."""


class Astray(InLockbox, Base):
    """A model that says of its lockbox something else than of its rows."""

    __tablename__ = "astray"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column(Uuid)
    text: Mapped[SealedBlob] = sealed("casework", "text")

    def lockbox_subject(self, compartment: str) -> str:
        """Another subject than `kept_by` tells."""
        return f"person:{self.id}"


def disagreement(model: type[InLockbox]) -> str | None:
    """What keeps a model's rows from being found from their lockbox."""
    kind, owner = model.kept_by
    ident = owner if isinstance(owner, UUID) else uuid4()
    row = model(id=uuid4()) if isinstance(owner, UUID) else model(**({"id": uuid4()} | {owner: ident}))
    if any(row.lockbox_subject(compartment) != f"{kind}:{ident}" for compartment in Compartment):
        return f"{model.__name__} names another lockbox than the one it is found from"
    if model.is_kept_by(kind, ident) is None:
        return f"{model.__name__} is not found from its lockbox"
    return None


def test_each_model_with_sealed_columns_is_found_from_the_lockbox_it_names() -> None:
    models = sealing_models()
    assert len(models) >= 18
    for model in models:
        assert issubclass(model, InLockbox), f"{model.__name__} does not say whose lockbox keeps it"
        assert disagreement(model) is None
        for compartment in Compartment:
            assert all(name in model.__mapper__.columns for name in columns_of(model, compartment))


def is_found_by_index(model: type[InLockbox]) -> bool:
    """Whether the rows of a lockbox are found without reading the whole table."""
    owner, table = model.kept_by[1], model.__table__  # type: ignore[attr-defined]
    if isinstance(owner, UUID):
        return True  # Every row of the table is of this one subject.
    column = model.__mapper__.columns[owner]  # type: ignore[attr-defined]
    keys = [list(key.columns) for key in table.constraints if isinstance(key, UniqueConstraint)]
    sought = [list(table.primary_key), *keys, *(list(index.columns) for index in table.indexes)]
    return any(columns[:1] == [column] for columns in sought)


def test_the_rows_of_a_lockbox_are_found_by_an_index_so_that_renewal_grows_with_their_number_alone() -> None:
    assert [model.__name__ for model in sealing_models() if not is_found_by_index(model)] == []
    assert not is_found_by_index(Astray)


def test_a_model_that_names_another_lockbox_is_noticed() -> None:
    assert disagreement(Astray) == "Astray names another lockbox than the one it is found from"


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_every_sealed_row_in_the_database_lies_in_exactly_one_lockbox(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    with cast.stage.vault.reading() as db:
        found = [(box.compartment, row) for box in db.scalars(select(Lockbox)) for row in rows_of(db, box)]
        assert sorted(map(_name, found)) == sorted(map(_name, _sealed_in(db)))


def _sealed_in(db: Session) -> list[tuple[Compartment, object]]:
    """Each row of each model, once for each compartment that seals some of it."""
    return [
        (compartment, row)
        for model in sealing_models()
        for row in db.scalars(select(model))
        for compartment in Compartment
        if columns_of(model, compartment)
    ]


def _name(found: tuple[Compartment, object]) -> tuple[str, str, str]:
    compartment, row = found
    return str(compartment), type(row).__name__, str(getattr(row, "id", None))
