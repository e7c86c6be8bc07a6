"""The offline machine: three shares and two files, refused in words whatever is wrong with them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from shamir_mnemonic import generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from crypto.errors import NotRecovered
from crypto.identity import Identity
from crypto.recovery import create_recovery, read_share, recovery_public, split
from crypto.recovery_command import main
from crypto.recovery_files import RecoveryRequest, RecoverySeal, open_answer
from crypto.sealing import Holder, KeyName, seal_key

ROOT = Path(__file__).parents[2]
# `python -m crypto.recovery`, which then says what of the service and of networks it loaded.
OFFLINE = """
import runpy, sys
try:
    runpy.run_module("crypto.recovery", run_name="__main__", alter_sys=True)
finally:
    print(sorted({"flask", "sqlalchemy", "vault", "socket"} & set(sys.modules)))
"""
RECOVERY, SHARES = create_recovery()
ACT, MAKER, OFFICER = UUID(int=7), Identity.generate(), Identity.generate()
TO_RECOVERY = Holder("recovery", UUID(int=1), 1, recovery_public(RECOVERY))
TO_OFFICER = Holder("officer", UUID(int=9), 2, OFFICER.public)
PARTS = {(UUID(int=number), number): bytes([number]) * 32 for number in (20, 21, 22)}


def _seal(lockbox: UUID, epoch: int, part: bytes) -> RecoverySeal:
    name = KeyName("lockbox", lockbox, epoch, f"person:{UUID(int=3)}", "identity")
    return RecoverySeal(name, seal_key(part, name, TO_RECOVERY, MAKER), MAKER.public)


REQUEST = RecoveryRequest(
    ACT, TO_RECOVERY, TO_OFFICER, "Ada Amsel", tuple(_seal(*key, part) for key, part in PARTS.items())
)


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(REQUEST.to_text())
    return path


def combine(request_file: Path, typed: str) -> tuple[Result, Path]:
    out = request_file.with_name("answer.json")
    arguments = ["combine", "--request", str(request_file), "--out", str(out)]
    result = CliRunner().invoke(main, arguments, input=typed)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result, out


def lines(*typed: str) -> str:
    return "".join(f"{line}\n" for line in typed)


def test_three_shares_seal_the_parts_to_the_officer_in_a_program_without_web_or_database(
    request_file: Path,
) -> None:
    out = request_file.with_name("answer.json")
    told = subprocess.run(
        [
            *(sys.executable, "-c", OFFLINE),
            *("combine", "--request", str(request_file), "--out", str(out)),
        ],
        cwd=ROOT,
        input=lines(SHARES[4].upper(), f"  {SHARES[0]} ", SHARES[2], "yes", "yes"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.rstrip().endswith("[]")
    assert "Ada Amsel" in told.stdout
    assert " ".join(OFFICER.public.fingerprint()) in told.stdout
    assert "Carry this file back to Ada Amsel" in told.stdout
    assert out.stat().st_mode & 0o777 == 0o600
    assert open_answer(out.read_text(), ACT, TO_OFFICER, OFFICER) == PARTS


def test_a_request_comes_back_as_it_was_written() -> None:
    assert RecoveryRequest.from_text(REQUEST.to_text()) == REQUEST


def test_an_unlisted_word_is_told_by_its_number_and_asked_again(request_file: Path) -> None:
    words = SHARES[1].split()
    wrong = " ".join([*words[:6], "witness", *words[7:]])
    told, out = combine(request_file, lines(SHARES[0], wrong, SHARES[1], SHARES[2], "y", "y"))
    assert told.exit_code == 0
    assert "Word 7 is not a word of the list." in told.output
    assert "Type this share again." in told.output
    assert open_answer(out.read_text(), ACT, TO_OFFICER, OFFICER) == PARTS


@pytest.mark.parametrize("at", [0, 4, 17, 32])
def test_one_wrong_word_of_the_list_is_told_by_its_number(at: int) -> None:
    words = SHARES[0].split()
    words[at] = WORDLIST[(WORDLIST.index(words[at]) + 5) % 1024]
    with pytest.raises(NotRecovered, match=f"^Word {at + 1} does not fit the others"):
        read_share(" ".join(words), [])


def test_swapped_words_missing_words_and_another_kind_of_share_are_refused_in_words() -> None:
    words = SHARES[0].split()
    with pytest.raises(NotRecovered, match="some are wrong or change places"):
        read_share(" ".join([*words[:10], words[11], words[10], *words[12:]]), [])
    with pytest.raises(NotRecovered, match="these are 32"):
        read_share(" ".join(words[:-1]), [])
    with pytest.raises(NotRecovered, match="these are 0"):
        read_share("", [])
    ((pair, _),) = generate_mnemonics(1, [(2, 2)], bytes(32))
    with pytest.raises(NotRecovered, match="not one of a vault's recovery key"):
        read_share(pair, [])


def test_a_repeated_share_and_a_share_of_another_set_are_asked_again(request_file: Path) -> None:
    other = split(RECOVERY)[2]
    told, _ = combine(
        request_file, lines(SHARES[0], SHARES[0].upper(), other, SHARES[1], SHARES[2], "y", "y")
    )
    assert told.exit_code == 0
    assert "This share was given already." in told.output
    assert "another set" in told.output


@pytest.mark.parametrize("given", [0, 1, 2])
def test_too_few_shares_write_nothing(request_file: Path, given: int) -> None:
    told, out = combine(request_file, lines(*SHARES[:given]))
    assert told.exit_code == 1
    assert f"3 shares are needed, and {given} w" in told.output
    assert not out.exists()


def test_shares_of_another_recovery_key_are_refused(request_file: Path) -> None:
    told, out = combine(request_file, lines(*create_recovery()[1][:3], "y"))
    assert told.exit_code == 1
    assert "These shares are of another recovery key." in told.output
    assert not out.exists()


def test_when_the_officer_reads_other_words_nothing_is_written(request_file: Path) -> None:
    for answer in ("n", ""):
        told, out = combine(request_file, lines(*SHARES[:3], answer))
        assert told.exit_code == 1
        assert "Do not go on until you know why the words differ." in told.output
        assert not out.exists()


def test_a_planted_officer_key_shows_in_the_eight_words(request_file: Path) -> None:
    planted = replace(REQUEST, officer=replace(TO_OFFICER, public=Identity.generate().public))
    request_file.write_text(planted.to_text())
    told, _ = combine(request_file, lines(*SHARES[:3], "n"))
    assert " ".join(planted.officer.public.fingerprint()) in told.output
    assert " ".join(OFFICER.public.fingerprint()) not in told.output


def test_a_request_that_asks_for_more_than_was_approved_shows_in_its_own_words(request_file: Path) -> None:
    more = replace(REQUEST, seals=(*REQUEST.seals, _seal(UUID(int=23), 1, bytes(32))))
    request_file.write_text(more.to_text())
    told, out = combine(request_file, lines(*SHARES[:3], "y", "n"))
    assert told.exit_code == 1
    assert "asks for 4 sealed places (identity)" in told.output
    assert " ".join(more.words()) in told.output
    assert not out.exists()
    told, _ = combine(request_file, lines(*SHARES[:3], "y", "y"))
    assert told.exit_code == 0


def test_the_words_of_a_request_tell_all_that_is_asked_for_and_for_whom() -> None:
    seal = REQUEST.seals[0]
    others = [
        replace(REQUEST, act=UUID(int=8)),
        replace(REQUEST, officer=replace(TO_OFFICER, id=UUID(int=8))),
        replace(REQUEST, officer=replace(TO_OFFICER, key_version=3)),
        replace(REQUEST, officer=replace(TO_OFFICER, public=MAKER.public)),
        replace(REQUEST, recovery=TO_OFFICER),
        replace(REQUEST, seals=REQUEST.seals[1:]),
        replace(REQUEST, seals=()),
        *(
            replace(
                REQUEST, seals=(replace(seal, name=replace(seal.name, **{part: value})), *REQUEST.seals[1:])
            )
            for part, value in (("id", UUID(int=8)), ("epoch", 8), ("subject", "x"), ("compartment", "cover"))
        ),
    ]
    assert len({request.words() for request in [REQUEST, *others]}) == 1 + len(others)
    assert RecoveryRequest.from_text(REQUEST.to_text()).words() == REQUEST.words()
    assert len(REQUEST.words()) == 8


@pytest.mark.parametrize("field", ["lockbox", "epoch", "subject", "compartment", "blob", "commitment"])
def test_a_seal_that_was_changed_in_the_request_is_refused(request_file: Path, field: str) -> None:
    content, other = json.loads(REQUEST.to_text()), json.loads(REQUEST.to_text())["seals"][1]
    content["seals"][0][field] = (
        "cover" if field == "compartment" else "person:x" if field == "subject" else other[field]
    )
    request_file.write_text(json.dumps(content))
    told, out = combine(request_file, lines(*SHARES[:3], "y", "y"))
    assert told.exit_code == 1
    assert "A seal in the request was changed after it was made." in told.output
    assert not out.exists()


def test_a_damaged_request_and_another_file_are_refused_in_words(request_file: Path) -> None:
    text = REQUEST.to_text()
    wrong: list[bytes] = [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        text.replace("request/1", "request/2").encode(),
    ]
    content = json.loads(text)
    for name in ("act", "recovery", "officer", "makers", "seals"):
        wrong.append(json.dumps({**content, name: None}).encode())
        wrong.append(json.dumps({key: value for key, value in content.items() if key != name}).encode())
    wrong.append(json.dumps({**content, "makers": []}).encode())
    wrong.append(json.dumps({**content, "officer": {**content["officer"], "key_version": -1}}).encode())
    for raw in wrong:
        request_file.write_bytes(raw)
        told, out = combine(request_file, "")
        assert (told.exit_code, out.exists()) == (1, False)
        assert "not a request for a recovery" in told.output


def test_a_file_that_is_there_already_is_never_overwritten(request_file: Path) -> None:
    out = request_file.with_name("answer.json")
    out.write_text("kept")
    told, _ = combine(request_file, lines(*SHARES[:3], "y", "y"))
    assert told.exit_code == 1
    assert "there already" in told.output
    assert out.read_text() == "kept"
    told = CliRunner().invoke(main, ["combine", "--request", str(out.parent), "--out", str(out)])
    assert told.exit_code == 2
    missing = str(out.with_name("none.json"))
    told = CliRunner().invoke(main, ["combine", "--request", missing, "--out", str(out)])
    assert "cannot be read" in told.output


def test_an_answer_opens_only_for_its_officer_its_key_version_and_its_act() -> None:
    answer = REQUEST.answer(RECOVERY)
    assert open_answer(answer, ACT, TO_OFFICER, OFFICER) == PARTS
    with pytest.raises(NotRecovered, match="answers another request"):
        open_answer(answer, UUID(int=8), TO_OFFICER, OFFICER)
    moved = answer.replace(str(ACT), str(UUID(int=8)))
    with pytest.raises(NotRecovered, match="made for another officer, or it was changed"):
        open_answer(moved, UUID(int=8), TO_OFFICER, OFFICER)
    with pytest.raises(NotRecovered, match="made for another officer"):
        open_answer(answer, ACT, replace(TO_OFFICER, key_version=3), OFFICER)
    with pytest.raises(NotRecovered, match="made for another officer"):
        open_answer(answer, ACT, TO_OFFICER, Identity.generate())
    for raw in ("", "{}", REQUEST.to_text(), '{"format": "vault-recovery-answer/1"}'):
        with pytest.raises(NotRecovered):
            open_answer(raw, ACT, TO_OFFICER, OFFICER)


def test_a_name_in_the_request_cannot_command_the_terminal(request_file: Path) -> None:
    request_file.write_text(replace(REQUEST, officer_name="Ada\x1b[2J Amsel").to_text())
    told, _ = combine(request_file, lines(*SHARES[:3], "n"))
    assert "\x1b[2J Amsel" not in told.output
    assert "Ada[2J Amsel" in told.output
