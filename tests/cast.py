"""The named cast on a founded vault: real keys, real sign-in, real CSRF tokens; only the clock is ours."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
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
PATIENCE = 30.0
"""Seconds for which a vault waits for its ledger: a busy machine must not decide what a test says."""
UNHURRIED = {"openings_allowed": 1000, "searches_allowed": 1000}
"""On a clock that stands still a whole day of looks happens at once."""
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


@dataclass(frozen=True)
class SignedIn:
    """What the browser of a signed-in officer holds: cookies, and the token of the last page."""

    cookies: dict[str, str]
    token: str


@dataclass(frozen=True)
class Template:
    """A vault with the whole cast admitted, made once and copied for each test that begins from it."""

    folder: Path
    secrets: dict[str, str]
    database: str = "cast"
    now: datetime = MONDAY
    signed_in: dict[str, SignedIn] = field(default_factory=dict)


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


class Ground:
    """Where the vaults of tests on one engine come from: the cast's template, and scenes reached once.

    A scene is a state from which many tests begin. A worker reaches it once, by the real acts, in a vault of
    its own; what that vault then is, its folders, database, clock and cookies, is copied for each of them.
    """

    def __init__(
        self, template: Template, cluster: Cluster | None, make_folder: Callable[[], Path], pages: Path
    ) -> None:
        self.template, self.cluster, self.make_folder, self.pages = template, cluster, make_folder, pages
        self._scenes: dict[tuple[str, ...], tuple[Template, Any]] = {}

    def scene(self, name: tuple[str, ...], reach: Callable[["Cast"], Any]) -> tuple[Template, Any]:
        """The scene of this name, and what `reach` told when it was reached."""
        if name not in self._scenes:
            stage = GroundStage(self, self.make_folder())
            stage.begin(self.template)
            cast = Cast(stage)
            told = reach(cast)
            self._scenes[name] = (stage.keep(cast, f"scene_{len(self._scenes)}"), told)
        return self._scenes[name]


class GroundStage(Stage):
    """A stage whose vault is copied when the test first asks for it, so that it can begin with a scene."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground, self.folder = ground, folder
        self.clock, self.secrets = Clock(), dict(ground.template.secrets)
        self._database = ""
        self._vault: RunningVault | None = None
        self._app: Flask | None = None

    @property
    def untouched(self) -> bool:
        """Whether nothing has happened yet, not even time."""
        return self._vault is None and self.clock.now == MONDAY

    def begin(self, template: Template) -> None:
        """Copy what was made and start the vault."""
        url = ""
        if self.ground.cluster is not None:
            self._database = self.ground.cluster.fresh_database(template.database)
            url = self.ground.cluster.url(self._database)
        for part in ("data", "data-keys"):
            shutil.copytree(template.folder / part, self.folder / part)
        settings = settings_file(
            self.folder / "data",
            tls=False,
            password_cost=CHEAP,
            database=url,
            record_timeout_seconds=PATIENCE,
            **UNHURRIED,
        )
        self.clock.now = template.now
        self._vault = RunningVault.start(settings, self.clock)

    @property
    def vault(self) -> RunningVault:  # type: ignore[override]
        """The vault, with the cast admitted and nothing done."""
        if self._vault is None:
            self.begin(replace(self.ground.template, now=self.clock.now))
        assert self._vault is not None
        return self._vault

    @property
    def app(self) -> Flask:  # type: ignore[override]
        """The application over the vault; its templates are compiled once for each worker."""
        if self._app is None:
            self._app = create_app(self.vault)
            self._app.testing = True
            self._app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(self.ground.pages))
        return self._app

    def keep(self, cast: "Cast", name: str) -> Template:
        """What has become of the vault, as a template; the vault ends with it."""
        signed_in = {name: officer.holds() for name, officer in cast.items()}
        self.vault.close()
        if self.ground.cluster is not None:
            self.ground.cluster.name_template(name, self._database)
        return Template(self.folder, self.secrets, name, self.clock.now, signed_in)

    def end(self) -> None:
        """Let the vault and its database go."""
        if self._vault is not None:
            self._vault.close()
            if self.ground.cluster is not None:
                self.ground.cluster.drop(self._database)


@pytest.fixture(scope="session")
def sqlite_ground(
    sqlite_template: Template, compiled_pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Ground:
    """Vaults on SQLite."""
    return Ground(sqlite_template, None, partial(tmp_path_factory.mktemp, "scene"), compiled_pages)


@pytest.fixture(scope="session")
def postgres_ground(
    postgres_template: Template,
    postgres_cluster: Cluster,
    compiled_pages: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ground:
    """Vaults on PostgreSQL."""
    make_folder = partial(tmp_path_factory.mktemp, "scene-pg")
    return Ground(postgres_template, postgres_cluster, make_folder, compiled_pages)


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A founded vault with the whole cast, on each engine."""
    name = "sqlite_ground" if request.param == "sqlite" else "postgres_ground"
    stage = GroundStage(request.getfixturevalue(name), tmp_path)
    yield stage
    stage.end()


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

    def holds(self) -> SignedIn:
        """What the browser holds now."""
        held = {part: self.client.get_cookie(part) for part in (cookie_name(self.stage.settings), "page")}
        return SignedIn({part: cookie.value for part, cookie in held.items() if cookie}, self.token)

    def take_up(self, held: SignedIn) -> "Officer":
        """Go on with what a browser held."""
        for part, value in held.cookies.items():
            self.client.set_cookie(part, value)
        self.token = held.token
        return self

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
        def sign_in(cast: Cast) -> None:
            cast[name] = Officer(cast.stage, name).sign_in()

        self.in_scene(("signed in", name), sign_in)
        return self[name]

    def in_scene(self, name: tuple[str, ...], reach: Callable[["Cast"], Any]) -> Any:
        """Do these acts; a stage on which nothing has happened begins where they lead."""
        stage = self.stage
        if not (isinstance(stage, GroundStage) and stage.untouched):
            return reach(self)
        template, told = stage.ground.scene(name, reach)
        stage.begin(template)
        for officer, held in template.signed_in.items():
            self[officer] = Officer(stage, officer).take_up(held)
        return told


@pytest.fixture
def cast(stage: Stage) -> Cast:
    """Everybody, signed in when first called: cast["ada"].get("/desk")."""
    return Cast(stage)
