"""What is carried to the offline machine and back: the request for a recovery, and its answer.

Both are JSON in UTF-8. The request holds nothing that opens without three shares; the answer holds nothing
that opens without the keys of the one officer it was sealed to.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crypto import suites
from crypto.derivation import KEY_LENGTH
from crypto.encoding import enc
from crypto.errors import CryptoError, NotRecovered, Refused
from crypto.identity import Identity
from crypto.public import PublicIdentity, eight_words
from crypto.sealing import Holder, KeyName, Seal, open_message, open_seal, seal_message

REQUEST = "vault-recovery-request/1"
ANSWER = "vault-recovery-answer/1"
EPOCH_LENGTH = 4
RECORD_LENGTH = 16 + EPOCH_LENGTH + KEY_LENGTH


@dataclass(frozen=True)
class RecoverySeal:
    """The seal of one lockbox's key to the recovery key, and the keys of the officer who made it."""

    name: KeyName
    seal: Seal
    maker: PublicIdentity


@dataclass(frozen=True)
class RecoveryRequest:
    """What two approvals let out: the recovery seals, and the one officer they are to be sealed to."""

    act: UUID
    recovery: Holder
    officer: Holder
    officer_name: str
    seals: tuple[RecoverySeal, ...]

    def words(self) -> tuple[str, ...]:
        """Eight words of all that is asked for and for whom, for an officer who approved it to read aloud.

        They keep a request that was changed on its way from letting out more than was approved.
        """
        names = [
            (each.name.id, each.name.epoch, each.name.subject, each.name.compartment) for each in self.seals
        ]
        asked = [part for name in names for part in name]
        whom = (self.officer.id, self.officer.key_version, self.officer.public.digest())
        about = enc("vault/recovery-request-words/v1", self.act, self.recovery.public.digest(), *whom, *asked)
        return eight_words(hashlib.sha256(about).digest())

    def to_text(self) -> str:
        """The request as JSON; a maker's keys are written once."""
        makers = list(dict.fromkeys(each.maker for each in self.seals))
        number = {maker: at for at, maker in enumerate(makers)}
        content = {
            "format": REQUEST,
            "act": str(self.act),
            "recovery": _holder_to_json(self.recovery),
            "officer": {**_holder_to_json(self.officer), "name": self.officer_name},
            "makers": [_text(maker.to_bytes()) for maker in makers],
            "seals": [
                {
                    "lockbox": str(each.name.id),
                    "epoch": each.name.epoch,
                    "subject": each.name.subject,
                    "compartment": each.name.compartment,
                    "maker": number[each.maker],
                    "blob": _text(each.seal.blob),
                    "commitment": _text(each.seal.commitment),
                    "signature": _text(each.seal.signature),
                }
                for each in self.seals
            ],
        }
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "RecoveryRequest":
        """What `to_text` wrote; raises NotRecovered."""
        content = _read(text, REQUEST, "This file is not a request for a recovery, or it was damaged.")
        try:
            makers = [PublicIdentity.from_bytes(_bytes(maker)) for maker in content["makers"]]
            return cls(
                UUID(content["act"]),
                _holder_from_json("recovery", content["recovery"]),
                _holder_from_json("officer", content["officer"]),
                str(content["officer"]["name"]),
                tuple(_seal_from_json(each, makers) for each in content["seals"]),
            )
        except (CryptoError, KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise NotRecovered("This file is not a request for a recovery, or it was damaged.") from None

    def answer(self, recovery: Identity) -> str:
        """Open every seal with the recovery key and seal what was in it to the officer, as JSON.

        Raises NotRecovered when a seal is not what its maker made.
        """
        records = []
        for each in self.seals:
            try:
                part = open_seal(each.seal, each.name, self.recovery, recovery, each.maker)
                records.append(each.name.id.bytes + each.name.epoch.to_bytes(EPOCH_LENGTH, "big") + part)
            except (Refused, OverflowError):
                raise NotRecovered(
                    "A seal in the request was changed after it was made. Fetch the request again."
                ) from None
        context = _context(self.act, self.officer)
        with suites.answering(each.seal.blob[1] for each in self.seals):
            sealed = seal_message(b"".join(records), self.officer.public, context)
        return json.dumps({"format": ANSWER, "act": str(self.act), "parts": _text(sealed)}, indent=1) + "\n"


def open_answer(text: str, act: UUID, officer: Holder, identity: Identity) -> dict[tuple[UUID, int], bytes]:
    """The recovered parts by lockbox and epoch, if the answer is to this act and sealed to this officer.

    Whether each part is the right one is for the caller to compare: anybody can seal a message.
    Raises NotRecovered.
    """
    content = _read(text, ANSWER, "This file is not the answer that the offline machine wrote.")
    if content.get("act") != str(act):
        raise NotRecovered("This file answers another request. Choose the file made for this one.")
    try:
        records = open_message(_bytes(content["parts"]), identity, _context(act, officer))
    except (CryptoError, KeyError, TypeError, ValueError):
        raise NotRecovered(
            "This file does not open with your keys: it was made for another officer, or it was changed."
        ) from None
    if len(records) % RECORD_LENGTH:
        raise NotRecovered("This file is not the answer that the offline machine wrote.")
    parts = {}
    for start in range(0, len(records), RECORD_LENGTH):
        record = records[start : start + RECORD_LENGTH]
        epoch = int.from_bytes(record[16 : 16 + EPOCH_LENGTH], "big")
        parts[UUID(bytes=record[:16]), epoch] = record[16 + EPOCH_LENGTH :]
    return parts


def _context(act: UUID, officer: Holder) -> bytes:
    return enc("vault/recovery-parts/v1", act, officer.id, officer.key_version)


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


def _read(text: str, form: str, refusal: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise NotRecovered(refusal) from None
    if not isinstance(content, dict) or content.get("format") != form:
        raise NotRecovered(refusal)
    return content


def _holder_to_json(holder: Holder) -> dict[str, Any]:
    public = _text(holder.public.to_bytes())
    return {"id": str(holder.id), "key_version": holder.key_version, "public": public}


def _holder_from_json(kind: str, content: Mapping[str, Any]) -> Holder:
    public = PublicIdentity.from_bytes(_bytes(content["public"]))
    return Holder(kind, UUID(content["id"]), _count(content["key_version"]), public)


def _seal_from_json(content: Mapping[str, Any], makers: list[PublicIdentity]) -> RecoverySeal:
    lockbox, epoch = UUID(content["lockbox"]), _count(content["epoch"])
    name = KeyName("lockbox", lockbox, epoch, str(content["subject"]), str(content["compartment"]))
    seal = Seal(_bytes(content["blob"]), _bytes(content["commitment"]), _bytes(content["signature"]))
    return RecoverySeal(name, seal, makers[_count(content["maker"])])


def _count(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 2**32:
        raise ValueError("not a count")
    return number
