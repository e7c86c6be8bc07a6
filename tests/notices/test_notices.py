"""Notices by mail: always the same words, by verified TLS or not at all, and never in the way of an act."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from crypto.errors import Refused
from tests.cast import Cast, Stage
from tests.notices.conftest import NAME, PASSWORD, MailServer, listening, make_certificate
from tests.officers.returning import end_access
from tests.programme import send_referral
from vault.desk.telling import put_out_what_is_due
from vault.keys.relocking import RENEWALS
from vault.notices.actions import given_up, put_out, unlock_address
from vault.notices.models import Frequency, Notice, NoticeChoice, NoticeMark
from vault.notices.schedule import last_due
from vault.notices.sending import SUBJECT, WORDS, again_after, send_due
from vault.settings import BadSettings, load

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ADDRESS = "ada.amsel@office.example"
NEW_YORK = ZoneInfo("America/New_York")


def with_mail(stage: Stage, server: MailServer, tls: str, tmp_path: Path) -> None:
    """Let the vault know the server, and the password in a file of its own."""
    password = tmp_path / "mail-password"
    if not password.exists():
        password.write_text(PASSWORD + "\n")
        password.chmod(stat.S_IRUSR)
    stage.vault.settings = replace(
        stage.settings,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_tls=tls,
        smtp_from="vault@office.example",
        smtp_username=NAME,
        smtp_password_file=str(password),
        smtp_ca_file=str(server.certificate),
    )


def choose(cast: Cast, name: str, frequency: str, address: str = ADDRESS) -> None:
    """An officer chooses on their page."""
    cast[name].get("/notices")
    answer = cast[name].post("/notices", frequency=frequency, address=address)
    assert answer.status_code == 303, answer.text


def waiting(stage: Stage) -> list[Notice]:
    """The outbox."""
    with stage.vault.reading() as db:
        return list(db.scalars(select(Notice)))


@pytest.fixture
def set_up(stage: Stage) -> None:
    """A vault that knows a mail server that nobody listens as."""
    stage.vault.settings = replace(
        stage.settings,
        smtp_host="127.0.0.1",
        smtp_port=9,
        smtp_tls="none",
        smtp_from="vault@office.example",
    )


@on_sqlite
def test_a_notice_arrives_by_verified_tls_and_says_nothing(
    cast: Cast, stage: Stage, mail_server: MailServer, tls: str, tmp_path: Path
) -> None:
    with_mail(stage, mail_server, tls, tmp_path)
    choose(cast, "ada", "at-once")
    now = stage.clock.now
    assert put_out_what_is_due(stage.vault, now) == 0  # The first look only remembers.
    send_referral(cast)
    assert put_out_what_is_due(stage.vault, now) == 1
    assert send_due(stage.vault, now) == 1
    ((to, letter),) = mail_server.box.letters
    assert to == ADDRESS
    assert letter["Subject"] == SUBJECT
    assert letter.get_payload() == WORDS.replace("\n", "\r\n")
    assert {name.lower() for name in letter} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "content-type",
        "content-transfer-encoding", "mime-version",
    }  # fmt: skip
    whole = letter.as_string()
    assert "http" not in whole
    assert "R-2026" not in whole
    assert waiting(stage) == []
    assert put_out_what_is_due(stage.vault, now) == 0  # What was told is not told again.


@on_sqlite
def test_a_server_with_another_certificate_hears_nothing(
    cast: Cast,
    stage: Stage,
    mail_server: MailServer,
    tls: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with_mail(stage, mail_server, tls, tmp_path)
    other, _ = make_certificate(tmp_path / "another", "127.0.0.1")
    wrong_name, key = make_certificate(tmp_path / "elsewhere", "192.0.2.7")
    assert key.exists()
    choose(cast, "ada", "daily")
    ada = cast["ada"].actor.officer
    for believed in (other, wrong_name):
        stage.vault.settings = replace(stage.settings, smtp_ca_file=str(believed))
        with stage.vault.writing() as db:
            put_out(db, ada, stage.clock.now)
        assert send_due(stage.vault, stage.clock.now) == 0
        stage.clock.forward(hours=2)
    assert mail_server.box.letters == []
    assert len(waiting(stage)) == 1
    assert {record.__dict__["error"] for record in caplog.records if hasattr(record, "error")} == {
        "SSLCertVerificationError"
    }
    assert "office.example" not in caplog.text


@on_sqlite
@pytest.mark.parametrize("tls", ["starttls"], indirect=True)
def test_a_server_that_offers_no_tls_hears_nothing(
    cast: Cast, stage: Stage, mail_server: MailServer, tmp_path: Path
) -> None:
    with listening(mail_server.box, None) as port:
        with_mail(stage, replace(mail_server, port=port), "starttls", tmp_path)
        choose(cast, "ada", "daily")
        with stage.vault.writing() as db:
            put_out(db, cast["ada"].actor.officer, stage.clock.now)
        assert send_due(stage.vault, stage.clock.now) == 0
        assert len(waiting(stage)) == 1
    assert mail_server.box.letters == []


@on_sqlite
@pytest.mark.parametrize("tls", ["starttls"], indirect=True)
def test_a_notice_is_tried_again_later_and_given_up_after_a_day(
    cast: Cast, stage: Stage, mail_server: MailServer, tls: str, tmp_path: Path
) -> None:
    with_mail(stage, mail_server, tls, tmp_path)
    mail_server.box.refuses = True
    choose(cast, "ada", "daily")
    with stage.vault.writing() as db:
        put_out(db, cast["ada"].actor.officer, stage.clock.now)
    assert send_due(stage.vault, stage.clock.now) == 0
    assert send_due(stage.vault, stage.clock.now) == 0
    assert [notice.tries for notice in waiting(stage)] == [1]  # The second look found nothing due.
    stage.clock.forward(minutes=1)
    send_due(stage.vault, stage.clock.now)
    assert [notice.tries for notice in waiting(stage)] == [2]
    stage.clock.forward(hours=24)
    send_due(stage.vault, stage.clock.now)
    assert [notice.given_up_at for notice in waiting(stage)] == [stage.clock.now]
    with stage.vault.reading() as db:
        assert given_up(db) == 1
    assert "1 notice could not be sent" in cast["max"].sign_in().get("/administration").text
    mail_server.box.refuses = False
    stage.clock.forward(days=6)
    assert send_due(stage.vault, stage.clock.now) == 0
    stage.clock.forward(days=2)
    send_due(stage.vault, stage.clock.now)
    assert waiting(stage) == []


def test_the_way_back_doubles_up_to_an_hour() -> None:
    assert [again_after(tries) // timedelta(minutes=1) for tries in (1, 2, 3, 6, 7, 40)] == [
        1,
        2,
        4,
        32,
        60,
        60,
    ]


@pytest.mark.usefixtures("set_up")
def test_a_server_that_is_away_stands_in_no_acts_way(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "at-once")
    put_out_what_is_due(stage.vault, stage.clock.now)
    send_referral(cast)
    assert put_out_what_is_due(stage.vault, stage.clock.now) == 1
    assert put_out_what_is_due(stage.vault, stage.clock.now) == 0
    assert send_due(stage.vault, stage.clock.now) == 0
    assert len(waiting(stage)) == 1


@pytest.mark.usefixtures("set_up")
def test_the_clock_alone_writes_whether_or_not_something_waits(cast: Cast, stage: Stage) -> None:
    choose(cast, "ines", "daily")
    choose(cast, "ivo", "at-once")
    monday = datetime(2026, 11, 23, 12, 59, tzinfo=UTC)
    officers = {name: cast[name].actor.officer for name in ("ines", "ivo")}

    def written(at: datetime) -> set[str]:
        with stage.vault.writing() as db:
            for notice in db.scalars(select(Notice)):
                db.delete(notice)
        put_out_what_is_due(stage.vault, at)
        there = {notice.officer for notice in waiting(stage)}
        return {name for name, officer in officers.items() if officer in there}

    assert written(monday) == set()
    assert written(monday + timedelta(minutes=1)) == {"ines", "ivo"}
    assert written(monday + timedelta(minutes=2)) == set()
    assert written(monday + timedelta(days=1, minutes=1)) == {"ines"}
    assert written(monday + timedelta(days=7, minutes=1)) == {"ines", "ivo"}


@pytest.mark.parametrize(
    ("frequency", "now", "due"),
    [
        (Frequency.DAILY, (2026, 11, 24, 7, 59), (2026, 11, 23, 8)),
        (Frequency.DAILY, (2026, 11, 24, 8, 0), (2026, 11, 24, 8)),
        (Frequency.AT_ONCE, (2026, 11, 23, 7, 59), (2026, 11, 16, 8)),
        (Frequency.AT_ONCE, (2026, 11, 29, 23, 0), (2026, 11, 23, 8)),
        (Frequency.DAILY, (2026, 11, 1, 9, 0), (2026, 11, 1, 8)),  # The clocks went back that night.
    ],
)
def test_the_newest_scheduled_moment(
    frequency: Frequency, now: tuple[int, ...], due: tuple[int, ...]
) -> None:
    at = datetime(*now, tzinfo=NEW_YORK).astimezone(UTC)  # type: ignore[arg-type,misc]
    expected = datetime(*due, tzinfo=NEW_YORK).astimezone(UTC)  # type: ignore[arg-type,misc]
    assert last_due(frequency, at, NEW_YORK, "monday", 8) == expected


@pytest.mark.usefixtures("set_up")
def test_the_address_stands_nowhere_in_the_database_and_shows_no_length(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "daily")
    choose(cast, "ines", "daily", "i@x.example")
    with stage.vault.reading() as db:
        rows = {row.id: row for row in db.scalars(select(NoticeChoice))}
        assert len({len(row.address or b"") for row in rows.values()}) == 1
        assert not any(b"example" in (row.address or b"") for row in rows.values())
        ada, ines = cast["ada"].actor.officer, cast["ines"].actor.officer
        assert unlock_address(stage.vault.root, rows[ada]) == ADDRESS
        moved = NoticeChoice(id=ines, frequency=Frequency.DAILY, address=rows[ada].address)
        with pytest.raises(Refused):
            unlock_address(stage.vault.root, moved)
    assert ADDRESS not in cast["ada"].get("/notices").text


@on_sqlite
@pytest.mark.usefixtures("set_up")
def test_a_thief_of_every_file_but_the_keys_finds_no_address(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "at-once")
    put_out_what_is_due(stage.vault, stage.clock.now)
    with stage.vault.writing() as db:
        put_out(db, cast["ada"].actor.officer, stage.clock.now)
    stolen = b"".join(file.read_bytes() for file in stage.settings.data.rglob("*") if file.is_file())
    assert b"Ada Amsel" in stolen  # The search would find it.
    assert ADDRESS.encode() not in stolen
    assert b"office.example" not in stolen


@on_sqlite
@pytest.mark.usefixtures("set_up")
def test_the_command_looks_once_and_fails_without_a_word_of_anybody(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "daily")
    with stage.vault.writing() as db:
        put_out(db, cast["ada"].actor.officer, datetime(2020, 1, 1, tzinfo=UTC))  # Due on any day.
    told = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "SMTP_TLS": "none",
        "SMTP_FROM": "vault@office.example",
    }
    done = subprocess.run(
        [sys.executable, "-m", "vault", "notices", "--once", "--data", str(stage.settings.data)],
        env=os.environ | {f"VAULT_{name}": value for name, value in told.items()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "notice-not-sent" in done.stderr
    assert "ConnectionRefusedError" in done.stderr
    assert "office.example" not in done.stdout + done.stderr
    (notice,) = waiting(stage)
    assert notice.tries == 1


@pytest.mark.usefixtures("set_up")
def test_never_forgets_the_address_and_what_waits(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "daily")
    with stage.vault.writing() as db:
        put_out(db, cast["ada"].actor.officer, stage.clock.now)
    choose(cast, "ada", "none", "")
    with stage.vault.reading() as db:
        assert db.scalars(select(NoticeChoice.address)).all() == [None]
        assert db.scalars(select(Notice)).all() == []
        assert db.scalars(select(NoticeMark)).all() == []
    assert put_out_what_is_due(stage.vault, stage.clock.now) == 0


@on_sqlite
@pytest.mark.usefixtures("set_up")
@pytest.mark.parametrize(
    "address",
    ["two@x.example, three@x.example", "a@b\r\nBcc: x@y", "nobody", "Ada <a@b.example>", "a b@c.d", "ä@b.c"],
)
def test_what_is_not_one_plain_address_is_refused(cast: Cast, address: str) -> None:
    cast["ada"].get("/notices")
    answer = cast["ada"].post("/notices", frequency="daily", address=address)
    assert answer.status_code == 422


@on_sqlite
def test_notices_cannot_be_chosen_without_a_server_or_an_address(cast: Cast, stage: Stage) -> None:
    cast["ada"].get("/notices")
    answer = cast["ada"].post("/notices", frequency="daily", address=ADDRESS)
    assert answer.status_code == 422
    assert "not set up here" in answer.text
    stage.vault.settings = replace(stage.settings, smtp_host="127.0.0.1", smtp_from="v@x.example")
    answer = cast["ada"].post("/notices", frequency="daily", address="")
    assert answer.status_code == 422
    assert "Enter the address" in answer.text


@on_sqlite
@pytest.mark.usefixtures("set_up")
def test_an_officer_whose_access_ended_is_not_written_to(cast: Cast, stage: Stage) -> None:
    choose(cast, "ines", "daily")
    put_out_what_is_due(stage.vault, stage.clock.now)
    ines = cast["ines"].actor.officer
    assert end_access(cast, ines, "max", "left").status_code == 303
    assert put_out_what_is_due(stage.vault, stage.clock.now + timedelta(days=2)) == 0


@on_sqlite
@pytest.mark.usefixtures("set_up")
def test_an_address_outlives_a_new_root_key(cast: Cast, stage: Stage) -> None:
    choose(cast, "ada", "daily")
    stage.vault.root.prepare(2, in_token=False)
    stage.vault.root.begin(2)
    with stage.vault.writing() as db:
        row = db.scalars(select(NoticeChoice)).one()
        before = row.address
        assert RENEWALS[NoticeChoice](row, stage.vault)
        assert row.address != before
        assert unlock_address(stage.vault.root, row) == ADDRESS
        db.rollback()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"smtp_host": "mail.example", "smtp_from": "a@b.example", "smtp_tls": "none"}, "smtp_tls may be"),
        ({"smtp_host": "mail.example"}, "smtp_from is needed"),
        ({"smtp_host": "mail.example", "smtp_from": "a@b.example\r\nBcc: x@y"}, "smtp_from is needed"),
        ({"smtp_host": "mail.example", "smtp_from": "a@b.example", "smtp_username": "u"}, "outside the data"),
        ({"smtp_tls": "maybe"}, "smtp_tls must be"),
        ({"notices_day": "someday"}, "notices_day must be"),
    ],
)
def test_mail_settings_that_would_be_unsafe_are_refused(
    tmp_path: Path, values: dict[str, str], words: str
) -> None:
    with pytest.raises(BadSettings, match=words):
        load(tmp_path, {f"VAULT_{name.upper()}": value for name, value in values.items()})
