"""What a password for duress gives to who forced it out of an officer: the officer's own account."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, select

import housing.models
from tests.adversaries.lived import stage_in
from tests.adversaries.lockpicks import Root, enc, guess_duress, guess_password, keys_under, uuid
from tests.adversaries.planting import MARK, Programme, one_each
from tests.adversaries.thief import Thief
from tests.adversaries.walk import is_for, paths, rules
from tests.cast import CAST, PASSWORD, Cast, Stage, Template
from tests.officers.forced import forced, prepared
from tests.programme import open_case
from vault import decoy, migrations
from vault.cases.models import Case
from vault.database import Base

MASKED = re.compile(r'value="[^"]{60,}"|[Ee]ntry [0-9,]+')
"""Tokens, and the number under which a look was recorded."""
MACHINES = frozenset({"/administration"})
"""What tells of the machine, of which nothing is hidden: how large the database is, and how full the disk."""
HINTS = frozenset({"H-014"})
"""What a page gives as an example, and the programme of the test happens to use."""
LEFT_BEHIND = frozenset({"sessions", "passkey_challenges", "paces"})
"""What an officer under duress leaves behind beside entries: nothing that anybody decided."""


def words_of_others(stage: Stage, name: str) -> set[str]:
    """Every plain code, name and title that is kept of anything but the officer's own account."""
    found: set[str] = set()
    with stage.vault.reading() as db:
        for base in (Base, housing.models.Base):
            for table in base.metadata.sorted_tables:
                if table.name in decoy.OWN:
                    continue
                for column in table.columns:
                    if column.name in {"code", "name", "title"} and isinstance(column.type, String):
                        found |= set(db.scalars(select(column)).all())
    return {word for word in found - HINTS if word} | {
        full for other, (full, _) in CAST.items() if other != name
    }


def shown(programme: Programme, name: str) -> tuple[int, list[tuple[str, Any]]]:
    """How many pages an officer is shown under duress, and what of others stands on them."""
    cast, app = programme.cast, programme.cast.stage.app
    foreign = words_of_others(cast.stage, name)
    assert len(foreign) > 15
    officer = forced(cast, name)
    found: list[tuple[str, Any]] = []
    pages = 0
    for rule in rules(app, "GET"):
        if not is_for(app, rule, CAST[name][1]):
            continue
        for path in paths(app, rule, one_each(programme.known)):
            answer = officer.get(path)
            pages += answer.status_code == 200
            found += [(path, answer.status_code)] if answer.status_code >= 500 else []
            found += [(path, word) for word in (MARK, *foreign) if word in answer.text]
    return pages, found


SOAKED = pytest.mark.soak
OTHERS = [
    pytest.param(name, marks=SOAKED) for name in ("ada", "ines", "cal", "dee", "fin", "pat", "sol", "aud")
]


@pytest.mark.parametrize("name", ["max", *OTHERS])
def test_no_page_shows_anything_of_anybody_but_the_officer(programme: Programme, name: str) -> None:
    pages, found = shown(programme, name)
    assert found == []
    assert pages > 5


def test_a_row_too_many_in_the_empty_house_is_noticed(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = decoy.OWN | {"cases": lambda table, _me: table.c.id.is_not(None)}
    monkeypatch.setattr(decoy, "OWN", everything)
    with programme.cast.stage.vault.reading() as db:
        code = db.scalars(select(Case.code)).first()
    officer = forced(programme.cast, "ada")
    assert code in officer.get("/cases").text


def kept(stage: Stage) -> dict[str, list[str]]:
    """Every row of the records, by table."""
    thief = Thief(stage)
    names = [table.name for metadata in migrations.metadatas() for table in metadata.sorted_tables]
    names = [name for name in names if name not in LEFT_BEHIND and not name.startswith("ledger_")]
    return {name: sorted(map(repr, thief.rows(f"SELECT * FROM {name}"))) for name in names}


@pytest.mark.parametrize(
    "name", ["max", *(pytest.param(name, marks=SOAKED) for name in ("ada", "ines", "aud", "dee"))]
)
def test_no_act_changes_any_row_of_the_records(programme: Programme, name: str) -> None:
    cast, app = programme.cast, programme.cast.stage.app
    officer = forced(cast, name)
    officer.get("/backup-codes")
    officer.post("/backup-codes", code=officer.code())  # From now on no act asks for a code.
    before = kept(cast.stage)
    assert sum(map(len, before.values())) > 100
    ends = {"officers.sign_out", "officers.end_session"}
    answers: list[tuple[str, int]] = []
    for rule in rules(app, "POST"):
        if not is_for(app, rule, CAST[name][1]) or rule.endpoint in ends:
            continue
        for path in paths(app, rule, one_each(programme.known)):
            answer = officer.post(
                path, reason="visit", why="because", name="Someone", role="clerk", kind="other"
            )
            answers.append((path, answer.status_code))
    assert kept(cast.stage) == before
    assert [told for told in answers if told[1] >= 500 and told[1] != 503] == []
    assert officer.get("/desk").status_code == 200
    assert len(answers) > 10


def test_a_full_programme_and_an_empty_one_are_told_apart_by_no_page(
    programme: Programme, sqlite_template: Template, compiled_pages: Path, tmp_path: Path
) -> None:
    full = programme.cast
    folder = tmp_path / "empty"
    folder.mkdir()
    secrets = sqlite_template.secrets
    stage = stage_in(folder, sqlite_template.folder, secrets, full.stage.clock.now, compiled_pages)
    empty = Cast(stage)
    empty["ada"].get("/desk")
    full.stage.clock.now = max(full.stage.clock.now, stage.clock.now)
    told: list[dict[str, tuple[int, str]]] = []
    for cast in (full, empty):
        ada = forced(cast, "ada")
        cast.stage.clock.now = full.stage.clock.now
        pages = [
            path
            for rule in rules(cast.stage.app, "GET")
            if is_for(cast.stage.app, rule, CAST["ada"][1]) and rule.endpoint not in OWN_ACCOUNT
            for path in paths(cast.stage.app, rule, one_each(programme.known))
        ]
        answers = {path: ada.get(path) for path in pages}
        foreign = words_of_others(cast.stage, "ada")
        assert [path for path, one in answers.items() for word in foreign if word in one.text] == []
        told.append({path: (one.status_code, masked(one.text)) for path, one in answers.items()})
    stage.vault.close()
    assert sum(status == 200 for status, _ in told[0].values()) > 15
    assert told[0] == told[1]


OWN_ACCOUNT = frozenset({"officers.passkeys.show_account", "officers.list_sessions"})
"""What tells when one signed in before, which under duress is told as it is."""


def masked(page: str) -> str:
    """A page without tokens, and without the number under which a look was recorded."""
    return MASKED.sub("", page)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_the_password_the_whole_database_and_the_root_key_open_nothing_and_tell_not_who_has_one(
    cast: Cast,
) -> None:
    open_case(cast, named=["ines"])
    stage, thief = cast.stage, Thief(cast.stage)
    password = prepared(cast, "ada")
    root = Root((stage.settings.keys / "root.key").read_bytes())
    rows = {uuid(row["id"]): row for row in thief.rows("SELECT * FROM duress_wraps")}
    officers = {row["name"]: row for row in thief.rows("SELECT * FROM officers")}
    ada = officers["ada"]
    seed = guess_duress(password, ada, bytes(rows[uuid(ada["id"])]["blob"]), root)
    assert seed is not None
    assert list(keys_under(thief, uuid(ada["id"]), seed)) == []
    own = guess_password(PASSWORD.format("ada"), ada, root)
    assert own is not None
    assert list(keys_under(thief, uuid(ada["id"]), own)) != []
    # Without the password every officer's row is as ada's: as long, under the root key as outside it.
    under = []
    for name, officer in officers.items():
        row = rows[uuid(officer["id"])]
        context = enc("vault/duress-wrap/v1", uuid(officer["id"]), officer["key_version"])
        blob = root.unwrap(bytes(row["blob"]), context)
        totp = root.unwrap(
            bytes(row["totp"]), enc("vault/kept-secret/v1", "totp-under-duress", uuid(officer["id"]))
        )
        assert blob is not None
        assert totp is not None
        under.append((len(row["blob"]), len(row["totp"]), len(blob), len(totp)))
        guess = guess_duress(PASSWORD.format(name), officer, bytes(row["blob"]), root)
        assert guess is None
    assert len(set(under)) == 1
