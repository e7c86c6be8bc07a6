"""How a seed is kept, and who cannot take it out."""

from dataclasses import replace
from uuid import UUID

import pytest

from crypto.errors import CryptoError, Malformed, Refused, WrongPassword
from crypto.identity import (
    Identity,
    keep_secret,
    recall_secret,
    unwrap_by_recovery_code,
    unwrap_for_session,
    unwrap_nothing,
    unwrap_seed,
    wrap_for_recovery_code,
    wrap_for_session,
    wrap_seed,
)
from crypto.passwords import PasswordCost
from crypto.root import FileRootKey

INES = UUID(int=7)
IVO = UUID(int=8)


def changed(blob: bytes) -> bytes:
    return blob[:-20] + bytes([blob[-20] ^ 1]) + blob[-19:]


def test_the_password_opens_the_seed(ines: Identity, root: FileRootKey, cheap: PasswordCost) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    assert unwrap_seed(wrap, "correct horse", INES, 1, root).seed == ines.seed
    assert wrap.cost_text == cheap.to_text()


def test_another_password_is_refused(ines: Identity, root: FileRootKey, cheap: PasswordCost) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    for password in ("", "correct horsf", "correct horse ", "Correct horse"):
        with pytest.raises(WrongPassword):
            unwrap_seed(wrap, password, INES, 1, root)


def test_a_wrap_moved_to_another_officer_or_key_version_is_refused(
    ines: Identity, root: FileRootKey, cheap: PasswordCost
) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    for officer, version in ((IVO, 1), (INES, 2)):
        with pytest.raises(Refused):
            unwrap_seed(wrap, "correct horse", officer, version, root)


def test_a_changed_wrap_never_opens(ines: Identity, root: FileRootKey, cheap: PasswordCost) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    for damaged in (
        replace(wrap, salt=changed(bytes(20) + wrap.salt)[20:] + b"\0"),
        replace(wrap, cost_text="argon2id$72$1$1"),
        replace(wrap, cost_text="argon2id$99999999$1$1"),
        replace(wrap, blob=changed(wrap.blob)),
        replace(wrap, blob=b""),
    ):
        with pytest.raises(CryptoError):
            unwrap_seed(damaged, "correct horse", INES, 1, root)


def test_a_stolen_database_without_the_root_key_cannot_test_a_guess(
    ines: Identity, root: FileRootKey, cheap: PasswordCost
) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    thief = FileRootKey(bytes(32))
    answers = set()
    for password in ("correct horse", "wrong"):
        with pytest.raises(Refused) as refused:
            unwrap_seed(wrap, password, INES, 1, thief)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_the_root_key_alone_does_not_show_the_seed(
    ines: Identity, root: FileRootKey, cheap: PasswordCost
) -> None:
    from crypto.encoding import enc

    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    inner = root.unwrap(wrap.blob, enc("vault/officer-wrap/v1", INES, 1))
    assert len(inner) == 92
    assert ines.seed not in inner


def test_an_officer_who_does_not_exist_answers_as_a_wrong_password_does(
    ines: Identity, root: FileRootKey, cheap: PasswordCost
) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    with pytest.raises(WrongPassword) as wrong:
        unwrap_seed(wrap, "wrong", INES, 1, root)
    with pytest.raises(WrongPassword) as nobody:
        unwrap_nothing("wrong", root, cheap)
    assert str(wrong.value) == str(nobody.value)


def test_a_recovery_code_opens_the_seed_however_it_is_typed(ines: Identity, root: FileRootKey) -> None:
    code, wrap = wrap_for_recovery_code(ines, INES, 1, root)
    assert [len(group) for group in code.split("-")] == [4] * 8
    misread = code.replace("0", "o").replace("1", "l").lower().replace("-", " ")
    for typed in (code, misread, code.replace("-", "")):
        assert unwrap_by_recovery_code(wrap, typed, INES, 1, root).seed == ines.seed


def test_another_recovery_code_is_refused(ines: Identity, root: FileRootKey) -> None:
    code, wrap = wrap_for_recovery_code(ines, INES, 1, root)
    other, _ = wrap_for_recovery_code(ines, INES, 1, root)
    for typed in (other, code[:-1], code + "0", "", "U" * 32, "é" * 32):
        with pytest.raises(WrongPassword):
            unwrap_by_recovery_code(wrap, typed, INES, 1, root)
    for officer, version in ((IVO, 1), (INES, 2)):
        with pytest.raises(Refused):
            unwrap_by_recovery_code(wrap, code, officer, version, root)


def test_a_password_wrap_is_not_a_recovery_code_wrap(
    ines: Identity, root: FileRootKey, cheap: PasswordCost
) -> None:
    code, by_code = wrap_for_recovery_code(ines, INES, 1, root)
    by_password = wrap_seed(ines, code, INES, 1, root, cheap)
    with pytest.raises(Malformed):
        unwrap_by_recovery_code(by_password, code, INES, 1, root)
    with pytest.raises(Malformed):
        unwrap_seed(by_code, code, INES, 1, root)
    with pytest.raises(Refused):
        unwrap_seed(replace(by_code, cost_text=cheap.to_text()), code, INES, 1, root)


def test_a_session_opens_with_everything_it_was_made_with_and_with_nothing_less(
    ines: Identity, root: FileRootKey
) -> None:
    secret, sid = b"s" * 32, b"i" * 16
    blob = wrap_for_session(ines.seed, secret, sid, INES, 4, root)
    assert unwrap_for_session(blob, secret, sid, INES, 4, root).seed == ines.seed
    for attempt in (
        (changed(blob), secret, sid, INES, 4, root),
        (b"", secret, sid, INES, 4, root),
        (b"\x02" + blob[1:], secret, sid, INES, 4, root),
        (blob, b"S" * 32, sid, INES, 4, root),
        (blob, secret, b"I" * 16, INES, 4, root),
        (blob, secret, sid, IVO, 4, root),
        (blob, secret, sid, INES, 5, root),
        (blob, secret, sid, INES, 4, FileRootKey(bytes(32))),
    ):
        with pytest.raises(Refused):
            unwrap_for_session(*attempt)


def test_a_kept_secret_opens_for_its_owner_label_and_root_only(
    ada: Identity, ines: Identity, root: FileRootKey
) -> None:
    blob = keep_secret(ines, "totp", b"JBSWY3DPEHPK3PXP", INES, root)
    assert recall_secret(ines, "totp", blob, INES, root) == b"JBSWY3DPEHPK3PXP"
    for identity, label, bytes_kept, officer, key in (
        (ada, "totp", blob, INES, root),
        (ines, "totP", blob, INES, root),
        (ines, "totp", changed(blob), INES, root),
        (ines, "totp", blob, IVO, root),
        (ines, "totp", blob, INES, FileRootKey(bytes(32))),
    ):
        with pytest.raises(Refused):
            recall_secret(identity, label, bytes_kept, officer, key)


def test_wraps_do_not_show_their_bytes(ines: Identity, root: FileRootKey, cheap: PasswordCost) -> None:
    wrap = wrap_seed(ines, "correct horse", INES, 1, root, cheap)
    assert repr(wrap) == f"OfficerWrap(cost_text='{cheap.to_text()}')"
