"""The ids of very many entries, remembered in little room, to find the one that was there before.

An id begins with the moment of its making, so that in an honest ledger most are greater than all before
them: such an id is new without a search, and is kept in blocks of text that need no room beyond it.
"""

from bisect import bisect_right

NAME_BYTES = 36
"""The length of a UUID as it is written. Its four hyphens keep it from being found between two others."""


_BLOCK_BYTES = 256 * NAME_BYTES


class Names:
    """Ids as they are written, in lower case; 36 bytes for each that is greater than all before it."""

    def __init__(self) -> None:
        self._greatest = b""
        self._blocks: list[bytes] = []
        self._firsts: list[bytes] = []
        self._open = bytearray()
        self._late: set[bytes] = set()

    def add(self, names: bytes, rising: bool) -> int | None:
        """Remember the ids of a bundle, one behind the other; the position of the first that was known.

        `rising` says that each is greater than the one in front of it. After a known one nothing more is
        remembered.
        """
        if rising and names[:NAME_BYTES] > self._greatest:
            self._close_block()
            self._keep(names)
            return None
        for position, start in enumerate(range(0, len(names), NAME_BYTES)):
            if not self.add_one(names[start : start + NAME_BYTES]):
                return position
        return None

    def add_one(self, name: bytes) -> bool:
        """Remember one id; False when it was known."""
        if name > self._greatest:
            self._greatest = name
            self._open += name
            if len(self._open) == _BLOCK_BYTES:
                self._close_block()
            return True
        if name in self._late or name in self._open or self._is_in_block(name):
            return False
        self._late.add(name)
        return True

    def _close_block(self) -> None:
        if self._open:
            self._keep(bytes(self._open))
            self._open.clear()

    def _keep(self, rising: bytes) -> None:
        self._blocks.append(rising)
        self._firsts.append(rising[:NAME_BYTES])
        self._greatest = rising[-NAME_BYTES:]

    def _is_in_block(self, name: bytes) -> bool:
        after = bisect_right(self._firsts, name)
        return after > 0 and name in self._blocks[after - 1]
