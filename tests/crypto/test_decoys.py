"""Two passwords over one salt: the officer's own seed behind one, a decoy's behind the other."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import pytest

import crypto.wraps
from crypto.errors import Malformed, Refused, WrongPassword
from crypto.identity import (
    Decoy,
    Identity,
    OfficerWrap,
    unwrap_by_either_password,
    unwrap_for_session,
    unwrap_nothing,
    wrap_decoy,
    wrap_for_session,
    wrap_of_nothing,
    wrap_seed,
)
from crypto.passwords import PasswordCost
from crypto.root import FileRootKey

INES, IVO = UUID(int=7), UUID(int=8)
OWN, DURESS = "correct horse battery", "wrong mare accumulator"


@pytest.fixture
def decoy() -> Decoy:
    return Decoy.generate()


@pytest.fixture
def wrap(ines: Identity, root: FileRootKey, cheap: PasswordCost) -> OfficerWrap:
    return wrap_seed(ines, OWN, INES, 1, root, cheap)


@pytest.fixture
def blob(decoy: Decoy, wrap: OfficerWrap, root: FileRootKey) -> bytes:
    return wrap_decoy(decoy, DURESS, wrap, INES, 1, root)


def test_each_password_opens_its_own_seed_and_a_decoy_is_known_as_one(
    ines: Identity, decoy: Decoy, wrap: OfficerWrap, blob: bytes, root: FileRootKey
) -> None:
    own = unwrap_by_either_password(wrap, blob, OWN, INES, 1, root)
    assert (own.seed, isinstance(own, Decoy)) == (ines.seed, False)
    found = unwrap_by_either_password(wrap, blob, DURESS, INES, 1, root)
    assert (found.seed, isinstance(found, Decoy)) == (decoy.seed, True)
    with pytest.raises(WrongPassword):
        unwrap_by_either_password(wrap, blob, "neither of them", INES, 1, root)


def test_a_decoy_stays_one_in_a_session_whose_row_is_as_long_as_any(
    ines: Identity, decoy: Decoy, root: FileRootKey
) -> None:
    sid, secret = bytes(16), bytes(32)
    rows = [wrap_for_session(who.seed, secret, sid, INES, 4, root) for who in (ines, decoy)]
    assert len(rows[0]) == len(rows[1])
    found = [unwrap_for_session(row, secret, sid, INES, 4, root) for row in rows]
    assert [(who.seed, isinstance(who, Decoy)) for who in found] == [(ines.seed, False), (decoy.seed, True)]


def test_a_seed_that_does_not_say_it_is_a_decoys_makes_none(ines: Identity) -> None:
    with pytest.raises(Malformed):
        Decoy(ines.seed)
    assert Decoy.generate().seed != Decoy.generate().seed


def test_a_wrap_for_duress_and_none_differ_in_nothing_but_random_bytes_under_the_root_key(
    wrap: OfficerWrap, blob: bytes, root: FileRootKey
) -> None:
    nothing = wrap_of_nothing(INES, 1, root)
    context = crypto.wraps.duress_context(INES, 1)
    assert len(nothing) == len(blob)
    assert len(root.unwrap(nothing, context)) == len(root.unwrap(blob, context))
    with pytest.raises(WrongPassword):
        unwrap_by_either_password(wrap, nothing, DURESS, INES, 1, root)
    assert not isinstance(unwrap_by_either_password(wrap, nothing, OWN, INES, 1, root), Decoy)


@pytest.mark.parametrize(
    "spoil", [lambda blob: b"", lambda blob: b"\x01" + bytes(120), lambda blob: blob[::-1]]
)
def test_bytes_put_in_the_place_of_the_wrap_for_duress_lock_nobody_out(
    spoil: Callable[[bytes], bytes], ines: Identity, wrap: OfficerWrap, blob: bytes, root: FileRootKey
) -> None:
    assert unwrap_by_either_password(wrap, spoil(blob), OWN, INES, 1, root).seed == ines.seed
    with pytest.raises((WrongPassword, Refused)):
        unwrap_by_either_password(wrap, spoil(blob), DURESS, INES, 1, root)


@pytest.mark.parametrize(("officer", "version"), [(IVO, 1), (INES, 2)])
def test_a_wrap_for_duress_serves_no_other_officer_and_no_other_keys(
    officer: UUID, version: int, decoy: Decoy, cheap: PasswordCost, wrap: OfficerWrap, root: FileRootKey
) -> None:
    theirs = wrap_decoy(decoy, DURESS, wrap, officer, version, root)
    with pytest.raises(WrongPassword):
        unwrap_by_either_password(wrap, theirs, DURESS, INES, 1, root)


def test_every_way_of_signing_in_stretches_the_password_once_and_compares_both_locks(
    monkeypatch: pytest.MonkeyPatch,
    wrap: OfficerWrap,
    blob: bytes,
    root: FileRootKey,
    cheap: PasswordCost,
) -> None:
    def counted(password: str, use: Callable[[], object]) -> tuple[int, int]:
        counts = {"stretch": 0, "expand": 0}
        with monkeypatch.context() as patch:
            for name in counts:
                real = getattr(crypto.wraps, name)

                def spy(*given: object, name: str = name, real: Callable[..., bytes] = real) -> bytes:
                    counts[name] += 1
                    return real(*given)

                patch.setattr(crypto.wraps, name, spy)
            with suppress(WrongPassword):
                use()
        return counts["stretch"], counts["expand"]

    nothing = wrap_of_nothing(INES, 1, root)
    ways = [(OWN, blob), (OWN, nothing), (DURESS, blob), (DURESS, nothing), ("neither of them", blob)]
    spent = {
        counted(password, lambda p=password, b=kept: unwrap_by_either_password(wrap, b, p, INES, 1, root))
        for password, kept in ways
    }
    spent.add(counted("anything", lambda: unwrap_nothing("anything", root, cheap)))
    assert spent == {(1, 2)}
