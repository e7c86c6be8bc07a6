"""A vault in which a whole programme was lived once, copied for each test that begins where it ended."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from jinja2 import FileSystemBytecodeCache

from tests.adversaries.planting import Programme, live
from tests.cast import CAST, CHEAP, Cast, Clock, Officer, Stage, Template
from vault.app import create_app
from vault.commands import settings_file
from vault.running import RunningVault


@dataclass
class Lived:
    """The folder of the vault, when it was left, the cookies of the cast, and the ids of what they made."""

    folder: Path
    now: datetime
    secrets: dict[str, str]
    cookies: dict[str, dict[str, str]]
    tokens: dict[str, str]
    known: dict[str, list[UUID]]


_LIVED: list[Lived] = []


def stage_in(
    folder: Path, template: Path, secrets: dict[str, str], now: datetime | None, pages: Path
) -> Stage:
    """A running vault over a copy of another one's folders; its compiled templates are kept in `pages`."""
    for part in ("data", "data-keys"):
        shutil.copytree(template / part, folder / part)
    settings = settings_file(folder / "data", tls=False, password_cost=CHEAP)
    clock = Clock()
    clock.now = now or clock.now
    vault = RunningVault.start(settings, clock)
    app = create_app(vault)
    app.testing = True
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(pages))
    return Stage(vault, clock, dict(secrets), app)


def build(folder: Path, template: Template, pages: Path) -> Lived:
    """Live the programme, once for each process of the tests."""
    stage = stage_in(folder, template.folder, template.secrets, None, pages)
    cast = Cast(stage)
    known = live(cast).known
    cookies, tokens = {}, {}
    for name in CAST:
        client = cast[name].client
        held = {part: client.get_cookie(part) for part in ("vault", "page")}
        cookies[name] = {part: cookie.value for part, cookie in held.items() if cookie is not None}
        tokens[name] = cast[name].token
    stage.vault.close()
    return Lived(folder, stage.clock.now, stage.secrets, cookies, tokens, dict(known))


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Template, compiled_pages: Path) -> Lived:
    """The vault after a whole programme, on SQLite."""
    if not _LIVED:
        _LIVED.append(build(tmp_path_factory.mktemp("lived"), sqlite_template, compiled_pages))
    return _LIVED[0]


@pytest.fixture
def programme(lived: Lived, compiled_pages: Path, tmp_path: Path) -> Iterator[Programme]:
    """The programme as it was left, everybody still signed in."""
    stage = stage_in(tmp_path, lived.folder, lived.secrets, lived.now, compiled_pages)
    cast = Cast(stage)
    for name, held in lived.cookies.items():
        officer = Officer(stage, name)
        for part, value in held.items():
            officer.client.set_cookie(part, value)
        officer.token = lived.tokens[name]
        cast[name] = officer
    yield Programme(cast, {name: list(ids) for name, ids in lived.known.items()})
    stage.vault.close()
