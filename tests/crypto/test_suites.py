"""Under the FIPS profile ML-KEM-768 seals and nothing opens that X-Wing or Argon2id had a part in."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import suites
from crypto.errors import Malformed, Refused, Unapproved
from crypto.identity import Identity, unwrap_seed, wrap_seed
from crypto.lockbox import LockboxKey
from crypto.passwords import FIPS, PasswordCost, stretch
from crypto.places import Place
from crypto.recovery_files import RecoveryRequest
from crypto.root import FileRootKey
from crypto.sealing import Holder, KeyName, _message_info, open_message, open_seal, seal_key, seal_message
from crypto.suites import MLKEM, XWING, Profile
from tests.crypto.hpke_schedule import AES_256_GCM, MLKEM_768, key_and_nonce

KEY = b"k" * 32


@pytest.fixture(autouse=True)
def _no_profile_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that no vault has chosen a profile for."""
    monkeypatch.setattr(suites._InUse, "profile", None)


@pytest.fixture(params=list(Profile))
def profile(request: pytest.FixtureRequest) -> Iterator[Profile]:
    """Each profile in turn."""
    with suites.using(request.param):
        yield request.param


def test_each_profile_seals_with_its_own_suite(
    profile: Profile, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    seal = seal_key(KEY, key_name, holder, ada)
    message = seal_message(b"message", ines.public, b"context")
    number, length = (MLKEM, 1138) if profile is Profile.FIPS else (XWING, 1170)
    assert (seal.blob[:2], message[:2]) == (bytes((1, number)), bytes((1, number)))
    assert len(seal.blob) == length
    assert open_seal(seal, key_name, holder, ines, ada.public) == KEY
    assert open_message(message, ines, b"context") == b"message"


def test_the_standard_profile_opens_what_the_fips_profile_sealed(
    key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    with suites.using(Profile.FIPS):
        seal = seal_key(KEY, key_name, holder, ada)
        message = seal_message(b"message", ines.public, b"context")
    assert open_seal(seal, key_name, holder, ines, ada.public) == KEY
    assert open_message(message, ines, b"context") == b"message"


def test_the_fips_profile_refuses_what_xwing_sealed_and_says_what_to_do(
    key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    seal = seal_key(KEY, key_name, holder, ada)
    message = seal_message(b"message", ines.public, b"context")
    with suites.using(Profile.FIPS):
        with pytest.raises(Unapproved, match="sealed again"):
            open_seal(seal, key_name, holder, ines, ada.public)
        with pytest.raises(Unapproved, match="sealed again"):
            open_message(message, ines, b"context")


def test_the_fips_profile_stretches_with_pbkdf2_alone(root: FileRootKey, ines: Identity) -> None:
    argon2id, pbkdf2 = PasswordCost("argon2id", 64, 1, 1), PasswordCost("pbkdf2-sha256", 0, 1, 1)
    locked = wrap_seed(ines, "password", UUID(int=7), 1, root, argon2id)
    with suites.using(Profile.FIPS):
        with pytest.raises(Unapproved, match=r"pbkdf2-sha256\$600000"):
            wrap_seed(ines, "password", UUID(int=7), 1, root, argon2id)
        with pytest.raises(Unapproved):
            unwrap_seed(locked, "password", UUID(int=7), 1, root)
        assert stretch("password", bytes(16), pbkdf2) == hashlib.pbkdf2_hmac(
            "sha256", b"password", bytes(16), 1
        )
    assert PasswordCost("pbkdf2-sha256", 0, 600_000, 1) == FIPS


def test_fields_are_the_same_in_both_profiles(lockbox: LockboxKey) -> None:
    place = Place("person", UUID(int=1), "name", "text")
    blob = lockbox.seal("Ruth", place)
    with suites.using(Profile.FIPS):
        assert lockbox.open(blob, place) == "Ruth"
        assert lockbox.seal("Ruth", place)[:2] == blob[:2]


def test_a_seal_relabelled_as_the_other_suite_is_refused_even_when_it_is_signed_again(
    profile: Profile, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    from crypto.sealing import _info, _statement

    seal = seal_key(KEY, key_name, holder, ada)
    other = XWING if seal.blob[1] == MLKEM else MLKEM
    blob = bytes((1, other)) + seal.blob[2:]
    with pytest.raises(Refused):
        open_seal(replace(seal, blob=blob), key_name, holder, ines, ada.public)
    signed = ada.sign(_statement(_info(other, key_name, holder), blob, seal.commitment))
    with pytest.raises(Refused):
        open_seal(replace(seal, blob=blob, signature=signed), key_name, holder, ines, ada.public)


@pytest.mark.parametrize("number", [0, 3, 255])
def test_a_suite_that_is_none_is_malformed_in_both_profiles(profile: Profile, number: int) -> None:
    with pytest.raises(Malformed, match="not sealed to a public key here"):
        suites.to_open(number)


def test_a_process_keeps_the_profile_it_began_with() -> None:
    assert suites.in_use() is Profile.STANDARD
    suites.use(Profile.FIPS)
    suites.use(Profile.FIPS)
    assert suites.in_use() is Profile.FIPS
    with pytest.raises(Unapproved, match="another profile"):
        suites.use(Profile.STANDARD)
    assert suites.in_use() is Profile.FIPS


def test_a_profile_taken_for_a_while_is_given_back() -> None:
    suites.use(Profile.FIPS)
    with suites.using(Profile.STANDARD):
        assert suites.in_use() is Profile.STANDARD
    assert suites.in_use() is Profile.FIPS
    with pytest.raises(Malformed), suites.using(Profile.STANDARD):
        suites.to_open(0)
    assert suites.in_use() is Profile.FIPS


@settings(max_examples=20)
@given(st.binary(max_size=500), st.binary(max_size=100))
def test_what_the_fips_profile_seals_a_second_implementation_opens(message: bytes, context: bytes) -> None:
    ines = Identity.from_seed(b"i" * 32)
    with suites.using(Profile.FIPS):
        sealed = seal_message(message, ines.public, context)[2:]
    key, nonce = key_and_nonce(
        MLKEM_768,
        AES_256_GCM,
        ines.mlkem_key.decapsulate(sealed[:1088]),
        _message_info(MLKEM, ines.public, context),
    )
    padded = AESGCM(key).decrypt(nonce, sealed[1088:], b"")
    assert padded[4 : 4 + int.from_bytes(padded[:4], "big")] == message


@settings(max_examples=20)
@given(st.binary(max_size=28), st.binary(max_size=100))
def test_what_a_second_implementation_seals_the_fips_profile_opens(message: bytes, context: bytes) -> None:
    ines = Identity.from_seed(b"i" * 32)
    public = MLKEM768PublicKey.from_public_bytes(ines.public.sealing[:1184])
    shared, encapsulated = public.encapsulate()
    key, nonce = key_and_nonce(MLKEM_768, AES_256_GCM, shared, _message_info(MLKEM, ines.public, context))
    padded = (len(message).to_bytes(4, "big") + message).ljust(32, b"\0")
    sealed = b"\x01\x02" + encapsulated + AESGCM(key).encrypt(nonce, padded, b"")
    with suites.using(Profile.FIPS):
        assert open_message(sealed, ines, context) == message


@pytest.mark.parametrize("asked", [[MLKEM], [XWING], [MLKEM, XWING], []])
def test_an_answer_is_sealed_with_the_suite_of_what_was_asked(asked: list[int], ines: Identity) -> None:
    expected = MLKEM if asked == [MLKEM] else XWING
    with suites.answering(asked):
        assert seal_message(b"", ines.public, b"")[1] == expected
    assert suites.in_use() is Profile.STANDARD
    with suites.using(Profile.FIPS), suites.answering(asked):
        assert seal_message(b"", ines.public, b"")[1] == MLKEM


def test_the_offline_machine_answers_a_vault_under_the_fips_profile_with_mlkem_alone(ines: Identity) -> None:
    cases = json.loads((Path(__file__).parent / "vectors" / "open" / "recovery-request.json").read_text())
    for case, number in zip(cases, (XWING, MLKEM), strict=True):
        request = RecoveryRequest.from_text(case["text"])
        answer = json.loads(request.answer(Identity(bytes.fromhex(case["recovery_seed"]))))
        assert b64decode(answer["parts"])[:2] == bytes((1, number))
