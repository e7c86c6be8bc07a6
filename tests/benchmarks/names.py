"""A part of a name, searched for in the sealed directory, in plain tables, and in encrypted columns.

Each side goes from the database to the list of the people found; ours has the directory's key, as a worker
has once the officer's seals are open. All three lie in one file of SQLite as the vault configures it.
Seconds are those of the processor, so that other programs on the machine count less.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Date, MetaData, Table, Text, Uuid, insert, select
from sqlalchemy.orm import attributes

from crypto.columns import SealedBlob, place_of
from crypto.directory import PAGE_ENTRIES, Listing, pack_page, search_pages
from crypto.lockbox import LockboxKey, new_parts
from tests.benchmarks.harness import BRIEF, Measured, Run, alternate, row
from vault.access.directory_pages import opened_pages
from vault.access.models import DirectoryPage
from vault.database import Database, connect

SIZES = {1_000: None, 20_000: 10.0, 100_000: 60.0}
"""How many people there are, and how many milliseconds a search among them should take at most."""
HIGHEST_RATIO = 3.0
ENCRYPTED = 20_000
NEEDLE = "zyxwend"
"""A part of a few names, so that finding costs more than passing by."""

_SYLLABLES = ("ka", "lo", "mi", "ren", "dor", "fal", "sten", "ber", "gar", "vin", "hol", "tam", "ros", "wes")


class People:
    """Invented people in a database of their own: sealed pages, a plain table, and an encrypted one."""

    def __init__(self, folder: Path, count: int, is_encrypted_too: bool) -> None:
        self._chance = random.Random(count)
        self.listings = [self._person(number) for number in range(count)]
        self.database = Database(connect(f"sqlite:///{folder / f'{count}.db'}"))
        self.key = LockboxKey(uuid4(), 1, *new_parts())
        self._seal()
        self.plain = self._table("plain_people", Text())
        self.encrypted = self._table("encrypted_people", _encrypted_text()) if is_encrypted_too else None

    def _name(self) -> str:
        parts = ("".join(self._chance.choices(_SYLLABLES, k=self._chance.randint(2, 3))) for _ in range(2))
        return " ".join(part.title() for part in parts)

    def _person(self, number: int) -> Listing:
        names = [self._name() for _ in range(self._chance.randint(1, 3))]
        if number % 1_000 == 7:
            names[-1] += NEEDLE
        born = date(1940, 1, 1) + timedelta(days=self._chance.randrange(25_000))
        security = f"900-{self._chance.randint(10, 99)}-{self._chance.randint(1000, 9999)}"
        licence = f"SAMPLE-{self._chance.randint(100_000, 999_999)}"
        return Listing(uuid4(), uuid4(), tuple(names), born, (security, licence))

    def _seal(self) -> None:
        place, pages = place_of(DirectoryPage(id=UUID(int=0)), "entries"), []
        for number, start in enumerate(range(0, len(self.listings), PAGE_ENTRIES)):
            ident = uuid4()
            page = pack_page(self.listings[start : start + PAGE_ENTRIES])
            blob = SealedBlob(self.key.seal(page, place._replace(row=ident)))
            pages.append({"id": ident, "number": number, "entries": blob})
        with self.database.engine.begin() as connection:
            DirectoryPage.metadata.create_all(connection, [DirectoryPage.__table__])  # type: ignore[list-item]
            connection.execute(insert(DirectoryPage), pages)

    def _table(self, name: str, text: Any) -> Table:
        columns = [Column("names", text), Column("birth_date", Date), Column("numbers", text)]
        ids = [Column("id", Uuid, primary_key=True), Column("case_id", Uuid)]
        table = Table(name, MetaData(), *ids, *columns)
        rows = [
            {
                "id": one.ref,
                "case_id": one.case,
                "names": "\n".join(one.names),
                "birth_date": one.birth_date,
                "numbers": "\n".join(one.numbers),
            }
            for one in self.listings
        ]
        with self.database.engine.begin() as connection:
            table.create(connection)
            connection.execute(insert(table), rows)
        return table

    def in_directory(self) -> set[UUID]:
        """As the vault searches."""
        with self.database.reading() as db:
            return {one.ref for one in search_pages(opened_pages(db, self.key), NEEDLE, "substring")}

    def in_plain(self) -> set[UUID]:
        """As a database searches that keeps names in plain."""
        with self.database.reading() as db:
            found = select(self.plain).where(self.plain.c.names.like(f"%{NEEDLE}%"))
            return {one.id for one in db.execute(found)}

    def in_encrypted(self) -> set[UUID]:
        """As an application must that keeps names in encrypted columns: every row is opened."""
        assert self.encrypted is not None
        with self.database.reading() as db:
            return {one.id for one in db.execute(select(self.encrypted)) if NEEDLE in one.names.lower()}


def _encrypted_text() -> Any:
    if not hasattr(attributes, "ScalarAttributeImpl"):
        # SQLAlchemy 2.1 renamed a class that SQLAlchemy-Utils asks for when it is imported (its issue 800).
        attributes.ScalarAttributeImpl = attributes._ScalarAttributeImpl  # type: ignore[attr-defined]
    encrypted = import_module("sqlalchemy_utils.types.encrypted.encrypted_type")
    return encrypted.StringEncryptedType(Text, os.urandom(32), encrypted.AesGcmEngine)


@contextmanager
def _people(run: Run, count: int, is_encrypted_too: bool) -> Iterator[People]:
    folder = Path(tempfile.mkdtemp(prefix="vault-names-"))
    try:
        people = People(folder, count // 100 if run.effort is BRIEF else count, is_encrypted_too)
        assert people.in_directory() == people.in_plain()
        yield people
        people.database.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _rounds(run: Run, count: int) -> tuple[int, int]:
    """A small directory is searched several times in each round, so that the clock can see it."""
    return min(run.effort.rounds, 40), min(run.effort.calls, max(1, 20_000 // count))


@row
def names_beside_plain_tables(run: Run) -> Iterator[Measured]:
    """What it costs that no name stands in plain; and how the cost grows with the number of people."""
    taken = {}
    for count, highest in SIZES.items():
        with _people(run, count, False) as people:
            ours, peer = alternate(
                people.in_directory, people.in_plain, *_rounds(run, count), time.thread_time
            )
        taken[count] = ours
        ratio = HIGHEST_RATIO if highest else None
        name = f"search {count:,} people for a part of a name"
        yield Measured(name, ours * 1e3, peer * 1e3, "SQL LIKE over plain names", "ms", ratio, highest)
    least, most = min(SIZES), max(SIZES)
    yield Measured(
        f"a search among {most:,} people in searches among {least:,}",
        taken[most] / taken[least],
        most / least,
        "how many times more people",
        "times",
        1.0,
        None,
    )


@row
def names_beside_encrypted_columns(run: Run) -> Iterator[Measured]:
    """What an application would do that encrypts each name by itself; measured once, for it takes long."""
    with _people(run, ENCRYPTED, True) as people:
        assert people.in_encrypted() == people.in_directory()
        ours, peer = alternate(people.in_directory, people.in_encrypted, 1, 1, time.thread_time)
    peer_name = "opening every row with SQLAlchemy-Utils AesGcmEngine"
    name = f"search {ENCRYPTED:,} people for a part of a name"
    yield Measured(name, ours * 1e3, peer * 1e3, peer_name, "ms", 1 / 50, None)
