"""The witness: what it cosigns, what it refuses, and that no race or kill makes it vouch for two trees."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest

from audit.errors import NotVerified, WitnessRefuses
from audit.exported import files_in
from audit.handovers import sign_hand_over, to_text
from audit.notes import (
    Checkpoint,
    NotaryKeys,
    VerifierKey,
    parse,
    read_verifier_keys,
    signatures_by,
    witnessed_message,
)
from audit.tree import leaf_hash, root_of
from audit.verify import verify
from audit.witness import Witness
from crypto.errors import Refused
from crypto.signatures import verify_ed25519
from tests.audit.test_verify import ROOT, run, write_export
from tests.audit.writing import NOON, ignore, some_entries

ORIGIN = "vault.example/ledger"


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    """The leaves of 700 entries."""
    return [entry.canonical() for entry in some_entries(700)]


@pytest.fixture
def pinned(vkeys: str) -> list[VerifierKey]:
    """The notary's keys."""
    return read_verifier_keys(vkeys)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness that has seen nothing yet."""
    return Witness(tmp_path / "witness", ORIGIN)


def grown(directory: Path, leaves: list[bytes], keys: NotaryKeys) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    write_export(directory, leaves, keys)
    return directory


def cosign(witness: Witness, export: Path, pinned: list[VerifierKey]) -> Checkpoint:
    with witness.alone():
        return witness.cosign(files_in(export), pinned, NOON)


def evidence(witness: Witness) -> list[dict[str, str]]:
    folders = sorted((witness.state / "refused").glob("*"))
    return [{path.name: path.read_text() for path in folder.iterdir()} for folder in folders]


def test_each_tree_that_continues_the_last_is_cosigned(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    with witness.alone():
        own = witness.key()[1]
    for size in (0, 1, 3, 3, 255, 256, 300, 700):
        export = grown(tmp_path / "export", leaves[:size], notary_keys)
        cosigned = cosign(witness, export, pinned)
        assert (cosigned.size, cosigned.body) == (size, parse((export / "checkpoint").read_text()).body)
        for key in (own, *pinned):
            key.check(cosigned)
    assert evidence(witness) == []


def test_a_smaller_tree_is_refused_and_both_notes_are_kept(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    accepted = cosign(witness, grown(tmp_path / "a", leaves[:300], notary_keys), pinned)
    smaller = grown(tmp_path / "b", leaves[:299], notary_keys)
    for _ in range(2):
        with pytest.raises(WitnessRefuses, match="299 entries now and had 300: entries were cut off"):
            cosign(witness, smaller, pinned)
    (kept,) = evidence(witness)
    assert kept["offered"] == (smaller / "checkpoint").read_text()
    assert parse(kept["accepted"]).body == accepted.body
    remembered = witness.accepted()
    assert remembered is not None
    assert remembered.checkpoint.body == accepted.body


@pytest.mark.parametrize(("size", "changed"), [(300, 299), (301, 0), (700, 255), (700, 299), (512, 256)])
def test_a_tree_in_which_an_accepted_entry_changed_is_refused(
    witness: Witness,
    tmp_path: Path,
    leaves: list[bytes],
    notary_keys: NotaryKeys,
    pinned: list[VerifierKey],
    size: int,
    changed: int,
) -> None:
    cosign(witness, grown(tmp_path / "a", leaves[:300], notary_keys), pinned)
    forked = [*leaves[:changed], leaves[changed].replace(b'"done"', b'"failed"'), *leaves[changed + 1 :]]
    with pytest.raises(WitnessRefuses, match="does not continue"):
        cosign(witness, grown(tmp_path / "b", forked[:size], notary_keys), pinned)
    assert len(evidence(witness)) == 1
    # Honest growth is still accepted: the memory is of the tree before.
    assert cosign(witness, grown(tmp_path / "a", leaves[:301], notary_keys), pinned).size == 301


def test_tiles_that_are_missing_or_spoilt_prove_nothing(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    cosign(witness, grown(tmp_path / "a", leaves[:300], notary_keys), pinned)
    for name in ("tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"):
        export = grown(tmp_path / "b", leaves, notary_keys)
        content = (export / name).read_bytes()
        for spoilt in (bytes(len(content)), content[:-1], b""):
            (export / name).write_bytes(spoilt)
            with pytest.raises((WitnessRefuses, NotVerified)):
                cosign(witness, export, pinned)
        (export / name).unlink()
        with pytest.raises(NotVerified, match="missing"):
            cosign(witness, export, pinned)


def test_another_log_or_another_hand_is_refused(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    other = NotaryKeys.generate("other.example/ledger")
    with pytest.raises(WitnessRefuses, match="another log"):
        cosign(witness, grown(tmp_path / "a", leaves[:9], other), pinned)
    thief = NotaryKeys.generate(ORIGIN)
    with pytest.raises(NotVerified, match="bears no Ed25519 signature"):
        cosign(witness, grown(tmp_path / "a", leaves[:9], thief), pinned)
    with pytest.raises(NotVerified, match="no checkpoint"):
        cosign(witness, tmp_path, pinned)


def test_replaced_keys_are_followed_and_never_gone_back_to(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    cosign(witness, grown(tmp_path / "a", leaves[:9], notary_keys), pinned)
    newer = NotaryKeys.generate(ORIGIN)
    handed = sign_hand_over(notary_keys, newer, 9, root_of([leaf_hash(leaf) for leaf in leaves[:9]]), [])
    export = grown(tmp_path / "a", leaves[:20], newer)
    with pytest.raises(NotVerified):
        cosign(witness, export, pinned)
    (export / "hand-overs").write_text(to_text([handed]))
    assert cosign(witness, export, pinned).size == 20
    # Whoever stole the old keys, and leaves the hand-over out, is not believed.
    with pytest.raises(NotVerified):
        cosign(witness, grown(tmp_path / "b", leaves[:30], notary_keys), pinned)


def believe(note: bytes, keys: list[VerifierKey]) -> None:
    checkpoint = parse(note.decode())
    for key in keys:
        key.check(checkpoint)


def test_a_turned_bit_in_a_cosigned_note_is_refused(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    cosigned = cosign(witness, grown(tmp_path / "a", leaves[:9], notary_keys), pinned)
    with witness.alone():
        own = witness.key()[1]
    content = cosigned.text.encode()
    line = len(content) - len(content.splitlines()[-1]) - 1
    for at in [*range(0, line, 41), *range(line, len(content))]:
        turned = content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
        with pytest.raises((NotVerified, UnicodeDecodeError)):
            believe(turned, [own, *pinned])


def test_a_cosigned_export_verifies_with_the_witness_and_not_without_its_cosignature(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    export = grown(tmp_path / "a", leaves[:300], notary_keys)
    done = run(
        "witness",
        "--state",
        witness.state,
        "--origin",
        ORIGIN,
        "--key",
        key_file(tmp_path, vkeys),
        "--export",
        export,
        "--once",
    )
    assert done.returncode == 0, done.stderr
    public = (witness.state / "witness.vkey").read_text()
    assert f"This witness is {public}" in done.stdout
    both = vkeys + "\n" + public
    assert verify(export, both, ignore).signers[2] == f"{ORIGIN}/witness (Ed25519 cosignature)"
    assert run("prove", export, "7", "--to", tmp_path / "proof").returncode == 0
    told = run("verify", tmp_path / "proof", "--key", key_file(tmp_path, both))
    assert "Ed25519 cosignature" in told.stdout
    (export / "checkpoint.cosigned").unlink()
    with pytest.raises(NotVerified, match="no Ed25519 cosignature"):
        verify(export, both, ignore)
    with pytest.raises(NotVerified, match="No key of the notary"):
        verify(export, public, ignore)


def key_file(tmp_path: Path, keys: str) -> Path:
    path = tmp_path / "pinned"
    path.write_text(keys)
    return path


def test_the_command_refuses_in_one_line(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    export = grown(tmp_path / "a", leaves[:300], notary_keys)
    command = ["witness", "--state", witness.state, "--origin", ORIGIN, "--key", key_file(tmp_path, vkeys)]
    assert run(*command, "--export", export, "--once").returncode == 0
    grown(export, leaves[:200], notary_keys)
    done = run(*command, "--export", export, "--once")
    assert done.returncode == 1
    assert done.stderr == (
        "Not cosigned. The ledger has 200 entries now and had 300: entries were cut off.\n"
    )
    assert not (export / "checkpoint.cosigned").exists()


def test_a_key_or_a_memory_that_is_not_as_it_was_left_stops_the_witness(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    export = grown(tmp_path / "a", leaves[:9], notary_keys)
    cosign(witness, export, pinned)
    key, memory = witness.state / "witness.key", witness.state / "memory"
    assert key.stat().st_mode & 0o777 == 0o400
    kept = memory.read_bytes()
    for spoilt in (b"", kept[:-9], b"[]", json.dumps({**json.loads(kept), "note": "x"}).encode()):
        memory.write_bytes(spoilt)
        with pytest.raises(WitnessRefuses, match="memory cannot be read"):
            cosign(witness, export, pinned)
    memory.write_bytes(kept)
    key.chmod(0o440)
    with pytest.raises(WitnessRefuses, match="may be read by others"):
        cosign(witness, export, pinned)
    key.unlink()
    with pytest.raises(WitnessRefuses, match="key is gone"):
        cosign(witness, export, pinned)


_RACE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from audit.errors import LedgerError
from audit.exported import files_in
from audit.notes import read_verifier_keys
from audit.witness import Witness
state, keys, *exports = sys.argv[1:]
witness, pinned = Witness(Path(state), "vault.example/ledger"), read_verifier_keys(keys)
print("ready", flush=True)
for export in exports:
    try:
        with witness.alone():
            note = witness.cosign(files_in(Path(export)), pinned, datetime.now(UTC))
            print(note.size, note.root.hex(), flush=True)
    except LedgerError:
        pass
"""


def racing(witness: Witness, vkeys: str, exports: list[Path]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _RACE, str(witness.state), vkeys, *map(str, exports)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def forks(tmp_path: Path, leaves: list[bytes], keys: NotaryKeys) -> tuple[list[Path], list[Path]]:
    """Two histories of one log, a notary's thief having signed both, at sizes that grow."""
    other = [leaf.replace(b'"done"', b'"failed"') for leaf in leaves]
    sizes = range(10, 34)
    return (
        [grown(tmp_path / f"honest-{size}", leaves[:size], keys) for size in sizes],
        [grown(tmp_path / f"forged-{size}", other[:size], keys) for size in sizes],
    )


def test_two_processes_shown_two_histories_cosign_only_one_of_them(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    honest, forged = forks(tmp_path, leaves, notary_keys)
    running = [racing(witness, vkeys, exports) for exports in (honest, forged)]
    cosigned = [process.communicate()[0].splitlines()[1:] for process in running]
    assert sorted(map(bool, cosigned)) == [False, True]
    assert len(evidence(witness)) == 24


def test_a_witness_killed_at_any_moment_never_cosigned_what_it_does_not_remember(
    witness: Witness, tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    honest, forged = forks(tmp_path, leaves, notary_keys)
    published: set[str] = set()
    for number in range(6):
        process = racing(witness, vkeys, forged if number % 2 else honest)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if number:
            time.sleep(random.uniform(0, 0.1))
        else:
            published.add(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
        published.update(line for line in process.communicate()[0].split("\n") if line.count(" ") == 1)
        remembered = witness.accepted()
        assert remembered is not None
        newest = max(published, key=lambda line: int(line.split()[0]))
        assert int(newest.split()[0]) <= remembered.checkpoint.size
    roots = {parse((export / "checkpoint").read_text()).root.hex() for export in honest}
    assert {line.split()[1] for line in published} <= roots


def test_the_cosignature_is_framed_as_the_specifications_own_example() -> None:
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\u2014 witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+q"
        "nA==\n"
    )
    read = parse(note)
    framed = b64decode(note.splitlines()[-1].rpartition(" ")[2])
    assert (read.size, len(framed), int.from_bytes(framed[4:12], "big")) == (20852163, 76, 1679315147)
    assert witnessed_message(1679315147, read) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_log_signature_of_the_specifications_example_is_that_of_the_public_log_it_was_taken_from() -> (
    None
):
    # The example renames the Go checksum database, whose signature and published key it keeps.
    key = VerifierKey.from_text("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    body = b"go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    signed = b64decode(
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
    )
    assert signed[:4] == key.identifier
    verify_ed25519(key.public, signed[4:], body)
    with pytest.raises(Refused):
        verify_ed25519(key.public, signed[4:], body.replace(b"20852163", b"20852162"))


def test_the_example_of_the_note_specification_verifies() -> None:
    key = VerifierKey.from_text("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = (
        "This is an example message.\n\n\u2014 example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    (signature,) = signatures_by(key, note)
    verify_ed25519(key.public, signature, b"This is an example message.\n")
