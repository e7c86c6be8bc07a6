"""Golden vectors: bytes that are sealed today as they always were, that open for ever, and that never open.

Each file under vectors/ holds cases of one format. A file is written once and never written again: a new
suite or version adds files beside it. Bytes are hexadecimal.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from crypto import errors, suites
from crypto.directory import Listing, pack_page, unpack_page
from crypto.encoding import enc
from crypto.fields import Value, open_field, seal_field
from crypto.files import open_bytes, seal_bytes
from crypto.identity import (
    Certificate,
    Decoy,
    Identity,
    OfficerWrap,
    PublicIdentity,
    certify,
    check_certificate,
    keep_secret,
    recall_secret,
    unwrap_by_either_password,
    unwrap_by_recovery_code,
    unwrap_for_session,
    unwrap_seed,
    wrap_decoy,
    wrap_for_recovery_code,
    wrap_for_session,
    wrap_seed,
)
from crypto.lockbox import LockboxKey
from crypto.padding import pad, unpad
from crypto.passwords import PasswordCost, stretch
from crypto.places import Place
from crypto.recovery import combine
from crypto.recovery_files import RecoveryRequest, open_answer
from crypto.root import FileRootKey
from crypto.sealing import Holder, KeyName, Seal, _commitment, _info, _statement, open_message, open_seal
from crypto.suites import Profile

VECTORS = Path(__file__).parent / "vectors"
Case = dict[str, Any]
KINDS_OF_VECTOR = ("seal", "open", "refuse")


def cases(kind: str) -> list[Any]:
    found = []
    for path in sorted((VECTORS / kind).glob("*.json")):
        for number, case in enumerate(json.loads(path.read_text())):
            found.append(pytest.param(path.stem, case, id=f"{path.stem}-{number}-{case['name']}"))
    return found


def raw(case: Case, name: str) -> bytes:
    return bytes.fromhex(case[name])


def identity(case: Case, name: str) -> Identity:
    return Identity.from_seed(raw(case, name))


def root(case: Case) -> FileRootKey:
    return FileRootKey(raw(case, "root"))


def place(case: Case) -> Place:
    return Place(case["table"], UUID(case["row"]), case["column"], case["kind"])


def value_from(kind: str, value: Any) -> Value:
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    return bytes.fromhex(value) if kind == "bytes" else value


def value_to(value: Value) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def holder(case: Case) -> Holder:
    public = PublicIdentity.from_bytes(raw(case, "holder_public"))
    return Holder(case["holder_kind"], UUID(case["holder"]), case["holder_key_version"], public)


def key_name(case: Case) -> KeyName:
    return KeyName(
        case["key_kind"], UUID(case["key_id"]), case["epoch"], case["subject"], case["compartment"]
    )


def wrap(case: Case) -> OfficerWrap:
    return OfficerWrap(raw(case, "salt"), case["cost"], raw(case, "blob"))


def shown(wrapped: OfficerWrap) -> list[str]:
    return [wrapped.salt.hex(), wrapped.cost_text, wrapped.blob.hex()]


def certificate(case: Case) -> Certificate:
    return Certificate(
        case["holder_kind"],
        UUID(case["holder"]),
        case["role"],
        case["key_version"],
        raw(case, "public_digest"),
        UUID(case["issued_by"]),
        raw(case, "signature"),
    )


def listings(case: Case) -> list[Listing]:
    return [
        Listing(
            UUID(one["ref"]),
            UUID(one["case"]),
            tuple(one["names"]),
            value_from("date", one["birth_date"]),  # type: ignore[arg-type]
            tuple(one["numbers"]),
        )
        for one in case["listings"]
    ]


def opened_lockbox(case: Case) -> LockboxKey:
    return LockboxKey(UUID(case["lockbox"]), case["epoch"], raw(case, "sealed"), raw(case, "shred"))


def recovery_code(case: Case) -> list[str]:
    officer, version = UUID(case["officer"]), case["key_version"]
    code, wrapped = wrap_for_recovery_code(identity(case, "seed"), officer, version, root(case))
    return [code, *shown(wrapped)]


def locked_decoy(case: Case) -> list[str]:
    """A new decoy's seed, and its wrap beside an officer's own."""
    decoy = Decoy.generate()
    beside = OfficerWrap(raw(case, "salt"), case["cost"], b"")
    officer, version = UUID(case["officer"]), case["key_version"]
    return [
        decoy.seed.hex(),
        wrap_decoy(decoy, case["password"], beside, officer, version, root(case)).hex(),
    ]


def opened_decoy(case: Case) -> str:
    """The seed behind a password for duress, which says of itself that it is a decoy's."""
    officer, version = UUID(case["officer"]), case["key_version"]
    beside = OfficerWrap(raw(case, "salt"), case["cost"], raw(case, "own"))
    found = unwrap_by_either_password(
        beside, raw(case, "blob"), case["password"], officer, version, root(case)
    )
    assert isinstance(found, Decoy)
    return found.seed.hex()


def stated(case: Case) -> list[str]:
    """What is not random in a seal: the commitment, and the maker's signature over a given blob."""
    blob, named, to = raw(case, "blob"), key_name(case), holder(case)
    commitment = _commitment(raw(case, "key"), named)
    signed = identity(case, "maker_seed").sign(_statement(_info(blob[1], named, to), blob, commitment))
    return [commitment.hex(), signed.hex()]


def requested(case: Case) -> list[Any]:
    request, recovery = RecoveryRequest.from_text(case["text"]), identity(case, "recovery_seed")
    opened = [open_seal(one.seal, one.name, request.recovery, recovery, one.maker) for one in request.seals]
    names = [one.name for one in request.seals]
    return [[str(name.id), name.epoch, part.hex()] for name, part in zip(names, opened, strict=True)]


def answered(case: Case) -> list[Any]:
    officer = Holder("officer", UUID(case["officer"]), case["key_version"], identity(case, "seed").public)
    parts = open_answer(case["text"], UUID(case["act"]), officer, identity(case, "seed"))
    return [[str(lockbox), epoch, part.hex()] for (lockbox, epoch), part in parts.items()]


def cost_numbers(case: Case) -> list[Any]:
    cost = PasswordCost.from_text(case["text"])
    return [cost.name, cost.memory_kib, cost.passes, cost.lanes]


def public_words(case: Case) -> list[str]:
    public = PublicIdentity.from_bytes(raw(case, "public"))
    return [public.digest().hex(), " ".join(public.fingerprint())]


SEAL: dict[str, Callable[[Case], Any]] = {
    "encoding": lambda case: enc(*case["items"]).hex(),
    "stretch": lambda case: stretch(
        case["password"], raw(case, "salt"), PasswordCost.from_text(case["cost"])
    ).hex(),
    "identity": lambda case: {
        "public": identity(case, "seed").public.to_bytes().hex(),
        "digest": identity(case, "seed").public.digest().hex(),
        "fingerprint": " ".join(identity(case, "seed").public.fingerprint()),
        "secret": identity(case, "seed").secret_for(case["label"]).hex(),
    },
    "lockbox": lambda case: [opened_lockbox(case).commitment.hex(), opened_lockbox(case).files_key.hex()],
    "lockbox-field": lambda case: opened_lockbox(case).seal(case["value"], place(case)).hex(),
    "field": lambda case: seal_field(
        raw(case, "key"),
        value_from(case["kind"], case["value"]),
        place(case),
        UUID(case["lockbox"]),
        case["epoch"],
    ).hex(),
    "wrap": lambda case: shown(
        wrap_seed(
            identity(case, "seed"),
            case["password"],
            UUID(case["officer"]),
            case["key_version"],
            root(case),
            PasswordCost.from_text(case["cost"]),
        )
    ),
    "duress-wrap": locked_decoy,
    "recovery-code": recovery_code,
    "session": lambda case: wrap_for_session(
        raw(case, "seed"),
        raw(case, "secret"),
        raw(case, "sid"),
        UUID(case["officer"]),
        case["auth_epoch"],
        root(case),
    ).hex(),
    "kept-secret": lambda case: keep_secret(
        identity(case, "seed"), case["label"], raw(case, "secret"), UUID(case["officer"]), root(case)
    ).hex(),
    "certificate": lambda case: certify(
        identity(case, "issuer"),
        UUID(case["issued_by"]),
        case["holder_kind"],
        UUID(case["holder"]),
        case["role"],
        case["key_version"],
        PublicIdentity.from_bytes(raw(case, "public")),
    ).signature.hex(),
    "file": lambda case: seal_bytes(raw(case, "content"), raw(case, "key"), raw(case, "file")).hex(),
    "directory": lambda case: pack_page(listings(case)).hex(),
    "root-wrap": lambda case: root(case).wrap(raw(case, "plaintext"), raw(case, "context")).hex(),
    "root-mac": lambda case: root(case).mac(raw(case, "data")).hex(),
    "cost": lambda case: PasswordCost(*case["numbers"]).to_text(),
    "key": stated,
    "recovery-request": lambda case: RecoveryRequest.from_text(case["text"]).to_text(),
    "padding": lambda case: pad(raw(case, "content")).hex(),
}

OPEN: dict[str, Callable[[Case], Any]] = {
    "lockbox-field": lambda case: value_to(opened_lockbox(case).open(raw(case, "blob"), place(case))),
    "field": lambda case: value_to(
        open_field(raw(case, "key"), raw(case, "blob"), place(case), UUID(case["lockbox"]), case["epoch"])
    ),
    "key": lambda case: open_seal(
        Seal(raw(case, "blob"), raw(case, "commitment"), raw(case, "signature")),
        key_name(case),
        holder(case),
        identity(case, "holder_seed"),
        PublicIdentity.from_bytes(raw(case, "maker_public")),
    ).hex(),
    "message": lambda case: open_message(
        raw(case, "blob"), identity(case, "seed"), raw(case, "context")
    ).hex(),
    "wrap": lambda case: unwrap_seed(
        wrap(case), case["password"], UUID(case["officer"]), case["key_version"], root(case)
    ).seed.hex(),
    "duress-wrap": opened_decoy,
    "recovery-code": lambda case: unwrap_by_recovery_code(
        wrap(case), case["code"], UUID(case["officer"]), case["key_version"], root(case)
    ).seed.hex(),
    "session": lambda case: unwrap_for_session(
        raw(case, "blob"),
        raw(case, "secret"),
        raw(case, "sid"),
        UUID(case["officer"]),
        case["auth_epoch"],
        root(case),
    ).seed.hex(),
    "kept-secret": lambda case: recall_secret(
        identity(case, "seed"), case["label"], raw(case, "blob"), UUID(case["officer"]), root(case)
    ).hex(),
    "certificate": lambda case: check_certificate(
        certificate(case),
        PublicIdentity.from_bytes(raw(case, "public")),
        PublicIdentity.from_bytes(raw(case, "issuer_public")),
    ),
    "file": lambda case: open_bytes(raw(case, "blob"), raw(case, "key"), raw(case, "file")).hex(),
    "directory": lambda case: [value_to(one.birth_date) for one in unpack_page(raw(case, "page"))],
    "recovery": lambda case: combine(
        case["shares"], PublicIdentity.from_bytes(raw(case, "public"))
    ).seed.hex(),
    "root-wrap": lambda case: root(case).unwrap(raw(case, "blob"), raw(case, "context")).hex(),
    "cost": cost_numbers,
    "public-identity": public_words,
    "recovery-request": requested,
    "recovery-answer": answered,
    "padding": lambda case: unpad(raw(case, "padded")).hex(),
}
# The same formats sealed with the second suite, and by vaults under the second profile.
OPEN |= {"key-mlkem": OPEN["key"], "message-mlkem": OPEN["message"]}
# What is derived and never opened can still be refused.
REFUSE = OPEN | {form: SEAL[form] for form in ("encoding", "identity", "lockbox", "stretch")}


class Dealt:
    """The operating system's randomness, dealt out as a vector says it fell."""

    def __init__(self, random: str) -> None:
        self.left = bytes.fromhex(random)

    def __call__(self, length: int) -> bytes:
        given, self.left = self.left[:length], self.left[length:]
        assert len(given) == length
        return given


@pytest.mark.parametrize(("form", "case"), cases("seal"))
def test_what_is_sealed_has_the_bytes_it_always_had(
    form: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    dealt = Dealt(case.get("random", ""))
    with monkeypatch.context() as patch:
        patch.setattr("os.urandom", dealt)
        result = SEAL[form](case)
    assert result == case["result"]
    assert dealt.left == b""


@pytest.mark.parametrize(("form", "case"), cases("open"))
def test_what_was_ever_sealed_still_opens(form: str, case: Case) -> None:
    with suites.using(Profile(case.get("profile", "standard"))):
        assert OPEN[form](case) == case["result"]


@pytest.mark.parametrize(("form", "case"), cases("refuse"))
def test_what_must_never_open_is_refused(form: str, case: Case) -> None:
    with suites.using(Profile(case.get("profile", "standard"))), pytest.raises(errors.CryptoError) as raised:
        REFUSE[form](case)
    assert isinstance(raised.value, getattr(errors, case["error"]))


@pytest.mark.parametrize("kind", KINDS_OF_VECTOR)
def test_no_format_is_without_its_vectors(kind: str) -> None:
    known = {"seal": SEAL, "open": OPEN, "refuse": REFUSE}[kind]
    assert {path.stem for path in (VECTORS / kind).glob("*.json")} == set(known)
