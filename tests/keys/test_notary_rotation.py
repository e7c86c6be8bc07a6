"""New keys for the notary: whoever pinned the old ones can follow, and nobody else can lead them astray."""

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.__main__ import main as audit_command
from audit.checkpoints import NotaryThread, sign_if_free
from audit.errors import NotVerified
from audit.finding import Filters
from audit.handovers import (
    HAND_OVERS,
    HandOver,
    check_signed,
    parse_hand_overs,
    read_hand_overs,
    sign_hand_over,
    to_text,
)
from audit.notes import NotaryKeys, VerifierKey, parse, read_verifier_keys
from tests.cast import Cast, Stage
from tests.keys.killing import steps_of
from vault.access.events import Event
from vault.commands import cli
from vault.keys.notary_rotation import announce, rotate
from vault.notarising import check_published, notary_of, write_export
from vault.running import RunningVault
from vault.settings import load
from vault.verification import verify

# Keys and hand-overs are files; the engine has no part in them.
ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ORIGIN = "vault.example/ledger"


def sign(stage: Stage) -> None:
    stage.vault.ledger.settle([], 10.0)
    assert sign_if_free(stage.vault.database.engine, notary_of(stage.settings), stage.clock.now)


def replace_keys(stage: Stage) -> HandOver:
    return rotate(stage.vault, is_unfinished=announce(stage.vault) > 0)


def first_keys(stage: Stage) -> str:
    return stage.settings.notary_public.read_text()


def told(stage: Stage) -> int:
    with stage.vault.reading() as db:
        return stage.vault.ledger.count(db, Filters(event=str(Event.NOTARY_ROTATED)))  # fmt: skip


def verified(folder: Path, key: str) -> tuple[int, str]:
    answer = CliRunner().invoke(audit_command, ["verify", str(folder), "--key", key])
    return answer.exit_code, answer.output


@ONLY_SQLITE
def test_an_export_verifies_by_the_first_keys_by_those_between_and_by_the_newest(
    stage: Stage, cast: Cast, tmp_path: Path
) -> None:
    sign(stage)
    old = stage.settings.notary_key.read_bytes()
    made = [replace_keys(stage)]
    cast["ada"].get("/desk")
    made.append(replace_keys(stage))
    cast["ines"].get("/desk")
    assert [one.number for one in made] == [1, 2]
    assert told(stage) == 2
    assert stage.settings.notary_key.read_bytes() != old
    assert not stage.settings.notary_key.with_name("next-notary.key").exists()
    write_export(stage.vault, tmp_path / "export", lambda _count: None)
    newest = "\n".join(key.to_text() for key in made[1].new)
    keys = [first_keys(stage), newest, *first_keys(stage).split(), made[0].new[0].to_text()]
    for number, key in enumerate(keys):
        (tmp_path / f"key-{number}").write_text(key)
        code, words = verified(tmp_path / "export", str(tmp_path / f"key-{number}"))
        assert code == 0, words
        assert "replaced 2 times" in words
    stranger = NotaryKeys.generate(made[0].origin).verifier_keys()
    for key in (stranger[0].to_text(), f"{made[0].old[0].to_text()}\n{made[0].new[1].to_text()}"):
        (tmp_path / "wrong").write_text(key)
        assert verified(tmp_path / "export", str(tmp_path / "wrong"))[0] == 1
    assert verify(stage.vault, lambda _count: None).findings == ()


@ONLY_SQLITE
def test_without_its_hand_overs_an_export_does_not_verify_by_the_first_keys(
    stage: Stage, tmp_path: Path
) -> None:
    sign(stage)
    replace_keys(stage)
    write_export(stage.vault, tmp_path / "export", lambda _count: None)
    (tmp_path / "export" / HAND_OVERS).unlink()
    code, words = verified(tmp_path / "export", str(tmp_path / "export" / "notary.vkey"))
    assert code == 1
    assert "signature" in words


def chain(count: int) -> tuple[list[NotaryKeys], list[HandOver]]:
    keys = [NotaryKeys.generate(ORIGIN) for _ in range(count + 1)]
    made: list[HandOver] = []
    for number in range(count):
        made.append(sign_hand_over(keys[number], keys[number + 1], 10 * number, bytes(32), made))
    return keys, made


def refused(made: Sequence[HandOver], pinned: Sequence[VerifierKey], signer: NotaryKeys) -> bool:
    checkpoint = signer.sign(50, b"r" * 32, datetime(2026, 11, 23))  # noqa: DTZ001 - any time will do
    try:
        check_signed(checkpoint, pinned, made)
    except NotVerified:
        return True
    return False


def test_a_missing_moved_doubled_or_strange_hand_over_is_refused() -> None:
    keys, made = chain(3)
    first, newest = keys[0].verifier_keys(), keys[3]
    assert not refused(made, first, newest)
    assert not refused(parse_hand_overs(to_text(made)), first, newest)
    for wrong in (made[1:], [made[0], made[2]], made[:2], [made[1], made[0], made[2]], [*made, made[2]]):
        assert refused(wrong, first, newest)
    thief, other = NotaryKeys.generate(ORIGIN), NotaryKeys.generate("another.example/ledger")
    assert refused([*made, sign_hand_over(thief, thief, 40, bytes(32), made)], first, thief)
    assert refused([sign_hand_over(thief, newest, 0, bytes(32), [])], first, newest)
    assert refused([*made, sign_hand_over(keys[3], thief, 5, bytes(32), made)], first, thief), "it shrinks"
    assert refused(made, other.verifier_keys(), newest)
    # Who stole the keys that were replaced signs nothing that an auditor with the old keys believes.
    for stolen in keys[:3]:
        assert refused(made, first, stolen)
    # The one thing that they may still have signed is the tree that the last hand-over itself states.
    same = keys[2].sign(made[2].size, made[2].root, datetime(2026, 11, 23))  # noqa: DTZ001
    assert check_signed(same, first, made) == keys[2].verifier_keys()


def test_every_changed_line_of_a_hand_over_is_refused() -> None:
    keys, made = chain(2)
    text = to_text(made)
    lines = text.split("\n")
    for at, line in enumerate(lines):
        for changed in ({line[:-2] + ("AA" if line[-2:] != "AA" else "BB")} if line else {"x"}) | {
            line + "="
        }:
            spoilt = "\n".join([*lines[:at], changed, *lines[at + 1 :]])
            with pytest.raises(NotVerified):
                check_signed(
                    keys[2].sign(50, b"r" * 32, datetime(2026, 11, 23)),  # noqa: DTZ001
                    keys[0].verifier_keys(),
                    parse_hand_overs(spoilt),
                )
    for cut in range(1, len(text), 997):
        assert refused_or_other(text[:cut], keys)


def refused_or_other(text: str, keys: list[NotaryKeys]) -> bool:
    try:
        made = parse_hand_overs(text)
    except NotVerified:
        return True
    return refused(made, keys[0].verifier_keys(), keys[2])


@ONLY_SQLITE
def test_a_hand_over_of_another_tree_is_found_in_the_export(stage: Stage, tmp_path: Path) -> None:
    sign(stage)
    old = NotaryKeys.load(stage.settings.notary_key, stage.settings.origin)
    new = NotaryKeys.generate(stage.settings.origin)
    write_export(stage.vault, tmp_path / "export", lambda _count: None)
    folder = tmp_path / "export"
    checkpoint = parse((folder / "checkpoint").read_text())
    for size in (checkpoint.size - 1, checkpoint.size + 1):
        forged = sign_hand_over(old, new, size, b"r" * 32, [])
        (folder / HAND_OVERS).write_text(to_text([forged]))
        signed = new.sign(checkpoint.size, checkpoint.root, stage.clock.now)
        (folder / "checkpoint").write_text(signed.text)
        code, words = verified(folder, str(folder / "notary.vkey"))
        assert code == 1
        assert "Hand-over 1 tells of" in words


@ONLY_SQLITE
def test_a_running_notary_goes_over_to_the_new_keys_by_itself(stage: Stage, cast: Cast) -> None:
    sign(stage)
    thread = NotaryThread(stage.vault.database.engine, notary_of(stage.settings), 0.02)
    thread.start()
    try:
        made = replace_keys(stage)
        cast["ada"].get("/desk")
        with stage.vault.reading() as db:
            size = stage.vault.ledger.head(db).size
        waited = threading.Event()
        for _ in range(6000):
            checkpoint = parse(stage.settings.checkpoint.read_text())
            if checkpoint.size >= size:
                break
            waited.wait(0.02)
        assert checkpoint.size >= size
        assert check_published(stage.settings, checkpoint) == made.new
    finally:
        thread.stop()


def rotate_alone(data: Path, now: datetime) -> None:
    """What a process of its own does until it is killed."""
    vault = RunningVault.start(load(data), lambda: now)
    rotate(vault, is_unfinished=announce(vault) > 0)
    vault.close()


def kill_at_steps(stage: Stage, kills: int) -> None:
    sign(stage)
    data, now = stage.settings.data, stage.clock.now
    steps = steps_of(rotate_alone, data, now, kill_at=0)
    assert steps is not None
    for at in range(1, steps + 1, max(steps // kills, 1)):
        steps_of(rotate_alone, data, now, kill_at=at)
        # The notary goes on signing, whatever it finds, and everybody can follow it.
        sign(stage)
        check_published(stage.settings, parse(stage.settings.checkpoint.read_text()))
    before = len(read_hand_overs(stage.settings.notary_hand_overs))
    assert steps_of(rotate_alone, data, now, kill_at=0) is not None
    after = read_hand_overs(stage.settings.notary_hand_overs)
    assert len(after) in {before, before + 1}
    assert told(stage) == len(after)
    sign(stage)
    keys = NotaryKeys.load(stage.settings.notary_key, stage.settings.origin)
    assert after[-1].new == keys.verifier_keys()
    assert verify(stage.vault, lambda _count: None).findings == ()


@ONLY_SQLITE
def test_killed_at_any_step_it_is_finished_by_the_next_and_never_out_of_step(stage: Stage) -> None:
    kill_at_steps(stage, kills=8)


@ONLY_SQLITE
@pytest.mark.soak
def test_killed_at_every_step_it_is_finished_by_the_next(stage: Stage) -> None:
    kill_at_steps(stage, kills=1000)


@ONLY_SQLITE
def test_the_command_gives_the_new_key_to_pass_on(stage: Stage) -> None:
    sign(stage)
    answer = CliRunner().invoke(cli, ["keys", "rotate-notary", "--data", str(stage.settings.data)])
    assert answer.exit_code == 0, answer.output
    keys = NotaryKeys.load(stage.settings.notary_key, stage.settings.origin).verifier_keys()
    assert f"\n{keys[0].to_text()}\n" in answer.output
    assert told(stage) == 1


@ONLY_SQLITE
def test_a_notary_with_an_account_of_its_own_is_announced_by_the_service(stage: Stage) -> None:
    sign(stage)
    command = ["keys", "rotate-notary", "--data", str(stage.settings.data)]
    apart = {"VAULT_NOTARY_IN_PROCESS": "false"}
    answer = CliRunner(env=apart).invoke(cli, command)
    assert answer.exit_code == 0, answer.output
    assert "--announce" in answer.output
    assert told(stage) == 0
    for _ in range(2):
        answer = CliRunner(env=apart).invoke(cli, [*command, "--announce"])
        assert answer.exit_code == 0, answer.output
        assert told(stage) == 1


@ONLY_SQLITE
def test_a_forged_file_of_hand_overs_is_a_finding(stage: Stage) -> None:
    sign(stage)
    thief = NotaryKeys.generate(stage.settings.origin)
    keys = read_verifier_keys(first_keys(stage))
    assert len(keys) == 2
    planted = sign_hand_over(thief, thief, 1, bytes(32), [])
    stage.settings.notary_hand_overs.write_text(to_text([planted]))
    found = verify(stage.vault, lambda _count: None).findings
    assert "Ledger: the published checkpoint cannot be read, or the notary did not sign it." in found
