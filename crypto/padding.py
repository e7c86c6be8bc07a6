"""Lengths that tell little: 32-byte steps up to 256 bytes, then Padmé (PURBs, Nikitin et al. 2019)."""

from crypto.errors import Malformed

STEP = 32
LAST_STEP = 256
PREFIX = 4


def padded_length(length: int) -> int:
    """The length to which `length` bytes are padded; above 256 it grows by less than an eighth."""
    if length <= LAST_STEP:
        return max(STEP, -(-length // STEP) * STEP)
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    """The length u32be, the bytes, zeros."""
    framed = len(plaintext).to_bytes(PREFIX, "big") + plaintext
    return framed.ljust(padded_length(len(framed)), b"\0")


def unpad(padded: bytes) -> bytes:
    """What `pad` was given; raises Malformed when the padding is any other."""
    end = PREFIX + int.from_bytes(padded[:PREFIX], "big")
    if len(padded) < PREFIX or len(padded) != padded_length(end) or padded[end:].strip(b"\0"):
        raise Malformed("The padding inside the sealed bytes is not ours.")
    return padded[PREFIX:end]
