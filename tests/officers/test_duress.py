"""The password for duress: an ordinary door, an empty house, and an alarm that only colleagues hear."""

import re
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import event, select

import crypto.wraps
from audit.entries import Entry, new_entry_id
from tests.adversaries.thief import Thief
from tests.cast import CAST, PASSWORD, Cast, Officer, Stage
from tests.keys.reading import plain
from tests.officers.devices import Device, asked, entries, last, make_codes, offer_passkeys, with_passkey
from tests.officers.forced import DURESS, forced, prepared, set_duress, sign_in_with
from tests.programme import REFERRAL, open_case
from tests.safehouses.placing import HOUSE
from vault import decoy, migrations
from vault.access.events import Event, record
from vault.cases.models import Case
from vault.desk.telling import put_out_what_is_due
from vault.notices.models import Frequency, Notice, NoticeChoice
from vault.officers.lately import since_last_sign_in
from vault.officers.models import DuressWrap, SignedInSession, named
from vault.officers.models import Officer as OfficerRow
from vault.officers.proofs import ProofRefused
from vault.officers.sessions import cookie_name
from vault.officers.signing_in import prove_at_terminal, recognise
from vault.oversight.alarms import AlarmKind, alarms
from vault.oversight.forced import AT_ONCE
from vault.oversight.models import Alert, Rule

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def row_of(stage: Stage, name: str) -> DuressWrap:
    """The lock for duress of one of the cast."""
    with stage.vault.reading() as db:
        officer = db.scalars(named(name)).one()
        return db.get_one(DuressWrap, officer.id)


def session_of(officer: Officer) -> UUID:
    """The session of this browser."""
    cookie = officer.client.get_cookie(cookie_name(officer.stage.settings))
    assert cookie is not None
    known = recognise(officer.stage.vault, cookie.value, officer.stage.clock.now)
    assert known is not None
    return known[0].row.id


def set_allowed(stage: Stage, number: int) -> None:
    """Let officers have so many sessions at once."""
    stage.vault.settings = replace(stage.vault.settings, sessions_per_officer=number)


def give(stage: Stage, name: str, password: str) -> Any:
    """Give a name and a password at the door; the answer."""
    officer = Officer(stage, name)
    officer.get("/sign-in")
    return officer.post("/sign-in", name=name, password=password, banner="yes")


def test_it_opens_a_session_without_any_case_while_the_own_password_shows_them_all(cast: Cast) -> None:
    opened = open_case(cast, ["ines"])
    ada = forced(cast, "ada")
    desk = ada.get("/desk")
    assert desk.status_code == 200
    assert "Nothing waits for you." in desk.text
    assert ada.get("/cases").status_code == 200
    assert opened.code not in ada.get("/cases").text
    assert ada.get(f"/cases/{opened.id}").status_code == 404
    own = sign_in_with(cast.stage, "ada", PASSWORD.format("ada"))
    assert opened.code in own.get("/cases").text
    assert own.get(f"/cases/{opened.id}").status_code == 200


@ONLY_SQLITE
def test_the_page_answers_the_same_whether_one_is_set_or_taken_away(cast: Cast) -> None:
    ines = cast["ines"]
    told = []
    for password in (DURESS.format("ines"), ""):
        before = ines.get("/account").text
        set_duress(ines, password)
        after = ines.get("/account").text
        entry = last(cast.stage, Event.DURESS_PAGE_SAVED)
        told.append((before, after, entry.facts.keys(), entry.subjects, entry.rows, entry.details))
    tokens = re.compile(r'value="[^"]{60,}"')
    assert tokens.sub("", told[0][1]) == tokens.sub("", told[1][1])
    assert told[0][2:] == told[1][2:]
    assert "Only you know whether a password for duress is set." in told[0][1]
    assert give(cast.stage, "ines", DURESS.format("ines")).status_code == 422


@ONLY_SQLITE
def test_no_row_tells_who_has_set_one(cast: Cast) -> None:
    before = row_of(cast.stage, "ivo")
    prepared(cast, "ines")
    set_duress(cast["cal"], "")
    rows = [row_of(cast.stage, name) for name in CAST]
    assert {len(row.blob) for row in rows} == {len(before.blob)}
    assert {len(row.totp) for row in rows} == {len(before.totp)}
    assert {row.key_version for row in rows} == {1}
    # The ledger names no row of that table, and so tells of no change to one.
    assert not any("duress_wraps" in name for entry in entries(cast.stage) for name in entry.rows)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"password": "too short"}, "Use at least 15 characters"),
        ({"password": PASSWORD.format("ines")}, "It must differ from your password"),
        ({"again": "granite teapot under no umbrella"}, "The two passwords differ"),
        ({"password": ""}, "The two passwords differ"),
        ({"own": "not the password at all"}, "was not right"),
        ({"own": ""}, "Enter the password you use now."),
        ({"code": "000000"}, "was not right"),
    ],
)
def test_what_is_wrong_on_the_page_is_said_and_changes_nothing(
    cast: Cast, answers: dict[str, str], words: str
) -> None:
    ines, before = cast["ines"], row_of(cast.stage, "ines")
    ines.get("/duress-password")
    chosen = answers.get("password", DURESS.format("ines"))
    given = {"own": PASSWORD.format("ines"), "password": chosen, "again": chosen, "code": ines.code()}
    if answers == {"password": ""}:
        given["again"] = DURESS.format("ines")
    answer = ines.post("/duress-password", **(given | answers))
    assert answer.status_code == 422
    assert words in answer.text
    assert DURESS.format("ines") not in answer.text
    after = row_of(cast.stage, "ines")
    assert (after.blob, after.totp) == (before.blob, before.totp)


@ONLY_SQLITE
def test_a_new_password_of_their_own_takes_it_away_and_leaves_a_row_like_any(cast: Cast) -> None:
    ines, password = cast["ines"], prepared(cast, "ines")
    before = row_of(cast.stage, "ines")
    ines.get("/password")
    new = "seven quiet lanterns by the brook"
    answer = ines.post("/password", old=PASSWORD.format("ines"), password=new, again=new)
    assert answer.status_code == 200
    after = row_of(cast.stage, "ines")
    assert after.blob != before.blob
    assert (len(after.blob), len(after.totp)) == (len(before.blob), len(before.totp))
    assert give(cast.stage, "ines", password).status_code == 422
    assert give(cast.stage, "ines", new).status_code == 303


@ONLY_SQLITE
def test_an_officer_of_an_earlier_version_is_given_a_row_when_they_sign_in(stage: Stage) -> None:
    thief = Thief(stage)
    assert thief.run("DELETE FROM duress_wraps") == len(CAST)
    Officer(stage, "ines").sign_in()
    (row,) = thief.rows("SELECT * FROM duress_wraps")
    kept = row_of(stage, "ines")
    assert bytes(row["blob"]) == kept.blob
    Officer(stage, "ines").sign_in()
    assert row_of(stage, "ines").blob == kept.blob


def costs(stage: Stage, monkeypatch: pytest.MonkeyPatch, use: Callable[[], Any]) -> tuple[int, list[str]]:
    """How often a password was stretched, and this thread's statements in their order."""
    stretched: list[int] = []
    said: list[str] = []
    mine = threading.get_ident()

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == mine:  # How the weaver groups entries is its own affair.
            said.append(statement)

    real = crypto.wraps.stretch

    def stretch(*given: Any) -> bytes:
        stretched.append(1)
        return real(*given)

    engine = stage.vault.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(crypto.wraps, "stretch", stretch)
            use()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(stretched), said


MASKED = re.compile(r'value="[^"]{60,}"')


def test_signing_in_costs_and_answers_the_same_with_either_password(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements, stretchings, status, headers, cookies and pages; only the tokens differ."""
    stage = cast.stage
    own, under_duress = PASSWORD.format("ines"), prepared(cast, "ines")
    sign_in_with(stage, "ines", own)  # So that each of the two that are compared ends one session.
    told = []
    for password in (own, under_duress):
        officer, answers = Officer(stage, "ines"), []

        def use(officer: Officer = officer, answers: list[Any] = answers, password: str = password) -> None:
            answers.append(officer.get("/sign-in"))
            answers.append(officer.post("/sign-in", name="ines", password=password, banner="yes"))
            answers.append(officer.get("/sign-in/second-factor"))
            answers.append(officer.post("/sign-in/second-factor", code=officer.code()))

        stretched, said = costs(stage, monkeypatch, use)
        shown = [
            (answer.status_code, MASKED.sub("", answer.text), _headers(answer.headers)) for answer in answers
        ]
        told.append((stretched, said, shown))
    assert told[0][0] == told[1][0] == 1
    assert told[0][1] == told[1][1]
    assert told[0][2] == told[1][2]


def _headers(headers: Any) -> list[tuple[str, str]]:
    """The headers, of cookies and policies only the length and the names."""
    masked = re.compile(r"=[A-Za-z0-9_\-.]{20,}|nonce-[^' ]+")
    return [(name, masked.sub("=…", value)) for name, value in headers if name != "Date"]


@ONLY_SQLITE
def test_a_passkey_and_a_backup_code_serve_under_duress_as_ever(cast: Cast) -> None:
    stage = cast.stage
    offer_passkeys(stage)
    device = Device()
    ines = with_passkey(cast, "ines", device)
    code = make_codes(ines)[0]
    password = prepared(cast, "ines")
    by_code = Officer(stage, "ines")
    by_code.get("/sign-in")
    by_code.post("/sign-in", name="ines", password=password, banner="yes")
    by_code.get("/sign-in/second-factor")
    assert by_code.post("/sign-in/second-factor", code=code).status_code == 303
    assert by_code.actor.is_under_duress
    by_passkey = Officer(stage, "ines")
    by_passkey.get("/sign-in")
    by_passkey.post("/sign-in", name="ines", password=password, banner="yes")
    by_passkey.get("/sign-in/second-factor")
    options = asked(by_passkey, "/sign-in/passkey")
    assert by_passkey.post("/sign-in/second-factor", code=device.get(options)).status_code == 303
    assert by_passkey.actor.is_under_duress
    by_passkey.get("/account")
    assert by_passkey.get("/backup-codes").status_code == 200


@ONLY_SQLITE
def test_a_code_of_the_app_is_good_once_for_both_passwords_together(cast: Cast) -> None:
    stage = cast.stage
    password = prepared(cast, "ines")
    ines = Officer(stage, "ines")
    code = ines.code()
    for given, status in ((PASSWORD.format("ines"), 303), (password, 422)):
        ines = Officer(stage, "ines")
        ines.get("/sign-in")
        ines.post("/sign-in", name="ines", password=given, banner="yes")
        ines.get("/sign-in/second-factor")
        assert ines.post("/sign-in/second-factor", code=code).status_code == status


NEW = "seven quiet lanterns by the brook"


def test_what_concerns_the_own_session_works_and_every_other_act_cannot_be_recorded(cast: Cast) -> None:
    stage = cast.stage
    ada = forced(cast, "ada")
    ada.get("/backup-codes")
    acts = {
        "/backup-codes": {"code": ada.code()},
        "/password": {"old": DURESS.format("ada"), "password": NEW, "again": NEW},
        "/duress-password": {"own": DURESS.format("ada"), "password": NEW, "again": NEW},
        "/agencies/add": {"name": "An agency", "kind": "housing"},
    }
    for path, answers in acts.items():
        page = ada.get(path)
        assert page.status_code == 200, path
        answer = ada.post(path, **answers)
        assert answer.status_code == 503, (path, answer.text)
        assert "The vault cannot record this right now" in answer.text
    assert last(stage, Event.STEPPED_UP).session == ada.actor.session
    out = ada.post("/sign-out")
    assert (out.status_code, out.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert ada.get("/desk").status_code == 401
    assert give(stage, "ada", PASSWORD.format("ada")).status_code == 303


@ONLY_SQLITE
def test_a_new_app_is_shown_and_only_keeping_it_cannot_be_recorded(cast: Cast) -> None:
    stage = cast.stage
    ines = forced(cast, "ines")
    ines.get("/authenticator-app")
    assert ines.post("/authenticator-app", code=ines.code()).status_code == 303
    page = ines.get("/authenticator-app/new")
    assert page.status_code == 200
    (secret,) = re.findall(r"\b[A-Z2-7]{32}\b", page.text.replace(" ", ""))
    assert ines.post("/authenticator-app/new", code="000000").status_code == 422
    code = pyotp.TOTP(secret).at(stage.clock.now)
    assert ines.post("/authenticator-app/new", code=code).status_code == 503
    stage.clock.forward(minutes=1)
    assert sign_in_with(stage, "ines", PASSWORD.format("ines")).get("/desk").status_code == 200


@ONLY_SQLITE
def test_a_year_of_which_the_empty_house_knows_nothing_makes_no_alarm_there(cast: Cast) -> None:
    """The review of access is done elsewhere; what is empty must not say that it is overdue."""
    stage = cast.stage
    passwords = {name: prepared(cast, name) for name in ("ada", "max", "aud")}
    for _ in range(5):
        stage.clock.forward(days=80)
        for name in passwords:
            sign_in_with(stage, name, PASSWORD.format(name))
    for name, password in passwords.items():
        desk = sign_in_with(stage, name, password).get("/desk").text
        assert "Nothing waits for you." in desk
        assert AlarmKind.ACCESS_REVIEW.label.replace("'", "&#39;") not in desk


@ONLY_SQLITE
def test_an_own_session_is_listed_and_ended_as_ever(cast: Cast) -> None:
    stage = cast.stage
    set_allowed(stage, 2)
    password = prepared(cast, "ines")
    ines = sign_in_with(stage, "ines", password)
    page = ines.get("/sessions").text
    (other,) = set(re.findall(r"/sessions/([0-9a-f-]{36})/end", page)) - {str(session_of(ines))}
    assert ines.post(f"/sessions/{other}/end").status_code == 303
    assert other not in ines.get("/sessions").text


@ONLY_SQLITE
def test_wrong_answers_are_told_as_ever(cast: Cast) -> None:
    ines = forced(cast, "ines")
    ines.get("/password")
    answer = ines.post("/password", old="none of the two", password=NEW, again=NEW)
    assert answer.status_code == 422
    assert "was not right" in answer.text
    assert last(cast.stage, Event.STEP_UP_FAILED).session == ines.actor.session
    ines.get("/backup-codes")
    assert ines.post("/backup-codes", code="000000").status_code == 422


def card(officer: Officer) -> bool:
    """Whether the desk of this officer shows the alarm."""
    answer = officer.get("/desk")
    assert answer.status_code == 200
    return "A colleague may be under duress" in answer.text


def test_colleagues_are_told_at_once_and_the_officer_never(cast: Cast) -> None:
    stage = cast.stage
    for name in ("ada", "dee", "max", "ines", "aud"):
        assert not card(cast[name])
    password = prepared(cast, "ada")
    assert not card(cast["dee"])
    # The password alone raises the alarm: the second factor may never come.
    assert give(stage, "ada", password).status_code == 303
    entry = last(stage, Event.DURESS_PASSWORD_GIVEN)
    assert entry.subjects == (f"officer:{cast['ada'].actor.officer}",)
    assert [card(cast[name]) for name in ("dee", "max", "aud")] == [True] * 3
    assert "Ada Amsel may be forced to sign in" in cast["dee"].get("/desk").text
    assert not card(cast["ada"])
    assert not card(cast["ines"])
    assert not card(sign_in_with(stage, "ada", password))


@ONLY_SQLITE
def test_an_administrator_reads_of_everybodys_alarm_but_their_own(cast: Cast) -> None:
    stage = cast.stage
    forced(cast, "max")
    own = sign_in_with(stage, "max", PASSWORD.format("max"))
    words = AlarmKind.DURESS.label
    assert words not in own.get("/administration").text
    assert words not in own.get("/desk").text
    password = prepared(cast, "ada")
    assert give(stage, "ada", password).status_code == 303
    assert words in own.get("/administration").text


@ONLY_SQLITE
def test_an_auditor_ends_the_alarm_and_the_next_time_raises_another(cast: Cast) -> None:
    stage, aud = cast.stage, cast["aud"]
    password = prepared(cast, "ada")
    for turn in (1, 2):
        assert give(stage, "ada", password).status_code == 303
        assert card(cast["dee"])
        page = aud.get("/ledger/alerts")
        assert "The password for duress of Ada Amsel was given" in page.text
        with stage.vault.reading() as db:
            alerts = db.scalars(select(Alert).where(Alert.rule == Rule.DURESS)).all()
        assert len(alerts) == turn
        (waiting,) = [alert for alert in alerts if alert.dismissed_at is None]
        where = f"/ledger/alerts/{waiting.id}/dismiss"
        aud.get(where)
        assert aud.post(where, why="We met them, they are safe.").status_code == 303
        assert not card(cast["dee"])


@ONLY_SQLITE
def test_in_a_session_of_their_own_it_is_a_wrong_password_and_an_alarm(cast: Cast) -> None:
    ines = cast["ines"]
    password = prepared(cast, "ines")
    ines.get("/password")
    answer = ines.post("/password", old=password, password=NEW, again=NEW)
    assert answer.status_code == 422
    assert "was not right" in answer.text
    assert card(cast["dee"])
    assert give(cast.stage, "ines", PASSWORD.format("ines")).status_code == 303


def planted(stage: Stage, officer: UUID) -> Entry:
    """An entry that says that an officer is forced, and that the vault did not make."""
    return Entry(
        id=new_entry_id(stage.clock.now),
        at=stage.clock.now,
        event=str(Event.DURESS_PASSWORD_GIVEN),
        officer=None,
        session=None,
        subjects=(f"officer:{officer}",),
        compartment=None,
        fields=(),
        reason=None,
        outcome="done",
        rows={},
        facts={},
        details=None,
    )


@ONLY_SQLITE
def test_a_planted_entry_calls_nobody_and_hides_nobodys_alarm(cast: Cast) -> None:
    """Whoever only writes to the database cannot raise the alarm, nor hide one behind many false ones."""
    stage, ada = cast.stage, cast["ada"].actor.officer
    stage.vault.weave([(planted(stage, ada), None)])
    assert not card(cast["dee"])
    assert give(stage, "ines", prepared(cast, "ines")).status_code == 303
    stage.vault.weave([(planted(stage, ada), None) for _ in range(AT_ONCE + 1)])
    desk = cast["dee"].get("/desk").text
    assert "Ines Inkpen may be forced to sign in" in desk
    assert "Ada Amsel may be forced" not in desk


def test_two_threads_each_see_their_own(cast: Cast) -> None:
    """The one under duress and the one who is not use the same process at the same time."""
    opened = open_case(cast, ["ines"])
    both = {"real": cast["ada"], "empty": forced(cast, "dee")}
    begin, seen = threading.Barrier(2), {name: list[bool]() for name in both}

    def look(name: str) -> None:
        begin.wait(timeout=30)
        seen[name] += [opened.code in both[name].get("/cases").text for _ in range(8)]

    threads = [threading.Thread(target=look, args=(name,)) for name in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"real": [True] * 8, "empty": [False] * 8}


@ONLY_SQLITE
def test_what_a_forced_auditor_is_told_of_the_ledger_fits_together(cast: Cast) -> None:
    """It holds what was done in this session, and each page is recorded as the next of its entries."""
    open_case(cast, ["ines"])
    aud = forced(cast, "aud")
    for place in (1, 2):
        shown = plain(aud.get("/ledger").text)
        assert f"Recorded as entry {place}." in shown
        assert f"{place + 1} entries so far" in shown


@ONLY_SQLITE
def test_of_a_session_of_their_own_a_forced_auditors_ledger_tells_nothing(cast: Cast) -> None:
    stage, case = cast.stage, open_case(cast, ["ines"])
    set_allowed(stage, 2)
    password = prepared(cast, "aud")
    stage.clock.forward(minutes=2)
    forced_aud = sign_in_with(stage, "aud", password)
    stage.clock.forward(minutes=2)
    own = sign_in_with(stage, "aud", PASSWORD.format("aud"))
    assert own.get(f"/ledger/subjects/case/{case.id}").status_code == 200
    shown = forced_aud.get("/ledger").text
    assert str(case.id) not in shown
    assert "2 entries so far" in plain(shown)


@ONLY_SQLITE
def test_a_thread_that_served_a_session_under_duress_serves_the_next_as_it_is(cast: Cast) -> None:
    opened = open_case(cast, ["ines"])
    ada = cast["ada"]
    dee = forced(cast, "dee")
    for _ in range(2):
        assert opened.code not in dee.get("/cases").text
        assert decoy.shown_to() is None
        assert opened.code in ada.get("/cases").text


@ONLY_SQLITE
def test_at_the_servers_terminal_it_raises_the_alarm_and_works_on_an_empty_house(cast: Cast) -> None:
    stage, password = cast.stage, prepared(cast, "ada")
    open_case(cast, ["ines"])

    def at_terminal() -> None:
        ada = Officer(stage, "ada")
        who = prove_at_terminal(stage.vault, "ada", password, ada.code(), stage.clock.now)
        assert who.is_under_duress
        with stage.vault.reading() as db:
            assert db.scalars(select(Case)).all() == []

    copy_context().run(at_terminal)
    assert last(stage, Event.DURESS_PASSWORD_GIVEN).subjects == (f"officer:{cast['ada'].actor.officer}",)
    assert card(cast["dee"])


@ONLY_SQLITE
def test_at_the_servers_terminal_the_alarm_waits_for_no_second_factor(cast: Cast) -> None:
    password = prepared(cast, "ada")
    with pytest.raises(ProofRefused):
        prove_at_terminal(cast.stage.vault, "ada", password, "000000", cast.stage.clock.now)
    assert card(cast["dee"])
    assert decoy.shown_to() is None


@ONLY_SQLITE
def test_it_calls_for_help_also_where_the_account_is_locked_or_unused(cast: Cast) -> None:
    stage = cast.stage
    passwords = {name: prepared(cast, name) for name in ("ines", "cal")}
    for _ in range(5):
        assert give(stage, "ines", "wrong wrong wrong wrong").status_code == 422
    assert give(stage, "ines", passwords["ines"]).status_code == 422
    newest, before = islice(entries(stage), 2)
    assert (newest.event, newest.outcome) == (Event.DURESS_PASSWORD_GIVEN, "failed")
    assert before.event == Event.ACCOUNT_LOCKED
    assert card(cast["dee"])
    stage.clock.forward(days=91)
    assert give(stage, "cal", PASSWORD.format("cal")).status_code == 422
    assert give(stage, "cal", passwords["cal"]).status_code == 422
    events = [one.event for one in islice(entries(stage), 2)]
    assert events == [Event.DURESS_PASSWORD_GIVEN, Event.SIGN_IN_FAILED]


@ONLY_SQLITE
def test_where_it_was_in_vain_its_officer_is_told_of_a_wrong_one(cast: Cast) -> None:
    """As many entries as for a wrong password, and the same words on the officer's own pages."""
    stage, told = cast.stage, []
    password = prepared(cast, "ines")
    for given in ("wrong wrong wrong wrong", password):
        stage.clock.forward(minutes=20)
        ines = sign_in_with(stage, "ines", PASSWORD.format("ines"))
        before = len(list(entries(stage)))
        ines.get("/password")
        assert ines.post("/password", old=given, password=NEW, again=NEW).status_code == 422
        made = len(list(entries(stage))) - before
        shown = ines.get("/account").text.count(Event.STEP_UP_FAILED.label)
        since = since_last_sign_in(stage.vault, ines.actor.officer)
        assert since is not None
        told.append((made, shown, "Since then: 1 try failed. " in since[0]))
    assert told == [(1, 1, True), (1, 2, True)]


def test_only_the_tables_of_the_officers_own_account_are_furnished(cast: Cast) -> None:
    open_case(cast, ["ines"])
    stage, ines = cast.stage, cast["ines"].actor.officer
    house = stage.vault.empty_house
    forced = decoy.Forced(ines, cast["ines"].actor.session)
    with house.opened(stage.vault.database.engine, forced, writing=False) as db:
        filled = {
            table.name
            for metadata in migrations.metadatas()
            for table in metadata.sorted_tables
            if db.execute(select(table).limit(1)).first() is not None
        }
        assert [officer.id for officer in db.scalars(select(OfficerRow))] == [ines]
        assert {row.officer for row in db.scalars(select(SignedInSession))} == {ines}
        (entry,) = stage.vault.ledger.following(db, 0, 10)
        assert (entry.entry.event, entry.entry.officer) == (Event.SIGNED_IN, ines)
    assert filled <= {*decoy.OWN, "ledger_entries", "ledger_heads", "ledger_subjects"}
    assert {"officers", "sessions", "holder_keys"} <= filled
    assert decoy.ALARM == Event.DURESS_PASSWORD_GIVEN


@ONLY_SQLITE
def test_whoever_is_paged_hears_of_it_without_a_name_and_notices_say_that_something_waits(cast: Cast) -> None:
    stage = cast.stage
    password = prepared(cast, "ada")
    both = [cast["ada"].actor, cast["dee"].actor]
    now = stage.clock.now
    with stage.vault.writing() as db:
        for who in both:
            db.add(NoticeChoice(id=who.officer, frequency=Frequency.AT_ONCE, address=None))
            record(db, Event.NOTICES_CHOSEN, who=who, now=now, subjects=[f"officer:{who.officer}"])
    assert put_out_what_is_due(stage.vault, now) == 0  # The first look only remembers.
    assert AlarmKind.DURESS not in {alarm.kind for alarm in alarms(stage.vault, now)}
    assert give(stage, "ada", password).status_code == 303
    (told,) = [alarm for alarm in alarms(stage.vault, now) if alarm.kind is AlarmKind.DURESS]
    assert "Amsel" not in told.words
    assert put_out_what_is_due(stage.vault, now) == 1
    with stage.vault.reading() as db:
        assert [notice.officer for notice in db.scalars(select(Notice))] == [both[1].officer]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("name", "path", "answers"),
    [
        ("pat", "/referrals/send", REFERRAL),
        ("ada", "/safe-housing/add", HOUSE | {"code": "H-099", "beds": "3"}),
        ("max", "/officers/add", {"full_name": "New Colleague", "name": "newcomer", "role": "clerk"}),
        ("ada", "/agencies/add", {"name": "An agency", "kind": "housing"}),
    ],
)
def test_an_act_that_is_filled_in_rightly_ends_like_one_that_cannot_be_recorded(
    cast: Cast, name: str, path: str, answers: dict[str, Any]
) -> None:
    """Also where it would be sealed: the empty house holds no certified key to seal to."""
    officer = forced(cast, name)
    shown = officer.get(path)
    assert shown.status_code == 200
    code = {"code": officer.code()} if 'name="code"' in shown.text and "code" not in answers else {}
    before = officer.actor
    answer = officer.post(path, **(answers | code))
    assert answer.status_code == 503, answer.text
    assert "The vault cannot record this right now, so nothing was shown or changed." in answer.text
    assert last(cast.stage, Event.SIGNED_IN).session == before.session


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["ada", "ines"])
def test_a_search_finds_what_it_finds_in_an_empty_programme_and_tells_the_ledger(
    cast: Cast, name: str
) -> None:
    def search(officer: Officer) -> tuple[int, str]:
        officer.get("/search")
        sought = {"way": "part-of-a-name", "words": "Jane Roe", "reason": "case-work", "code": officer.code()}
        answer = officer.post("/search", **sought)
        return answer.status_code, re.sub(r"[Ee]ntry [0-9,]+", "", MASKED.sub("", answer.text))

    empty = search(cast[name])
    opened = open_case(cast, ["ines"])
    officer = forced(cast, name)
    assert search(officer) == empty
    assert opened.code not in empty[1]
    assert last(cast.stage, Event.DIRECTORY_SEARCHED).session == officer.actor.session
