"""Who copies every file of the server, the root key with them, or reads its log, learns of no record."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.columns import place_of
from crypto.errors import WrongPassword
from crypto.identity import unwrap_seed
from crypto.root import FileRootKey
from tests.adversaries.effort import effort
from tests.adversaries.planting import MARK, Programme, officers, sentence, word
from tests.adversaries.searching import traces, traces_in
from tests.adversaries.thief import Thief
from tests.bad_input.served import Served, Visitor
from tests.cast import CAST, PASSWORD, SHARES
from vault.access.custody import KeyCase, find_lockbox
from vault.access.models import Lockbox
from vault.access.policy import Compartment, Role
from vault.officers.models import named
from vault.papers.models import Paper
from vault.running import RunningVault, wall_clock
from vault.verification import verify

SIGNED_NOTE = re.compile(r"[\w./-]{1,80}\n\d+\n[\w+/=]{44}\n\n(?:\u2014 [\w./-]{1,80} [\w+/=]+\n)+")
"""A checkpoint with its signatures: a name, a number and a hash, and no word that a person typed."""


def everything(programme: Programme) -> bytes:
    """Every byte of the data folder and of the folder with the root key."""
    settings = programme.cast.stage.settings
    folders = (settings.data, settings.keys)
    return b"".join(p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file())


def written(secret: bytes) -> Iterator[bytes]:
    """A key as bytes, hex and base64."""
    yield from (secret, secret.hex().encode(), base64.b64encode(secret)[:-4])


def test_the_files_with_the_root_key_hold_no_record(programme: Programme) -> None:
    settings = programme.cast.stage.settings
    assert settings.root_key.read_bytes()
    assert traces_in([settings.data, settings.keys]) == {}


def test_no_key_that_opens_anything_is_kept_in_any_file(programme: Programme) -> None:
    """Officers' seeds, circles' seeds, lockboxes' parts, second factors, passwords and cookies."""
    vault, kept = programme.cast.stage.vault, everything(programme)
    secrets = [officer.actor.identity.seed for officer in officers(programme)]
    with vault.reading() as db:
        keys = KeyCase(db, programme.cast["ada"].actor, vault.trust)
        boxes = db.query(Lockbox).all()
        keys.fetch(boxes)
        secrets += [keys.sealed_part(box) for box in boxes]
        secrets.append(keys.circle_of(Role.COORDINATOR).seed)
        for paper in db.query(Paper).filter(Paper.removed_at.is_(None)):
            casework = keys.lockbox(find_lockbox(db, f"case:{paper.case}", Compartment.CASEWORK))
            content_key = casework.open(paper.content_key.blob, place_of(paper, "content_key"))
            assert isinstance(content_key, bytes)
            secrets.append(content_key)
    assert len(secrets) > 20
    for secret in secrets:
        assert not any(spelling in kept for spelling in written(secret))
    authenticators = dict(programme.cast.stage.secrets)
    for share in authenticators.pop(SHARES).splitlines():
        assert len(share.split()) == 33
        assert share.encode() not in kept
    for name, secret in authenticators.items():
        for spelling in (secret.encode(), base64.b32decode(secret), PASSWORD.format(name).encode()):
            assert spelling not in kept
    for officer in officers(programme):
        cookie = officer.client.get_cookie("vault")
        assert cookie is not None
        assert cookie.value.encode() not in kept
        assert base64.urlsafe_b64decode(cookie.value)[:16] not in kept


def test_with_the_root_key_each_guess_at_a_password_still_costs_a_derivation(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = programme.cast.stage
    root = FileRootKey.load(stage.settings.root_key)
    with stage.vault.reading() as db:
        ines = db.scalars(named("ines")).one()
    wrap = ines.wrap
    assert wrap is not None
    with effort(stage, monkeypatch) as spent:
        for guess in ("password", "ines", "a long password of inez"):
            with pytest.raises(WrongPassword):
                unwrap_seed(wrap, guess, ines.id, ines.key_version, root)
    assert spent.derivations == 3
    opened = unwrap_seed(wrap, PASSWORD.format("ines"), ines.id, ines.key_version, root)
    assert opened.seed == programme.cast["ines"].actor.identity.seed


def test_without_the_root_key_not_even_a_guess_can_be_tried(programme: Programme, tmp_path: Path) -> None:
    stage = programme.cast.stage
    other = FileRootKey.create(tmp_path / "root.key")
    with stage.vault.reading() as db:
        ines = db.scalars(named("ines")).one()
    wrap = ines.wrap
    assert wrap is not None
    with pytest.raises(Exception, match=r".") as refused:
        unwrap_seed(wrap, PASSWORD.format("ines"), ines.id, ines.key_version, other)
    assert not isinstance(refused.value, WrongPassword)


def test_plain_columns_hold_codes_words_dates_and_numbers_only(programme: Programme) -> None:
    """The officers' own names and the partner agencies are the only words that a person typed."""
    thief, allowed = Thief(programme.cast.stage), {"officers", "agencies", "agency_contacts", "memoranda"}
    tables = thief.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    for (name,) in ((table["name"],) for table in tables if table["name"] not in allowed):
        for row in thief.rows(f'SELECT * FROM "{name}"'):
            for column, value in row.items():
                if column == "note":
                    assert SIGNED_NOTE.fullmatch(value), name
                elif isinstance(value, str) and column not in {"leaf", "device"}:
                    braces, most = (r"{}", 20_000) if column == "memory" else ("", 120)
                    assert re.fullmatch(rf"[\w:.,+$@/ \[\]\"{braces}-]{{0,{most}}}", value), (name, column)
                    assert MARK.lower() not in value.lower()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A vault that gunicorn serves."""
    served = Served(tmp_path, "", workers=1).start()
    yield served
    served.kill_all()


def spoil(served: Served) -> None:
    """Tear a table away, so that the next act meets an error with the typed words in its hands."""
    import sqlite3

    connection = sqlite3.connect(served.settings.data / "vault.db")
    connection.execute("ALTER TABLE case_notes RENAME TO torn_away")
    connection.execute("ALTER TABLE whereabouts RENAME COLUMN telephone TO torn_away")
    connection.commit()
    connection.close()


def test_the_log_of_a_served_vault_tells_of_routes_and_of_nobody(served: Served) -> None:
    texts = ("witness", "contact", "docket", "felony", "defendants", "narrative")
    words = {name: sentence(name) for name in texts}
    pat, ada = Visitor(served, "pat").sign_in(), Visitor(served, "ada").sign_in()
    pat.get("/referrals/send")
    facts = {"harm": ["threat"], "basis": "has-occurred", "household": "1"}
    assert pat.post("/referrals/send", **words).status == 422
    page = pat.post("/referrals/send", **words, **facts).headers["Location"]
    ada.get(page)
    for version, outcome in enumerate(("yes", "yes", "services"), 1):
        reasons = sentence("decision_reasons")
        ada.post(f"{page}/decide", outcome=outcome, reasons=reasons, version=version)
    case = ada.post(f"{page}/open-case", ceiling="4000", days="30").headers["Location"]
    shown = ada.post(f"{page}/open", reason="review")
    assert MARK in shown.text
    assert shown.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert shown.headers["Cache-Control"] == "no-store"
    ada.get(f"/cases?q={word('a-searched-name')}")
    assert ada.get(f"/{word('mistyped')}").status == 404
    spoil(served)
    for answer in (
        ada.post(f"{case}/add/note", kind="note", text=sentence("note_text")),
        ada.post(f"{case.replace('/cases/', '/records/case/')}/location/open", reason="review"),
        Visitor(served, "ada").get(f"/sign-in/{word('nobody')}"),
    ):
        assert answer.status in {400, 404, 422, 500, 503}
    stranger = Visitor(served, "ada")
    stranger.get("/sign-in")
    stranger.post("/sign-in", name=word("name"), password=word("password"), banner="yes")
    log = served.log.read_bytes()
    assert b'"status": 503' in log or b'"status": 500' in log
    assert log.count(b'"event": "answered"') > 15
    assert traces(log) == set()
    assert b"127.0.0.1 -" not in log
    for name, (full_name, _) in CAST.items():
        assert full_name.encode() not in log
        assert PASSWORD.format(name).encode() not in log
    assert not [path for path in served.temporary.rglob("*") if path.is_file() and traces(path.read_bytes())]
    typed = [a for a in [*ada.addresses, *pat.addresses] if "searched" not in a and MARK not in a]
    assert typed
    assert traces(" ".join(typed).encode()) == set()


def test_the_spoilt_database_is_seen_by_verification(served: Served) -> None:
    import sqlite3

    served.kill_all()
    connection = sqlite3.connect(served.settings.data / "vault.db")
    connection.execute("UPDATE officers SET full_name = 'Somebody Else' WHERE name = 'ines'")
    connection.commit()
    connection.close()
    vault = RunningVault.start(served.settings, wall_clock)
    found = verify(vault, lambda _count: None).findings
    vault.close()
    assert [line.partition("/")[0] for line in found] == ["Row officers"]
