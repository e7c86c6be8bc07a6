"""From a password to a key."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import Malformed, Unsealable
from crypto.passwords import FIPS, STANDARD, PasswordCost, stretch

CHEAP = PasswordCost("argon2id", 64, 1, 1)


def test_the_standard_cost_is_the_one_that_is_written_down() -> None:
    assert STANDARD.to_text() == "argon2id$65536$3$4"
    assert FIPS.to_text() == "pbkdf2-sha256$600000"


@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 2**20 - 512))
def test_a_cost_survives_being_stored(lanes: int, passes: int, memory: int) -> None:
    cost = PasswordCost("argon2id", memory + 8 * lanes, passes, lanes)
    assert PasswordCost.from_text(cost.to_text()) == cost
    fips = PasswordCost("pbkdf2-sha256", 0, passes, 1)
    assert PasswordCost.from_text(fips.to_text()) == fips


@pytest.mark.parametrize(
    "text",
    [
        "", "argon2id", "argon2id$1$1$1", "argon2id$64$0$1", "argon2id$64$1$0", "argon2id$64$1$1$1",
        "argon2id$2000000$3$4", "argon2id$64$99999$1", "argon2id$64$-1$1", "argon2id$6 4$1$1",
        "argon2id$٦٤$1$1", "argon2i$64$1$1", "pbkdf2-sha256$0", "pbkdf2-sha256$99999999",
        "pbkdf2-sha256$1$1", "md5$1", "pbkdf2-sha256$" + "9" * 5000,
    ],
)  # fmt: skip
def test_a_cost_that_could_stop_the_server_or_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        PasswordCost.from_text(text)


def test_every_keyboard_writes_the_same_password() -> None:
    assert stretch("caf\u00e9", b"s" * 16, CHEAP) == stretch("cafe\u0301", b"s" * 16, CHEAP)


def test_password_salt_and_each_number_of_the_cost_change_the_key() -> None:
    keys = {
        stretch("password", b"s" * 16, CHEAP),
        stretch("Password", b"s" * 16, CHEAP),
        stretch("password ", b"s" * 16, CHEAP),
        stretch("password", b"t" * 16, CHEAP),
        stretch("password", b"s" * 16, PasswordCost("argon2id", 72, 1, 1)),
        stretch("password", b"s" * 16, PasswordCost("argon2id", 64, 2, 1)),
        stretch("password", b"s" * 16, PasswordCost("argon2id", 64, 1, 2)),
        stretch("password", b"s" * 16, PasswordCost("pbkdf2-sha256", 0, 1, 1)),
    }
    assert len(keys) == 8


def test_pbkdf2_agrees_with_the_standard_library() -> None:
    cost = PasswordCost("pbkdf2-sha256", 0, 1000, 1)
    assert stretch("password", b"s" * 16, cost) == hashlib.pbkdf2_hmac("sha256", b"password", b"s" * 16, 1000)


def test_a_password_that_is_not_unicode_is_refused_without_quoting_it() -> None:
    with pytest.raises(Unsealable) as refused:
        stretch("secret\ud800", b"s" * 16, CHEAP)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


MANY_AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
from crypto.passwords import PasswordCost, stretch
cost = PasswordCost("argon2id", 1024, 1, 4)
with ThreadPoolExecutor(8) as threads:
    keys = threads.map(lambda number: stretch(f"a long password {number}", bytes(16), cost), range(40))
    print(len(set(keys)))
"""


def test_many_passwords_are_stretched_at_once_in_one_process_and_none_waits_for_ever() -> None:
    """In a process of its own: threads that wait for each other could not be ended in this one."""
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(
        [sys.executable, "-c", MANY_AT_ONCE],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert told.stdout.strip() == "40"
