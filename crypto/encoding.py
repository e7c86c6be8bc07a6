"""Length-prefixed encodings, so that two different statements never authenticate as the same bytes."""

from uuid import UUID

from crypto.errors import Unsealable

Item = bytes | str | int | UUID

MAXIMUM_INTEGER = 2**64 - 1


def item_bytes(item: Item) -> bytes:
    """The bytes that stand for one item: integers u64be, text UTF-8, a UUID its sixteen bytes.

    Raises Unsealable for an integer out of range, for text that is not Unicode and for other types.
    """
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        try:
            return item.encode()
        except UnicodeEncodeError:
            raise Unsealable("Text that is authenticated must be valid Unicode.") from None
    if isinstance(item, UUID):
        return item.bytes
    # A bool is an int to Python; it is refused so that True and 1 cannot stand for one another.
    if type(item) is int and 0 <= item <= MAXIMUM_INTEGER:
        return item.to_bytes(8, "big")
    raise Unsealable("Only bytes, text, UUIDs and integers of 64 bits can be authenticated.")


def framed(item: Item) -> bytes:
    """One item behind its length, u32be."""
    content = item_bytes(item)
    return len(content).to_bytes(4, "big") + content


def enc(label: str, *items: Item) -> bytes:
    """The label and the items, each behind its length.

    Two calls give the same bytes only if their items have the same bytes in the same places; a label
    fixes the number and the type of the items that follow it, so that the encoding is injective.
    """
    return framed(label) + b"".join(map(framed, items))
