"""A new root key while officers work: nothing is lost at any step, and the old key opens nothing of it."""

import hmac
import random
import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from audit.entries import Entry, new_entry_id
from crypto.errors import Refused
from crypto.root import FileRootKey
from crypto.root_ring import RootRing
from crypto.wraps import code_context, duress_context, kept_context, password_context
from tests.cast import CAST, Cast, Officer, Stage
from tests.keys.killing import steps_of
from tests.officers.forced import prepared, sign_in_with
from tests.programme import open_case
from vault.access.events import Event, record
from vault.access.models import HolderKey, Lockbox
from vault.commands import cli
from vault.errors import RuleForbids
from vault.keys.rotating import prepare_root, rotate_root
from vault.officers import models
from vault.running import RunningVault
from vault.settings import load
from vault.verification import verify
from vault.vouching import Voucher, VouchingKey, context_of


def rotate(stage: Stage) -> int:
    """Rotate as the command does, beside the vault that is served; the pause stands for its seconds."""
    vault = RunningVault.start(stage.settings, stage.clock)
    try:
        return rotate_root(
            vault,
            in_token=False,
            progress=lambda _count: None,
            pause=stage.vault.trust.voucher.reread,
        ).number
    finally:
        vault.close()
        stage.vault.trust.voucher.reread()


def findings(stage: Stage) -> tuple[str, ...]:
    stage.vault.trust.voucher.reread()
    return verify(stage.vault, lambda _count: None).findings


def rotate_alone(data: Path, now: datetime) -> None:
    """What a process of its own does until it is killed."""
    vault = RunningVault.start(load(data), lambda: now)
    rotate_root(vault, in_token=False, progress=lambda _count: None, pause=lambda: None)
    vault.close()


def wraps(stage: Stage) -> list[tuple[bytes, bytes]]:
    """Everything that the root key locked, each with its context."""
    found = []
    with stage.vault.reading() as db:
        for officer in db.scalars(select(models.Officer)):
            version = officer.key_version
            assert officer.wrap_blob is not None
            assert officer.recovery_blob is not None
            found.append((officer.wrap_blob, password_context(officer.id, version)))
            found.append((officer.recovery_blob, code_context(officer.id, version)))
        factors = db.scalars(select(models.SecondFactor))
        found += [(factor.secret, kept_context("totp", factor.id)) for factor in factors]
        for lock in db.scalars(select(models.DuressWrap)):
            found.append((lock.blob, duress_context(lock.id, lock.key_version)))
            found.append((lock.totp, kept_context("totp-under-duress", lock.id)))
        found += [(row.wrapped, context_of(row)) for row in db.scalars(select(VouchingKey))]
    return found


def test_everybody_signs_in_again_with_what_they_know_and_nothing_else_changes(
    stage: Stage, cast: Cast
) -> None:
    before = cast["ines"]
    assert before.get("/desk").status_code == 200
    under_duress = prepared(cast, "dee")
    assert rotate(stage) == 2
    assert before.get("/desk").status_code == 401
    assert [path.name for path in stage.settings.keys.glob("*root*")] == ["root-2.key"]
    for name in ("ines", "ada", "aud"):
        assert Officer(stage, name).sign_in().get("/desk").status_code == 200
    assert sign_in_with(stage, "dee", under_duress).actor.is_under_duress
    assert findings(stage) == ()
    assert rotate(stage) == 3
    assert findings(stage) == ()


def test_the_old_root_key_and_an_old_backup_open_nothing_of_the_new_database(stage: Stage) -> None:
    old = FileRootKey.load(stage.settings.root_key)
    stolen = wraps(stage)
    assert len(stolen) >= 3 * len(CAST)
    for blob, context in stolen:
        assert old.unwrap(blob, context)
    with stage.vault.reading() as db:
        row = db.scalars(select(VouchingKey)).one()
        secret = old.unwrap(row.wrapped, context_of(row))
    rotate(stage)
    for blob, context in wraps(stage):
        with pytest.raises(Refused):
            old.unwrap(blob, context)
    # The key by which the vault vouched until then vouches for nothing that comes after.
    voucher = stage.vault.trust.voucher
    code = hmac.digest(secret, b"planted", "sha256")[:16]
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
    assert not voucher.confirms(b"planted", code)
    assert voucher.confirms_at(b"planted", code, 0)
    assert not voucher.confirms_at(b"planted", code, size)


def test_what_was_locked_late_with_the_old_key_is_found_before_it_is_destroyed(stage: Stage) -> None:
    old = FileRootKey.load(stage.settings.root_key)
    vault = RunningVault.start(stage.settings, stage.clock)
    pauses = []

    def lock_late() -> None:
        pauses.append(len(pauses))
        stage.vault.trust.voucher.reread()
        if len(pauses) > 1:
            return
        with vault.writing() as db:
            ines = db.scalars(models.named("ines")).one()
            context = password_context(ines.id, ines.key_version)
            assert ines.wrap_blob is not None
            ines.wrap_blob = old.wrap(vault.root.unwrap(ines.wrap_blob, context), context)
            record(db, Event.PASSWORD_CHANGED, who=None, now=vault.now(), subjects=[])
        assert stage.settings.root_key.exists()

    rotate_root(vault, in_token=False, progress=lambda _count: None, pause=lock_late)
    vault.close()
    assert len(pauses) == 2, "what came late must be followed by another look"
    assert not stage.settings.root_key.exists()
    for blob, context in wraps(stage):
        with pytest.raises(Refused):
            old.unwrap(blob, context)
    assert Officer(stage, "ines").sign_in().get("/desk").status_code == 200
    assert findings(stage) == ()


def test_a_row_that_was_altered_is_locked_anew_and_still_found_altered(stage: Stage) -> None:
    officers = models.Officer.__table__
    with stage.vault.database.engine.begin() as connection:
        for name, altered in (("sol", {"wrap_blob": b"\x01" + bytes(100)}), ("pat", {"role": "clerk"})):
            connection.execute(officers.update().where(models.Officer.name == name).values(**altered))  # type: ignore[attr-defined]
    before = sorted(line for line in findings(stage) if "officers/" in line)
    vault = RunningVault.start(stage.settings, stage.clock)
    rotated = rotate_root(vault, in_token=False, progress=lambda _count: None, pause=lambda: None)
    vault.close()
    assert (rotated.number, rotated.altered) == (2, 2)
    assert sorted(line for line in findings(stage) if "officers/" in line) == before
    assert len(before) == 2
    with stage.vault.reading() as db:
        pat = db.scalars(models.named("pat")).one()
        assert pat.wrap_blob is not None
        assert stage.vault.root.unwrap(pat.wrap_blob, password_context(pat.id, pat.key_version))


def test_every_key_and_lockbox_has_the_vaults_word_by_the_new_key_and_a_planted_one_gets_none(
    stage: Stage, cast: Cast
) -> None:
    case = open_case(cast, ["ines"])
    with stage.vault.database.engine.begin() as connection:
        spoilt = HolderKey.__table__.update().where(HolderKey.role == "liaison")  # type: ignore[attr-defined]
        assert connection.execute(spoilt.values(code=bytes(16))).rowcount
    with stage.vault.reading() as db:
        before = {row.id: row.code for model in (HolderKey, Lockbox) for row in db.scalars(select(model))}
    rotate(stage)
    with stage.vault.reading() as db:
        rows = [row for model in (HolderKey, Lockbox) for row in db.scalars(select(model))]
    planted = {row.id for row in rows if row.code == bytes(16)}
    assert planted == {row.id for row in rows if isinstance(row, HolderKey) and row.role == "liaison"}
    assert {row.id for row in rows if row.code == before[row.id]} == planted
    assert Officer(stage, "ada").sign_in().get(f"/cases/{case.id}").status_code == 200


def test_only_one_changes_the_root_key_at_a_time(stage: Stage) -> None:
    def again() -> None:
        stage.vault.trust.voucher.reread()
        with pytest.raises(RuleForbids, match="already"):
            rotate(stage)

    vault = RunningVault.start(stage.settings, stage.clock)
    assert rotate_root(vault, in_token=False, progress=lambda _count: None, pause=again).number == 2
    vault.close()


def test_a_prepared_key_that_was_copied_serves_another_machine_as_soon_as_it_is_used(
    stage: Stage, tmp_path: Path
) -> None:
    vault = RunningVault.start(stage.settings, stage.clock)
    assert prepare_root(vault, in_token=False) == 2
    assert prepare_root(vault, in_token=False) == 2
    vault.close()
    assert stage.vault.root.numbers == (1,)
    shutil.copytree(stage.settings.keys, tmp_path / "elsewhere")
    ring = RootRing.open(tmp_path / "elsewhere", None)
    elsewhere = Voucher(stage.vault.database.engine, ring)
    assert ring.mac(b"x") == stage.vault.root.mac(b"x")
    assert rotate(stage) == 2
    assert ring.mac(b"x") != stage.vault.root.mac(b"x")
    elsewhere.reread()
    assert ring.mac(b"x") == stage.vault.root.mac(b"x")
    assert elsewhere.vouch(b"x") == stage.vault.trust.voucher.vouch(b"x")
    assert stage.vault.root.unwrap(ring.wrap(b"x", b"y"), b"y") == b"x"


def test_the_command_says_what_happens_and_what_to_keep(stage: Stage) -> None:
    arguments = ["keys", "rotate-root", "--data", str(stage.settings.data), "--pause", "0"]
    prepared = CliRunner().invoke(cli, [*arguments, "--prepare"])
    assert "not in use yet" in prepared.output
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    assert "sign in again" in told.output
    assert "Root key 2 is in use." in told.output
    assert findings(stage) == ()


def test_a_planted_beginning_is_not_taken_for_our_own(stage: Stage) -> None:
    """Whoever writes to the database can add an entry, and not the vault's word for it."""
    now = stage.clock.now
    facts = {"root-key": 77, "vouching-key": 77}
    planted = Entry(
        new_entry_id(now), now, str(Event.ROOT_ROTATION_BEGUN), None, None, (), None, (), None, "done",
        {}, {**facts, "vouched": "00" * 16}, None,
    )  # fmt: skip
    stage.vault.ledger.weave([(planted, None)], 10.0)
    assert rotate(stage) == 2


def kill_often(stage: Stage, kills: int, seed: int) -> None:
    """Kill rotations at chance steps while somebody signs in between, then let the last one finish."""
    chance = random.Random(seed)
    data = stage.settings.data
    steps = steps_of(rotate_alone, data, stage.clock.now, kill_at=0)
    assert steps is not None
    killed = 0
    while killed < kills:
        at = chance.randint(1, steps)
        killed += steps_of(rotate_alone, data, stage.clock.now, kill_at=at) is None
        stage.vault.trust.voucher.reread()
        assert Officer(stage, chance.choice(sorted(CAST))).sign_in().get("/desk").status_code == 200
    assert steps_of(rotate_alone, data, stage.clock.now, kill_at=0) is not None
    assert len([path for path in stage.settings.keys.iterdir() if "root" in path.name]) == 1
    newest = stage.vault.root.numbers[0]
    for blob, context in wraps(stage):
        assert stage.vault.root.rewrap(blob, context) is None
    assert findings(stage) == ()
    with stage.vault.reading() as db:
        open_ends = select(VouchingKey).where(VouchingKey.ended_at_index.is_(None))
        assert len(db.scalars(open_ends).all()) == 1
        assert newest >= 2
    for name in ("ada", "aud", "ines"):
        Officer(stage, name).sign_in()


def test_a_rotation_killed_at_any_step_is_finished_by_the_next_and_nothing_is_lost(stage: Stage) -> None:
    kill_often(stage, 8, seed=8)


@pytest.mark.soak
def test_fifty_kills_lose_nothing(stage: Stage) -> None:
    kill_often(stage, 50, seed=time.monotonic_ns())
