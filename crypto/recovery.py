"""The recovery key: made offline at the founding, kept as SLIP-39 shares on paper, three of five.

Only its public half ever reaches the server; every lockbox is sealed to it. The shares are the last way
to a record when nobody is left who holds its lockbox.
"""

from collections.abc import Sequence

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics

from crypto.errors import NotRecovered
from crypto.identity import Identity
from crypto.public import NO_SIGNING, PublicIdentity

SHARES = 5
THRESHOLD = 3


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
