"""The named cast on a founded vault: real keys, real sign-in, real CSRF tokens; only the clock is ours."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from crypto.passwords import PasswordCost
from tests.postgres import Cluster
from vault.access.actor import Actor
from vault.access.policy import Role
from vault.app import create_app
from vault.commands import settings_file
from vault.officers import admission, proofs
from vault.officers.founding import Founder, found
from vault.officers.models import OfficerState, named
from vault.officers.sessions import cookie_name
from vault.officers.signing_in import recognise
from vault.running import RunningVault
from vault.settings import Settings

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CHEAP = "argon2id$8192$1$1"
PASSWORD = "a long password of {}"

CAST = {
    "ada": ("Ada Amsel", Role.COORDINATOR),
    "ines": ("Ines Inkpen", Role.INSPECTOR),
    "ivo": ("Ivo Ironside", Role.INSPECTOR),
    "cal": ("Cal Candle", Role.CLERK),
    "dee": ("Dee Drummer", Role.DEPUTY),
    "fin": ("Fin Farthing", Role.FINANCE),
    "pat": ("Pat Pepper", Role.PROSECUTOR),
    "sol": ("Sol Saddler", Role.LIAISON),
    "aud": ("Aud Atwater", Role.AUDITOR),
    "max": ("Max Mallow", Role.ADMINISTRATOR),
}
FOUNDERS = ("ada", "aud", "max")
SHARES = "the five envelopes"


class Clock:
    """The time of a test: it stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@dataclass
class Template:
    """A vault with the whole cast admitted, made once and copied for each test."""

    folder: Path
    secrets: dict[str, str]


def admit_cast(vault: RunningVault, secrets: dict[str, str]) -> None:
    """Admit everybody but the founders by the real acts: added, enrolled, certified."""
    now = vault.now()
    cost = PasswordCost.from_text(vault.settings.password_cost)
    with vault.writing() as db:
        ada = db.scalars(named("ada")).one()
        wrap = ada.wrap
        assert wrap is not None
        _, identity = proofs.check_password(db, vault.root, vault.settings, "ada", PASSWORD.format("ada"))
        who = Actor(ada.id, ada.full_name, ada.role, True, 1, "00000000", None, identity)
        for name, (full_name, role) in CAST.items():
            if name in FOUNDERS:
                continue
            officer, _ = admission.add(db, None, name, full_name, role, now)
            keys, _ = admission.give_keys(db, vault.root, officer, PASSWORD.format(name), cost)
            secrets[name] = proofs.new_second_factor(db, vault.root, officer.id, keys)
            officer.state, officer.enrolment_hash = OfficerState.ENROLLED, None
            admission.certify_officer(db, who, vault.trust, officer, now)


def make_vault(settings: Settings, clock: Clock) -> dict[str, str]:
    """Found a vault and admit the cast; return each one's TOTP secret, and the recovery key's shares."""
    founders = [Founder(name, *CAST[name], PASSWORD.format(name)) for name in FOUNDERS]
    result = found(settings, founders, clock())
    secrets = {officer.name: officer.totp_secret for officer in result.officers}
    secrets[SHARES] = "\n".join(result.shares)
    vault = RunningVault.start(settings, clock)
    admit_cast(vault, secrets)
    vault.close()
    return secrets


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The cast's vault on SQLite."""
    folder = tmp_path_factory.mktemp("template")
    settings = settings_file(folder / "data", tls=False, password_cost=CHEAP)
    return Template(folder, make_vault(settings, Clock()))


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: Cluster) -> Template:
    """The cast's vault on PostgreSQL, kept as the cluster's template "cast"."""
    folder = tmp_path_factory.mktemp("template-pg")
    secrets: dict[str, str] = {}

    def build(url: str) -> None:
        settings = settings_file(folder / "data", tls=False, password_cost=CHEAP, database=url)
        secrets.update(make_vault(settings, Clock()))

    postgres_cluster.make_template("cast", build)
    return Template(folder, secrets)


@pytest.fixture(scope="session")
def compiled_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where templates are kept compiled, so that each test's application need not compile them anew."""
    return tmp_path_factory.mktemp("pages")


@dataclass
class Stage:
    """A vault of its own for one test, its clock and its application."""

    vault: RunningVault
    clock: Clock
    secrets: dict[str, str]
    app: Flask

    @property
    def settings(self) -> Settings:
        """The settings of this vault."""
        return self.vault.settings


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A founded vault with the whole cast, on each engine."""
    clock = Clock()
    cluster, name = None, ""
    if request.param == "sqlite":
        template: Template = request.getfixturevalue("sqlite_template")
        database = ""
    else:
        template = request.getfixturevalue("postgres_template")
        cluster = request.getfixturevalue("postgres_cluster")
        name = cluster.fresh_database("cast")
        database = cluster.url(name)
    for part in ("data", "data-keys"):
        shutil.copytree(template.folder / part, tmp_path / part)
    settings = settings_file(tmp_path / "data", tls=False, password_cost=CHEAP, database=database)
    vault = RunningVault.start(settings, clock)
    app = create_app(vault)
    app.testing = True
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(request.getfixturevalue("compiled_pages")))
    yield Stage(vault, clock, dict(template.secrets), app)
    vault.close()
    if cluster is not None:
        cluster.drop(name)


TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Officer:
    """One of the cast at a browser: signs in, carries cookies and tokens, gives codes when asked."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name
        self.client = stage.app.test_client()
        self.token = ""

    def code(self) -> str:
        """A code that was never used: time moves on one step for it."""
        self.stage.clock.forward(seconds=30)
        return pyotp.TOTP(self.stage.secrets[self.name]).at(self.stage.clock.now)

    def sign_in(self) -> "Officer":
        """Sign in with password and code."""
        self.get("/sign-in")
        answer = self.post("/sign-in", name=self.name, password=PASSWORD.format(self.name), banner="yes")
        assert answer.status_code == 303, answer.text
        self.get("/sign-in/second-factor")
        answer = self.post("/sign-in/second-factor", code=self.code())
        assert answer.status_code == 303, answer.text
        self.get("/sessions")
        return self

    def get(self, path: str) -> TestResponse:
        """Ask for a page."""
        answer = self.client.get(path)
        found_token = TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self.token = found_token[1] if found_token else self.token
        return answer

    def post(self, path: str, **answers: Any) -> TestResponse:
        """Send a form with its token."""
        answer = self.client.post(path, data={"csrf_token": self.token, **answers})
        found_token = TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self.token = found_token[1] if found_token else self.token
        return answer

    @property
    def actor(self) -> Actor:
        """The officer as actions know them, with keys unlocked and the second factor given just now."""
        cookie = self.client.get_cookie(cookie_name(self.stage.settings))
        assert cookie is not None
        known = recognise(self.stage.vault, cookie.value, self.stage.clock.now)
        assert known is not None
        return replace(known[1], stepped_up_at=self.stage.clock.now)


class Cast(dict[str, Officer]):
    """The cast, each signed in when first called."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def __missing__(self, name: str) -> Officer:
        self[name] = Officer(self.stage, name).sign_in()
        return self[name]


@pytest.fixture
def cast(stage: Stage) -> Cast:
    """Everybody, signed in when first called: cast["ada"].get("/desk")."""
    return Cast(stage)
