"""The outside witness as it runs: its command, over HTTP, against a vault that gunicorn serves."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audit.notes import VerifierKey, parse
from audit.origins import parted
from tests.bad_input.served import ROOT, Served, Visitor
from tests.oversight.test_read import plain
from vault.keys.notary_rotation import announce, rotate
from vault.oversight.volumes import begin_volume
from vault.running import RunningVault, wall_clock

PATIENCE = 60.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served vault with its notary inside."""
    served = Served(tmp_path_factory.mktemp("served"), "", workers=1).start()
    yield served
    served.kill_all()


@pytest.fixture(scope="module")
def auditor(served: Served) -> Visitor:
    """The auditor, signed in."""
    return Visitor(served, "aud").sign_in()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition, never for a time."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Machine:
    """A witness's own folder, and its command."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder = served, folder
        folder.mkdir()
        self.token_file = folder / "token"
        self.put_token("x" * 43)
        made = self.run()
        assert made.returncode == 0, made.stderr
        self.key = (folder / "state" / "witness.vkey").read_text().strip()
        assert self.key in made.stdout

    def put_token(self, token: str) -> None:
        """Keep the token as the witness must."""
        self.token_file.unlink(missing_ok=True)
        self.token_file.write_text(token + "\n")
        self.token_file.chmod(0o400)

    def command(self, *more: str) -> list[str]:
        """The command, with the keys that the auditor pinned."""
        settings = self.served.settings
        given = ["--state", str(self.folder / "state"), "--origin", settings.origin]
        given += ["--key", str(settings.notary_public)]
        return [sys.executable, "-m", "audit", "witness", *given, *more]

    @property
    def over_http(self) -> list[str]:
        """The options that lead to the vault."""
        return ["--url", f"http://127.0.0.1:{self.served.port}", "--token-file", str(self.token_file)]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(self.command(*more), cwd=ROOT, capture_output=True, text=True, check=False)

    def once(self) -> subprocess.CompletedProcess[str]:
        """One round."""
        return self.run(*self.over_http, "--once")


def registered(auditor: Visitor, folder: Path, name: str) -> Machine:
    """A witness that the auditor registered over the pages."""
    machine = Machine(auditor.served, folder)
    page = auditor.get("/ledger/witnesses/register")
    code = {"code": auditor.code()} if 'name="code"' in page.text else {}
    answer = auditor.post("/ledger/witnesses/register", name=name, key=machine.key, **code)
    found = re.search(r'class="vault-code">([\w-]{43})<', answer.text)
    assert found is not None, plain(answer.text)
    machine.put_token(found[1])
    return machine


def query(served: Served, statement: str) -> list[tuple[object, ...]]:
    """Ask the database past the vault."""
    with closing(sqlite3.connect(served.settings.data / "vault.db")) as connection, connection:
        return list(connection.execute(statement).fetchall())


def kept_sizes(served: Served) -> dict[str, int]:
    """How many entries each witness vouches for, by its key."""
    rows = query(served, "SELECT key, size FROM kept_checkpoints k JOIN witnesses w ON k.witness = w.id")
    return {str(key): int(str(size)) for key, size in rows}


def kept_volumes(served: Served) -> list[int]:
    """Of which volume the newest note of each witness is."""
    rows = query(served, "SELECT origin FROM kept_checkpoints ORDER BY kept_at DESC LIMIT 2")
    return [parted(str(row[0]))[1] for row in rows]


def ledger_size(served: Served) -> int:
    """How many entries there are."""
    return int(str(query(served, "SELECT max(size) FROM ledger_heads")[0][0]))


def earlier_volumes(served: Served) -> int:
    """How many entries the volumes before the current one have."""
    return int(str(query(served, "SELECT coalesce(max(first_index), 0) FROM ledger_volumes")[0][0]))


def signed_size(served: Served) -> int:
    """How many entries of the whole ledger the notary signed; 0 before it signed anything."""
    path = served.settings.checkpoint
    return parse(path.read_text()).size + earlier_volumes(served) if path.exists() else 0


def test_two_witnesses_cosign_as_the_ledger_grows_and_follow_replaced_keys_and_the_next_volume(
    auditor: Visitor, tmp_path: Path
) -> None:
    served = auditor.served
    one, two = (registered(auditor, tmp_path / name, name) for name in ("laptop", "cellar"))
    done = one.once()
    assert done.returncode == 0, done.stderr
    assert "Cosigned" in done.stdout
    (note,) = (row[0] for row in query(served, "SELECT note FROM kept_checkpoints"))
    VerifierKey.from_text(one.key).check(parse(str(note)))
    standing = [
        subprocess.Popen(
            machine.command(*machine.over_http, "--every", "0.2"), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for machine in (one, two)
    ]

    def look_until_both_cosigned() -> None:
        size = ledger_size(served)
        auditor.get("/ledger/matrix")
        until(lambda: min(kept_sizes(served).get(m.key, 0) for m in (one, two)) > size, "both cosigned")

    try:
        for _ in range(2):
            look_until_both_cosigned()
        vault = RunningVault.start(served.settings, wall_clock)
        rotate(vault, is_unfinished=announce(vault) > 0)
        look_until_both_cosigned()
        begin_volume(vault, wall_clock(), even_if_young=True)
        vault.close()
        until(lambda: set(kept_volumes(served)) == {2}, "both went over to the next volume")
    finally:
        for process in standing:
            process.terminate()
    said = [process.communicate()[0].splitlines() for process in standing]
    # One line says which witness it is, one that it cosigned; nothing changed after that.
    assert [len(lines) for lines in said] == [2, 2], said
    assert not (one.folder / "state" / "refused").exists()
    assert plain(auditor.get("/ledger/witnesses").text).count("Vouches") == 2
    for machine in (one, two):
        token = machine.token_file.read_text().strip()
        assert token not in served.log.read_text()
        assert token.encode() not in (served.settings.data / "vault.db").read_bytes()
    # Idle, nothing is recorded: no fetch and no cosignature makes the next tree.
    size = ledger_size(served)
    assert one.once().returncode == one.once().returncode == 0
    assert ledger_size(served) == size


def test_a_wrong_token_and_a_vault_that_is_away_end_with_a_status_of_their_own(
    auditor: Visitor, tmp_path: Path
) -> None:
    machine = Machine(auditor.served, tmp_path / "stranger")
    done = machine.once()
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "does not take the token" in done.stderr
    assert not (machine.folder / "state" / "memory").exists()
    away = machine.run("--url", "http://127.0.0.1:9", "--token-file", str(machine.token_file), "--once")
    assert (away.returncode, "was not reached" in away.stderr) == (3, True)
    plainly = machine.run("--url", "http://vault.example", "--token-file", str(machine.token_file), "--once")
    assert (plainly.returncode, "Without https" in plainly.stderr) == (1, True)
    machine.token_file.chmod(0o440)
    open_to_all = machine.once()
    assert (open_to_all.returncode, "mode must be 0400" in open_to_all.stderr) == (2, True)
    assert "x" * 43 not in done.stderr + away.stderr + plainly.stderr + open_to_all.stderr


def cut_off(served: Served, size: int) -> None:
    """Cut the newest entries off as an owner of database and notary would, and let the notary forget."""
    settings = served.settings
    with closing(sqlite3.connect(settings.data / "vault.db", timeout=20)) as connection, connection:
        tables = ("ledger_entries", "ledger_subjects", "ledger_heads")
        for table in tables:
            connection.execute(f"DROP TRIGGER {table}_no_delete")
        for table in tables[:2]:
            connection.execute(f'DELETE FROM {table} WHERE "index" >= ?', (size,))
        connection.execute("DELETE FROM ledger_heads WHERE size > ?", (size,))
    for path in (settings.notary_state, settings.checkpoint):
        path.unlink()


def test_a_ledger_that_was_cut_off_is_refused_both_notes_are_kept_and_the_vault_sounds_the_alarm(
    auditor: Visitor, tmp_path: Path
) -> None:
    served = auditor.served
    machine = registered(auditor, tmp_path / "office", "office")
    kept = ledger_size(served)
    for _ in range(8):
        auditor.get("/ledger/matrix")
    until(lambda: signed_size(served) == kept + 8, "the notary signed everything")
    assert machine.once().returncode == 0
    accepted = (machine.folder / "state" / "checkpoint.cosigned").read_text()
    before = earlier_volumes(served)
    assert parse(accepted).size + before == kept + 8
    cut_off(served, kept)
    until(lambda: signed_size(served) == kept, "the notary signed what was left")
    done = machine.once()
    now, then = kept - before, kept + 8 - before
    said = f"Not cosigned. The ledger has {now} entries now and had {then}: entries were cut off."
    assert (done.returncode, done.stderr) == (1, f"{said}\n")
    (evidence,) = (machine.folder / "state" / "refused").iterdir()
    assert (evidence / "accepted").read_text().split("\n\n")[0] == accepted.split("\n\n")[0]
    assert parse((evidence / "offered").read_text()).size == now
    # Grown past what was accepted, it is another ledger still; the vault tells of it once.
    for _ in range(9):
        auditor.get("/ledger/matrix")
    until(lambda: signed_size(served) > kept + 8, "the notary signed on")
    done = machine.once()
    assert (done.returncode, "does not continue the one of" in done.stderr) == (1, True)
    told = query(served, "SELECT outcome FROM ledger_entries WHERE event = 'witness-refused'")
    assert told == [("refused",)]
    assert "An outside witness refuses to cosign" in plain(auditor.get("/ledger/alerts").text)
    assert "The ledger is not what the witness saw" in plain(auditor.get("/ledger/checkpoint").text)
