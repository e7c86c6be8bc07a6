"""What can go wrong with the ledger; every message is a sentence without personal data."""


class LedgerError(Exception):
    """The root of every error of the ledger."""


class InvalidEntry(LedgerError, ValueError):
    """An entry, or bytes that should be one, breaks the rules of the format."""


class InvalidProof(LedgerError, ValueError):
    """A Merkle proof does not lead to the root it was given for."""


class LedgerUnavailable(LedgerError):
    """An entry cannot be recorded now, so nothing that rests on it may be shown."""


class LedgerDelayed(LedgerUnavailable):
    """A change was committed, but its entry still waits to be woven into the tree."""


class Damaged(LedgerError):
    """Verification found the first entry, or the first part, that is not as it was written.

    `index` is the number of the wrong entry, or None when no single entry is at fault;
    `what` says in words what is wrong with it.
    """

    def __init__(self, index: int | None, what: str) -> None:
        self.index = index
        self.what = what
        super().__init__(what if index is None else f"Entry {index:,}: {what}")

    def __reduce__(self) -> tuple[type["Damaged"], tuple[int | None, str]]:
        # Several processes may share a verification, and the one that finds the damage must tell the others.
        return Damaged, (self.index, self.what)


class Refusal(LedgerError):
    """Something that was asked of the ledger is refused."""


class NotTheNextVolume(Refusal):
    """A volume cannot begin: another one would be next, or the current one has no entry yet."""


class NotaryRefuses(Refusal):
    """The notary does not sign: the ledger is smaller than, or not a continuation of, what it signed."""


class DetailsRefused(Refusal):
    """Details do not open, or are not the ones their entry committed to."""


class NotVerified(Refusal):
    """A checkpoint, or a key that should verify one, that cannot be believed."""


class Unanswered(LedgerError):
    """The vault was not reached, or did not answer as the log does; nothing is proved and nothing refused."""


class TokenRefused(Unanswered):
    """The vault does not take the witness's token."""


class WitnessRefuses(Refusal):
    """The witness does not cosign: the ledger is not, or not provably, what it accepted before and more."""
