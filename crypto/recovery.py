"""The recovery key: made offline at the founding, kept as SLIP-39 shares on paper, three of five.

Only its public half ever reaches the server; every lockbox is sealed to it. The shares are the last way
to a record when nobody is left who holds its lockbox.
"""

from collections.abc import Sequence

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics, rs1024
from shamir_mnemonic.constants import CUSTOMIZATION_STRING_EXTENDABLE
from shamir_mnemonic.share import Share
from shamir_mnemonic.wordlist import WORDLIST, mnemonic_to_indices

from crypto.errors import NotRecovered
from crypto.identity import Identity
from crypto.public import NO_SIGNING, PublicIdentity

SHARES = 5
THRESHOLD = 3
WORDS = 33
LISTED = frozenset(WORDLIST)


def recovery_public(identity: Identity) -> PublicIdentity:
    """The public half of a recovery key: it opens and never signs, so it has no signing key."""
    return PublicIdentity(identity.public.sealing, NO_SIGNING)


def create_recovery() -> tuple[Identity, tuple[str, ...]]:
    """A new recovery identity and its five shares of 33 words (SLIP-39), any three of which restore it."""
    identity = Identity.generate()
    return identity, split(identity)


def split(identity: Identity) -> tuple[str, ...]:
    """Five new shares of a recovery identity; shares of different splittings do not combine."""
    (shares,) = generate_mnemonics(1, [(THRESHOLD, SHARES)], identity.seed)
    return tuple(shares)


def read_share(typed: str, earlier: Sequence[str]) -> str:
    """One share as it was typed from its paper, checked by itself and beside the shares given before it.

    Raises NotRecovered, which says the number of the word to look at and never the word.
    """
    words = typed.lower().split()
    for number, word in enumerate(words, 1):
        if word not in LISTED:
            raise NotRecovered(f"Word {number} is not a word of the list. Compare it with the paper.")
    if len(words) != WORDS:
        raise NotRecovered(f"A share has {WORDS} words; these are {len(words)}. Compare them with the paper.")
    share = " ".join(words)
    if share in earlier:
        raise NotRecovered("This share was given already. Take another one.")
    read = _read(share)
    if any(read.common_parameters() != _read(other).common_parameters() for other in earlier):
        raise NotRecovered("This share is of another set than the shares given before it.")
    return share


def _read(share: str) -> Share:
    try:
        read = Share.from_mnemonic(share)
    except (MnemonicError, ValueError, IndexError):
        number = _misread_word(share)
        if number is not None:
            raise NotRecovered(f"Word {number} does not fit the others. Compare it with the paper.") from None
        raise NotRecovered(
            "Each word is in the list, yet together they are no share: some are wrong or change places."
        ) from None
    if read.member_threshold != THRESHOLD:
        raise NotRecovered("This share is not one of a vault's recovery key.")
    return read


def _misread_word(share: str) -> int | None:
    """The number of the one word that would have to be another one, or None when no single word is.

    The checksum of SLIP-39 tells any two shares apart by four words or more, so that at most one word can be
    the one misread. Which word it should be stays untold: it stands on the paper.
    """
    indices = list(mnemonic_to_indices(share))
    custom = CUSTOMIZATION_STRING_EXTENDABLE
    for at, written in enumerate(indices):
        for other in range(len(WORDLIST)):
            indices[at] = other
            if rs1024.verify_checksum(indices, custom):
                return at + 1
        indices[at] = written
    return None


def combine(shares: Sequence[str], public: PublicIdentity) -> Identity:
    """The recovery identity of three different shares, compared with the public half in use.

    Raises NotRecovered for a wrong word, too few or too many shares, one share given twice, shares of
    different splittings, and shares of another key; it never gives back a wrong key.
    """
    written = [" ".join(share.lower().split()) for share in shares]
    if len(set(written)) != len(written):
        raise NotRecovered("The same share was given twice; each must be another one.")
    if len(written) != THRESHOLD:
        raise NotRecovered("Exactly three shares are needed.")
    try:
        identity = Identity(combine_mnemonics(written))
    except (MnemonicError, ValueError, IndexError):
        raise NotRecovered("The shares do not fit together; check each word against its paper.") from None
    if recovery_public(identity) != public:
        raise NotRecovered("These shares are of another recovery key.")
    return identity


if __name__ == "__main__":
    # The conversation on the offline machine needs this module, so it is imported only when it is held.
    from crypto.recovery_command import main

    main(prog_name="python -m crypto.recovery")
