"""Checkpoints, their signatures, and the notary that gives them."""

import fcntl
import logging
import os
import threading
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from sqlalchemy import Engine

from audit.checkpoints import Notary, NotaryKeys, NotaryThread, run_notary, sign_if_free
from audit.errors import LedgerError, NotaryRefuses, NotVerified
from audit.ledger import Ledger
from audit.notes import ED25519, VerifierKey, check_signatures, key_id, parse, read_verifier_keys
from audit.refusals import UNREADABLE, Refusing, read_refusal, refusal_beside
from tests.audit.writing import NOON, PATIENCE, an_entry, some_entries, tamper, weave


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is read here is read alike on PostgreSQL, as test_damage shows on both."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def sign(engine: Engine, notary: Notary) -> str | None:
    with engine.connect() as connection:
        signed = notary.sign_next(connection, NOON)
    return None if signed is None else signed.text


def test_a_checkpoint_states_origin_size_and_root(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    weave(ledger, some_entries(5))
    text = sign(engine, notary)
    assert text is not None
    with engine.connect() as connection:
        root = b64encode(ledger.head(connection).root).decode()
    assert text.startswith(f"vault.example/ledger\n5\n{root}\n\n\u2014 vault.example/ledger ")
    assert notary.checkpoint.read_text() == text


def test_the_key_id_and_verifier_key_are_those_of_gos_note_package() -> None:
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.from_text(text)
    assert (key.name, key.kind, len(key.public)) == ("PeterNeumann", ED25519, 32)
    assert key_id(key.name, key.kind, key.public).hex() == "c74f20a3"
    assert key.to_text() == text


def test_the_signatures_verify_with_the_bare_algorithms_over_the_published_formats(
    notary_keys: NotaryKeys,
) -> None:
    signed = notary_keys.sign(20, b"r" * 32, NOON)
    body, lines = signed.text.split("\n\n")
    plain, cosigned = (parse_line(line) for line in lines.strip().split("\n"))
    Ed25519PublicKey.from_public_bytes(notary_keys.ed25519.public).verify(plain, body.encode() + b"\n")
    name = b"\x14vault.example/ledger"
    seconds = int(NOON.timestamp()).to_bytes(8, "big")
    message = b"subtree/v1\n\0" + name + seconds + name + bytes(8) + bytes(7) + b"\x14" + b"r" * 32
    assert cosigned[:8] == seconds
    MLDSA44PublicKey.from_public_bytes(notary_keys.mldsa44.public).verify(cosigned[8:], message)


def parse_line(line: str) -> bytes:
    from base64 import b64decode

    return b64decode(line.split(" ")[2])[4:]


def test_every_given_key_must_have_signed(notary_keys: NotaryKeys) -> None:
    signed = notary_keys.sign(20, b"r" * 32, NOON)
    ours = notary_keys.verifier_keys()
    check_signatures(signed, ours)
    strangers = NotaryKeys.generate(notary_keys.origin).verifier_keys()
    for keys in ([strangers[0]], [strangers[1]], [*ours, strangers[1]]):
        with pytest.raises(NotVerified):
            check_signatures(signed, keys)


@pytest.mark.parametrize("line", [3, 4])
@pytest.mark.parametrize("lost", ["signature", "line"])
def test_a_checkpoint_with_a_spoilt_or_missing_signature_is_refused(
    notary_keys: NotaryKeys, line: int, lost: str
) -> None:
    lines = notary_keys.sign(20, b"r" * 32, NOON).text.split("\n")
    line += 1
    if lost == "line":
        del lines[line]
    else:
        other = notary_keys.sign(21, b"r" * 32, NOON).text.split("\n")
        lines[line] = other[line]
    with pytest.raises(NotVerified):
        check_signatures(parse("\n".join(lines)), notary_keys.verifier_keys())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n20\n", "\n21\n"),
        lambda text: text.replace("\n20\n", "\n020\n"),
        lambda text: text.replace("\n20\n", "\n-20\n"),
        lambda text: text.replace("\n20\n", "\n20\nextension\n"),
        lambda text: text.replace("vault.example", "other.example"),
        lambda text: text.replace("cnJy", "cnJz", 1),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.partition("\u2014")[0],
        lambda text: text.replace("\u2014", "-"),
        lambda text: text[:-20],
        lambda text: "",
    ],
)
def test_a_spoilt_checkpoint_is_refused(notary_keys: NotaryKeys, spoil: object) -> None:
    assert callable(spoil)
    text = spoil(notary_keys.sign(20, b"r" * 32, NOON).text)
    with pytest.raises(NotVerified):
        check_signatures(parse(text), notary_keys.verifier_keys())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AAAA",
        "a+b+c",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        read_verifier_keys(text)


def test_a_name_that_a_note_cannot_hold_is_refused() -> None:
    for origin in ("", "two words", "plus+sign", "new\nline", "ümlaut", "a" * 256):
        with pytest.raises(LedgerError):
            NotaryKeys.generate(origin)


def test_nothing_new_is_not_signed_again(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    assert sign(engine, notary) is None
    weave(ledger, some_entries(3))
    assert sign(engine, notary) is not None
    assert sign(engine, notary) is None
    weave(ledger, [an_entry()])
    text = sign(engine, notary)
    assert text is not None
    assert parse(text).size == 4


def test_a_crash_between_memory_and_checkpoint_is_made_good(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    before = notary.checkpoint.read_text()
    weave(ledger, some_entries(2))
    sign(engine, notary)
    notary.checkpoint.write_text(before)
    text = sign(engine, notary)
    assert text is not None
    assert parse(text).size == 5
    notary.checkpoint.unlink()
    assert sign(engine, notary) is not None


def test_a_notary_that_lost_its_memory_does_not_sign(ledger: Ledger, engine: Engine, notary: Notary) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    older = notary.state.read_bytes()
    weave(ledger, some_entries(3))
    sign(engine, notary)
    weave(ledger, some_entries(3))
    for memory in (None, older, b"not json", b'{"size": 1}', b'{"origin":"other.example/ledger"}'):
        notary.state.unlink()
        if memory is not None:
            notary.state.write_bytes(memory)
        else:
            notary.state.with_name("empty").touch()
            with pytest.raises(NotaryRefuses, match="memory"):
                sign(engine, notary)
            notary.state.write_bytes(older)
        with pytest.raises(NotaryRefuses, match="memory"):
            sign(engine, notary)


def test_a_published_checkpoint_of_another_tree_is_noticed(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    notary.checkpoint.write_text(notary.keys.sign(3, b"r" * 32, NOON).text)
    with pytest.raises(NotaryRefuses, match="not the one"):
        sign(engine, notary)
    notary.checkpoint.write_text("spoilt")
    with pytest.raises(NotaryRefuses, match="cannot be read"):
        sign(engine, notary)


def test_the_latest_checkpoint_is_checked_before_it_is_given_out(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    assert notary.latest() is None
    weave(ledger, some_entries(3))
    text = sign(engine, notary)
    latest = notary.latest()
    assert latest is not None
    assert latest.text == text
    notary.checkpoint.write_text(NotaryKeys.generate(notary.keys.origin).sign(3, latest.root, NOON).text)
    with pytest.raises(NotVerified):
        notary.latest()


def test_others_can_read_what_is_published_and_not_what_is_remembered(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(1))
    mask = os.umask(0o077)
    try:
        sign(engine, notary)
    finally:
        os.umask(mask)
    assert notary.checkpoint.stat().st_mode & 0o777 == 0o644
    assert notary.state.stat().st_mode & 0o777 == 0o600


def test_key_files_are_private_and_never_replaced(tmp_path: Path, notary_keys: NotaryKeys) -> None:
    path = tmp_path / "notary.key"
    notary_keys.save(path)
    assert path.stat().st_mode & 0o777 == 0o400
    loaded = NotaryKeys.load(path, notary_keys.origin)
    assert loaded.verifier_keys() == notary_keys.verifier_keys()
    with pytest.raises(FileExistsError):
        notary_keys.save(path)
    path.chmod(0o440)
    with pytest.raises(NotaryRefuses, match="0400"):
        NotaryKeys.load(path, notary_keys.origin)
    with pytest.raises(NotaryRefuses, match="cannot be read"):
        NotaryKeys.load(tmp_path / "absent", notary_keys.origin)
    short = tmp_path / "short.key"
    short.write_bytes(bytes(40))
    short.chmod(0o400)
    with pytest.raises(NotaryRefuses, match="seeds"):
        NotaryKeys.load(short, notary_keys.origin)


def test_private_keys_are_not_printed(notary_keys: NotaryKeys) -> None:
    for shown in (repr(notary_keys), repr(notary_keys.ed25519), str(notary_keys.mldsa44)):
        assert notary_keys.ed25519.seed.hex() not in shown
        assert "seed" not in shown


def wait_for_checkpoint(notary: Notary, size: int) -> bool:
    """Whether a checkpoint of this size is published while we look."""
    looked = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if notary.checkpoint.exists() and parse(notary.checkpoint.read_text()).size == size:
            return True
        looked.wait(0.02)
    return False


def test_the_thread_signs_what_is_new_until_it_is_stopped(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    thread = NotaryThread(engine, notary, 0.02)
    thread.start()
    weave(ledger, some_entries(3))
    assert wait_for_checkpoint(notary, 3)
    weave(ledger, some_entries(2))
    assert wait_for_checkpoint(notary, 5)
    thread.stop()
    assert not thread.is_alive()


def test_only_one_process_signs_and_another_takes_over(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(3))
    with notary.state.with_name("state.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        turns = Turns(3)
        run_notary(turns, engine, notary, 0.0)
        assert not notary.checkpoint.exists()
    run_notary(Turns(1), engine, notary, 0.0)
    assert notary.checkpoint.exists()


def test_a_refusal_is_logged_once_and_signing_goes_on_when_its_cause_is_gone(
    ledger: Ledger, engine: Engine, notary: Notary, caplog: pytest.LogCaptureFixture
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    kept = notary.state.read_bytes()
    weave(ledger, some_entries(1))
    notary.state.unlink()
    with caplog.at_level(logging.ERROR, "audit.notary"):
        run_notary(Turns(5), engine, notary, 0.0)
    (logged,) = caplog.records
    assert "memory is missing" in logged.getMessage()
    notary.state.write_bytes(kept)
    run_notary(Turns(1), engine, notary, 0.0)
    assert parse(notary.checkpoint.read_text()).size == 4


def test_a_refusal_lies_beside_the_checkpoint_until_the_notary_signs_again(
    ledger: Ledger, engine: Engine, notary: Notary
) -> None:
    weave(ledger, some_entries(3))
    sign(engine, notary)
    assert read_refusal(notary.checkpoint) is None
    kept = notary.state.read_bytes()
    notary.state.unlink()
    for minutes in (0, 7):
        with pytest.raises(NotaryRefuses):
            sign_if_free(engine, notary, NOON + timedelta(minutes=minutes))
    said = read_refusal(notary.checkpoint)
    assert said is not None
    assert "memory is missing" in said.words
    assert said.since == NOON, "the time of the first refusal, not of the latest"
    assert refusal_beside(notary.checkpoint).stat().st_mode & 0o777 == 0o644
    notary.state.write_bytes(b"{")
    with pytest.raises(NotaryRefuses):
        sign_if_free(engine, notary, NOON + timedelta(minutes=9))
    other = read_refusal(notary.checkpoint)
    assert other is not None
    assert (other.words, other.since) == (
        "The notary's memory cannot be read.",
        NOON + timedelta(minutes=9),
    )
    notary.state.write_bytes(kept)
    assert sign_if_free(engine, notary, NOON)
    assert read_refusal(notary.checkpoint) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"words": 1, "since": "2026-11-22T12:00:00Z"}', b"\xff", b'{"words": "x"}'],
)
def test_a_refusal_that_cannot_be_read_is_a_refusal(notary: Notary, content: bytes) -> None:
    refusal_beside(notary.checkpoint).write_bytes(content)
    assert read_refusal(notary.checkpoint) == Refusing(UNREADABLE, None)


def test_a_database_that_is_away_does_not_end_the_notary(
    ledger: Ledger, engine: Engine, notary: Notary, caplog: pytest.LogCaptureFixture
) -> None:
    weave(ledger, some_entries(3))
    tamper(engine, "ALTER TABLE ledger_heads RENAME TO away")
    with caplog.at_level(logging.ERROR, "audit.notary"):
        run_notary(Turns(3), engine, notary, 0.0)
    assert len(caplog.records) == 1
    tamper_back = "ALTER TABLE away RENAME TO ledger_heads"
    with engine.begin() as connection:
        connection.exec_driver_sql(tamper_back)
    run_notary(Turns(1), engine, notary, 0.0)
    assert parse(notary.checkpoint.read_text()).size == 3


def test_the_time_of_signing_is_the_one_given(notary_keys: NotaryKeys) -> None:
    early, late = (notary_keys.sign(1, b"r" * 32, NOON + timedelta(hours=hours)).text for hours in (0, 1))
    assert early.split("\n")[4] == late.split("\n")[4]
    assert parse_line(late.split("\n")[5])[:8] != parse_line(early.split("\n")[5])[:8]


class Turns(threading.Event):
    """A stop that is asked for after so many turns."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self._turns = turns

    def wait(self, timeout: float | None = None) -> bool:
        self._turns -= 1
        if self._turns <= 0:
            self.set()
        return super().wait(0)
