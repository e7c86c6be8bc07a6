"""The root key in a PKCS#11 token: never out of it, and every fault of the token told in one line."""

import json
import re
import shutil
from pathlib import Path

import pytest

from crypto.errors import BadKeyFile
from crypto.root_ring import RootRing, TokenPlace
from tests.crypto.tokens import SoftToken, token

__all__ = ["token"]

BEGIN = """
import os, sys, threading
from pathlib import Path
import pkcs11
from pkcs11 import Attribute, KeyType, MechanismFlag
from crypto.errors import BadKeyFile, Refused
from crypto.root_ring import RootRing, TokenPlace
from crypto.token import Token, TokenRootKey
module, label, pin, folder = sys.argv[1:5]
place = TokenPlace(Path(module), label, Path(pin))
keys = Path(folder)
"""


def run(token: SoftToken, tmp_path: Path, program: str) -> str:
    """What a program prints that has `place` and `keys`."""
    keys = tmp_path / "keys"
    keys.mkdir(exist_ok=True)
    done = token.run(BEGIN + program, token.module, token.label, token.pin_file, keys)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_token_wraps_opens_only_in_its_context_and_in_that_token(
    token: SoftToken, tmp_path: Path
) -> None:
    out = run(
        token,
        tmp_path,
        """
RootRing.create(keys, place)
ring = RootRing.open(keys, place)
blob = ring.wrap(b"secret", b"context")
assert blob[:1] == b"\\x01" and len(blob) == 1 + 12 + 6 + 16
assert ring.unwrap(blob, b"context") == b"secret"
assert len(ring.mac(b"x")) == 32 and ring.mac(b"x") == RootRing.open(keys, place).mac(b"x") != ring.mac(b"y")
refused = 0
for at in range(len(blob)):
    for bad in (blob[:at], blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]):
        try:
            ring.unwrap(bad, b"context")
        except Refused:
            refused += 1
try:
    ring.unwrap(blob, b"contexT")
except Refused:
    refused += 1
assert ring.unwrap(blob, b"context") == b"secret"
print(refused, 2 * len(blob) + 1, sorted(os.listdir(keys)), repr(ring))
""",
    )
    assert out == "71 71 ['root.token'] <RootRing>\n"


def test_the_key_cannot_be_read_out_of_the_token_even_with_its_pin(token: SoftToken, tmp_path: Path) -> None:
    out = run(
        token,
        tmp_path,
        """
RootRing.create(keys, place)
session = pkcs11.lib(module).get_token(token_label=label).open()  # The process is signed in already.
for key in session.get_objects({Attribute.LABEL: "vault-root-1"}):
    assert key[Attribute.SENSITIVE] and not key[Attribute.EXTRACTABLE] and key[Attribute.NEVER_EXTRACTABLE]
    try:
        print(key[Attribute.VALUE])
    except pkcs11.AttributeSensitive:
        print("stays")
""",
    )
    assert out == "stays\nstays\n"


def test_a_key_that_could_leave_the_token_is_refused(token: SoftToken, tmp_path: Path) -> None:
    out = run(
        token,
        tmp_path,
        """
secret = Path(pin).read_text().strip()
session = pkcs11.lib(module).get_token(token_label=label).open(rw=True, user_pin=secret)
for kind in (KeyType.AES, KeyType.GENERIC_SECRET):
    session.generate_key(kind, 256, label="vault-root-1", store=True,
        capabilities=MechanismFlag.ENCRYPT | MechanismFlag.SIGN, template={Attribute.EXTRACTABLE: True})
(keys / "root.token").touch()
try:
    RootRing.open(keys, place)
except BadKeyFile as error:
    print(error)
""",
    )
    assert "could leave it" in out


def test_threads_take_turns_and_a_forked_child_opens_the_token_anew(token: SoftToken, tmp_path: Path) -> None:
    out = run(
        token,
        tmp_path,
        """
ring = RootRing.create(keys, place)
blob, mac = ring.wrap(b"secret", b"c"), ring.mac(b"x")
right = []
def work():
    right.append(all(ring.unwrap(ring.wrap(b"%d" % n, b"c"), b"c") == b"%d" % n for n in range(60)))
def crowd():
    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    return threads
[thread.join() for thread in crowd()]
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        right.clear()
        [thread.join() for thread in crowd()]
        ok = all(right) and len(right) == 8 and ring.unwrap(blob, b"c") == b"secret" and ring.mac(b"x") == mac
        os._exit(0 if ok else 1)
    children.append(child)
[thread.join() for thread in crowd()]
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], all(right), len(right))
assert ring.mac(b"x") == mac
""",
    )
    assert out == "[0, 0, 0, 0] True 16\n"


def test_a_session_that_the_token_dropped_is_opened_once_more_and_then_told(
    token: SoftToken, tmp_path: Path
) -> None:
    out = run(
        token,
        tmp_path,
        """
import shutil
ring = RootRing.create(keys, place)
mac, blob = ring.mac(b"x"), ring.wrap(b"secret", b"c")
for session_ended in range(3):
    ring._keys["root.token"]._token._session.close()
    assert ring.mac(b"x") == mac
    ring._keys["root.token"]._token._session.close()
    assert ring.unwrap(blob, b"c") == b"secret"
shutil.rmtree(os.path.join(os.path.dirname(pin), "tokens"))
for act in (lambda: ring.mac(b"x"), lambda: ring.unwrap(blob, b"c"), lambda: ring.wrap(b"x", b"c")):
    try:
        act()
    except BadKeyFile as error:
        print(type(error).__name__)
""",
    )
    assert out == "BadKeyFile\n" * 3


def test_a_key_half_made_is_finished_and_anothers_is_left_alone(token: SoftToken, tmp_path: Path) -> None:
    out = run(
        token,
        tmp_path,
        """
ring = RootRing.create(keys, place)
(keys / "next-root-2.token").touch(mode=0o400)
session = pkcs11.lib(module).get_token(token_label=label).open(rw=True)
session.generate_key(KeyType.AES, 256, label="vault-root-2", store=True,
    capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT, template={Attribute.EXTRACTABLE: False})
old = ring.wrap(b"secret", b"c")
ring.prepare(2, in_token=True)
assert ring.numbers == (1,) and ring.prepared == 2
ring.begin(2)
ring.begin(2)
assert ring.numbers == (2, 1) and ring.unwrap(old, b"c") == b"secret"
new = ring.rewrap(old, b"c")
assert new and ring.rewrap(new, b"c") is None
ring.retire(1)
ring.finish_retiring()
assert ring.numbers == (2,) and ring.unwrap(new, b"c") == b"secret"
try:
    ring.unwrap(old, b"c")
except Refused:
    print(sorted(os.listdir(keys)), sorted({key.label for key in session.get_objects()}))
other = keys / "other"
other.mkdir()
try:
    (other / "next-root-2.token").touch() if False else RootRing(other, place).prepare(2, in_token=True)
except BadKeyFile as error:
    print(error)
""",
    )
    listed, words = out.splitlines()
    assert listed == "['root-2.token'] ['vault-root-2']"
    assert words == "The token holds another vault's root key; use a token for each vault."


def faults(token: SoftToken, tmp_path: Path) -> dict[str, TokenPlace]:
    """Places at each of which something else is wrong."""
    wrong = tmp_path / "wrong-pin"
    wrong.write_text("11111111")
    wrong.chmod(0o400)
    shown = tmp_path / "shown-pin"
    shutil.copy(token.pin_file, shown)
    shown.chmod(0o440)
    not_a_module = tmp_path / "module.so"
    not_a_module.write_text("no library")
    return {
        "The token refused the PIN.": TokenPlace(token.module, token.label, wrong),
        "The PIN file may be read by others; set its mode to 0400.": TokenPlace(
            token.module, token.label, shown
        ),
        "The PIN file is missing.": TokenPlace(token.module, token.label, tmp_path / "absent"),
        "The token that root_token names is not there": TokenPlace(token.module, "another", token.pin_file),
        "The module that root_module names is not there": TokenPlace(
            tmp_path / "absent.so", token.label, token.pin_file
        ),
        "The module that root_module names cannot be loaded": TokenPlace(
            not_a_module, token.label, token.pin_file
        ),
        "The token does not hold the root key": TokenPlace(token.module, token.label, token.pin_file),
    }


COMMANDS = """
import json, os, sys
from vault.commands import cli

# A fork for each command: what one process signed in to must not help the next.
for line in sys.stdin:
    arguments, settings = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ |= settings
        os.dup2(2, 1)
        try:
            cli(arguments)
        except SystemExit as end:
            sys.stderr.flush()
            os._exit(end.code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"ended with {code}", file=sys.stderr)
"""


def commands(token: SoftToken, *asked: tuple[list[str], dict[str, str]]) -> list[str]:
    """What each command says on the terminal, with its status in a last line."""
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = token.run(COMMANDS, typed=lines)
    return [told.strip() for told in re.split(r"(?<=ended with \d)\n", done.stderr) if told.strip()]


def test_each_fault_is_told_in_one_line_and_nothing_starts(token: SoftToken, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "root.token").touch()
    expected, asked = [], []
    for words, place in faults(token, tmp_path).items():
        settings = {
            "VAULT_KEYS": str(keys),
            "VAULT_ROOT_MODULE": str(place.module),
            "VAULT_ROOT_TOKEN": place.label,
            "VAULT_ROOT_PIN_FILE": str(place.pin_file),
        }
        for command in ("serve", "migrate", "verify"):
            expected.append(words)
            asked.append(([command, "--data", str(tmp_path / "data")], settings))
    told = commands(token, *asked)
    assert len(told) == len(expected)
    for words, lines in zip(expected, told, strict=True):
        line, status = lines.split("\n")
        assert line.startswith(f"Error: {words}")
        assert status == "ended with 1"
        assert "11111111" not in line


def test_a_pin_in_the_data_folder_and_a_token_half_named_are_refused(
    token: SoftToken, tmp_path: Path
) -> None:
    serve = ["serve", "--data", str(tmp_path)]
    half = {"VAULT_ROOT_MODULE": str(token.module)}
    inside = half | {"VAULT_ROOT_TOKEN": "vault", "VAULT_ROOT_PIN_FILE": str(token.pin_file)}
    told = commands(token, (serve, half), (serve, inside))
    assert "root_token and root_pin_file are needed" in told[0]
    assert "outside the data folder" in told[1]


def test_a_key_in_a_token_needs_settings_that_name_the_token(tmp_path: Path) -> None:
    (tmp_path / "root.token").touch()
    with pytest.raises(BadKeyFile, match="root_module names none"):
        RootRing.open(tmp_path, None)
