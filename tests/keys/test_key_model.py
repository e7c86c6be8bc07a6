"""After any order of admit, assign, remove, revoke, reset, renew and shred, possession is permission."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from sqlalchemy import insert, select, update

from crypto.identity import Identity
from tests.cast import CHEAP, PASSWORD, Clock, Template
from tests.keys.key_machine import KeyMachine
from tests.postgres import Cluster
from vault.access.models import SealRow
from vault.access.policy import Role
from vault.cases.models import Note
from vault.commands import settings_file
from vault.officers import proofs
from vault.officers.models import Officer
from vault.running import RunningVault

STEPS = 2000
Fresh = Callable[[], tuple[RunningVault, Clock, dict[str, Identity]]]


def _settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def _identities(vault: RunningVault) -> dict[str, Identity]:
    with vault.reading() as db:
        names = list(db.scalars(select(Officer.name)))
        return {
            name: proofs.check_password(db, vault.root, vault.settings, name, PASSWORD.format(name))[1]
            for name in names
        }


def _vault_in(folder: Path, template: Template, database: str) -> tuple[RunningVault, Clock]:
    for part in ("data", "data-keys"):
        shutil.copytree(template.folder / part, folder / part)
    clock = Clock()
    settings = settings_file(folder / "data", tls=False, password_cost=CHEAP, database=database)
    return RunningVault.start(settings, clock), clock


@pytest.fixture
def fresh(sqlite_template: Template, tmp_path: Path) -> Fresh:
    """Makes a vault of its own for each run of acts, and forgets the one before."""
    known: dict[str, Identity] = {}

    def make() -> tuple[RunningVault, Clock, dict[str, Identity]]:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        vault, clock = _vault_in(tmp_path / "run", sqlite_template, "")
        known.update({} if known else _identities(vault))
        return vault, clock, known

    return make


@pytest.fixture
def fresh_on_postgresql(postgres_template: Template, postgres_cluster: Cluster, tmp_path: Path) -> Fresh:
    """The same on PostgreSQL."""

    def make() -> tuple[RunningVault, Clock, dict[str, Identity]]:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        database = postgres_cluster.url(postgres_cluster.fresh_database("cast"))
        vault, clock = _vault_in(tmp_path / "run", postgres_template, database)
        return vault, clock, _identities(vault)

    return make


def machine_of(kind: type[KeyMachine], fresh: Fresh) -> type[KeyMachine]:
    """The machine over vaults of this test."""
    return type(kind.__name__, (kind,), {"fresh": staticmethod(fresh), "steps": 0})


def test_what_opens_is_what_the_model_says_after_each_of_two_thousand_acts(fresh: Fresh) -> None:
    machine = machine_of(KeyMachine, fresh)
    while machine.steps < STEPS:
        run_state_machine_as_test(machine, settings=_settings(25, 100))  # type: ignore[no-untyped-call]
    assert machine.steps >= STEPS


def test_what_opens_is_what_the_model_says_on_postgresql_too(fresh_on_postgresql: Fresh) -> None:
    machine = machine_of(KeyMachine, fresh_on_postgresql)
    run_state_machine_as_test(machine, settings=_settings(2, 50))  # type: ignore[no-untyped-call]
    assert machine.steps >= 50


class LeavesASeal(KeyMachine):
    """A vault that forgets to delete one seal when an officer is taken off a case."""

    @rule()
    def leave_a_seal(self) -> None:
        """Put back a seal that an officer had."""
        engine = self.vault.database.engine
        with engine.begin() as connection:
            ines = self.member("ines")
            seal = connection.execute(
                select(SealRow.__table__).where(SealRow.key_kind == "lockbox").limit(1)
            ).first()
            assert seal is not None
            copied = dict(seal._mapping) | {"id": uuid4(), "holder": ines.id, "holder_kind": "officer"}
            connection.execute(insert(SealRow.__table__).values(**copied))


class ForgetsAField(KeyMachine):
    """A vault that gives a lockbox a new key and forgets one of its rows."""

    @initialize()
    def write_two(self) -> None:
        """There are notes to forget."""
        self.join("new-deputy", Role.DEPUTY)
        self.open_case()
        self.write_note(0)
        self.write_note(0)

    def begin(self) -> None:
        """Done already."""

    @rule()
    def put_back_an_old_note(self) -> None:
        """One note has the bytes of the other, which are of another place."""
        engine = self.vault.database.engine
        with engine.begin() as connection:
            notes = connection.execute(select(Note.__table__.c.id, Note.__table__.c.text)).all()
            connection.execute(
                update(Note.__table__).where(Note.__table__.c.id == notes[0].id).values(text=notes[1].text)
            )


@pytest.mark.parametrize("kind", [LeavesASeal, ForgetsAField])
def test_a_vault_that_errs_is_noticed(fresh: Fresh, kind: type[KeyMachine]) -> None:
    machine = machine_of(kind, fresh)
    with pytest.raises(Exception) as noticed:  # noqa: PT011 - an assertion or a refusal to open
        run_state_machine_as_test(machine, settings=_settings(20, 60))  # type: ignore[no-untyped-call]
    assert type(noticed.value).__name__ in {"AssertionError", "Refused"}


@pytest.mark.soak
def test_what_opens_is_what_the_model_says_after_each_of_forty_thousand_acts(fresh: Fresh) -> None:
    machine = machine_of(KeyMachine, fresh)
    while machine.steps < 20 * STEPS:
        run_state_machine_as_test(machine, settings=_settings(20, 100))  # type: ignore[no-untyped-call]
