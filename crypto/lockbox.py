"""One subject's compartment: the content key in one epoch, and the keys that grow from it."""

import os
from uuid import UUID

from crypto.derivation import KEY_LENGTH, expand, extract
from crypto.encoding import enc
from crypto.errors import Malformed
from crypto.fields import FieldCipher, Value
from crypto.hidden import Hidden
from crypto.places import Place

__all__ = ["LockboxKey", "Place", "Sealer", "Value", "new_parts"]


def new_parts() -> tuple[bytes, bytes]:
    """The sealed part and the shred part of a new lockbox, 32 random bytes each.

    The sealed part is sealed to holders; the shred part lies in a table of its own. Without either of
    them nothing in the lockbox opens, so that deleting the shred part destroys the records for all.
    """
    return os.urandom(KEY_LENGTH), os.urandom(KEY_LENGTH)


class Sealer(Hidden):
    """May put fields into a lockbox and cannot open any: all that an act which writes is given."""

    __slots__ = ("_cipher", "epoch", "lockbox")

    def __init__(self, lockbox: UUID, epoch: int, cipher: FieldCipher) -> None:
        self.lockbox = lockbox
        self.epoch = epoch
        self._cipher = cipher

    def seal(self, value: Value, place: Place) -> bytes:
        """The blob of one field; raises Unsealable."""
        return self._cipher.seal(value, place)


class LockboxKey(Hidden):
    """The open lockbox: seals and opens its fields, and gives the key of its files.

    Raises Malformed when a part is not 32 bytes.
    """

    __slots__ = ("_cipher", "commitment", "epoch", "files_key", "lockbox", "open", "seal")

    def __init__(self, lockbox: UUID, epoch: int, sealed_part: bytes, shred_part: bytes) -> None:
        if len(sealed_part) != KEY_LENGTH or len(shred_part) != KEY_LENGTH:
            raise Malformed("Each part of a lockbox's key is 32 bytes long.")
        content_key = extract(shred_part, sealed_part)
        self.lockbox = lockbox
        self.epoch = epoch
        self.commitment = expand(content_key, enc("vault/lockbox/commitment/v1", lockbox, epoch), KEY_LENGTH)
        self.files_key = expand(content_key, enc("vault/lockbox/files/v1", lockbox, epoch), KEY_LENGTH)
        fields_key = expand(content_key, enc("vault/lockbox/fields/v1", lockbox, epoch), KEY_LENGTH)
        self._cipher = FieldCipher(fields_key, lockbox, epoch)
        # Bound once: a page opens many fields, and one more call for each would be felt.
        self.seal = self._cipher.seal
        self.open = self._cipher.open

    def sealer(self) -> Sealer:
        """The half of this key that writes and cannot read."""
        return Sealer(self.lockbox, self.epoch, self._cipher)
