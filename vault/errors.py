"""What can go wrong, each with a sentence for the person and the status it is answered with."""

from datetime import date


class VaultError(Exception):
    """An act could not be done. `message` is for the person; it holds no personal data."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotSignedIn(VaultError):
    """Nobody is signed in, or the session has ended."""

    status = 401


class RoleMayNot(VaultError):
    """The officer's role does not have the permission; the refusal is recorded."""

    status = 403


class NotKnown(VaultError):
    """Not there, or not this officer's to know of: the two are answered alike."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing here that you can open.")


class RuleForbids(VaultError):
    """A rule of the programme forbids the act now."""

    status = 409


class Superseded(RuleForbids):
    """Somebody else saved the same record in the meantime."""

    def __init__(self) -> None:
        super().__init__(
            "Someone else saved this record while you were working on it. Nothing of yours was lost: "
            "your words are still below. Compare them with the saved record, then save again."
        )


class RecordsDestroyed(RuleForbids):
    """What would be opened or added to was destroyed by an act; the plain facts and the ledger stay."""

    status = 410

    def __init__(self, day: date) -> None:
        super().__init__(
            f"These records were destroyed on {day:%B} {day.day}, {day.year}. "
            "Nothing of them can be opened, and nothing can be added."
        )


class StepUpNeeded(RuleForbids):
    """The act asks for the second factor again, given within the last five minutes."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Enter the current code from your authenticator app to go on.")


class DoesNotOpen(VaultError):
    """What is kept is not what was sealed here, or was sealed by one who may not; recorded as refused."""

    status = 500

    def __init__(self) -> None:
        super().__init__(
            "Something kept here is not what an officer sealed, so it was not opened. "
            "Tell the auditor today: somebody may have changed the database."
        )


class CannotRecord(VaultError):
    """The ledger or the database cannot be written, so nothing was shown and nothing was changed."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The vault cannot record this right now, so nothing was shown or changed. "
            "Wait a minute and try again."
        )


class NotConfirmed(VaultError):
    """An act of weight was announced, and whoever keeps watch outside the database has not seen it yet.

    `reason` is a word for the ledger. Nothing was done.
    """

    status = 503

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @classmethod
    def without_notary(cls) -> "NotConfirmed":
        """The notary did not sign in time."""
        return cls(
            "notary-away",
            "Nothing was done. An act like this waits until the notary has signed that it was announced, and "
            "the notary has not answered. Wait a minute and try again. If it stays, tell the administrator.",
        )

    @classmethod
    def by_refusal(cls, words: str) -> "NotConfirmed":
        """The notary says why it does not sign."""
        return cls(
            "notary-refuses",
            f"Nothing was done. The notary refuses to sign the ledger: {words} "
            "Call the auditor now, and change nothing until then.",
        )

    @classmethod
    def by_hashes(cls) -> "NotConfirmed":
        """What was signed is not what the database says was signed."""
        return cls(
            "not-counted",
            "Nothing was done. The database says that the notary has signed the announcement of this act, "
            "and the signature is of something else. Call the auditor now, and change nothing until then.",
        )

    @classmethod
    def by_end_of_access(cls) -> "NotConfirmed":
        """The officer's access ended while the act waited."""
        return cls(
            "access-ended",
            "Nothing was done. Your access ended while this waited. Ask the coordinator why.",
        )

    @classmethod
    def without_witness(cls) -> "NotConfirmed":
        """No witness cosigned in time."""
        return cls(
            "witness-away",
            "Nothing was done. An act like this waits until the outside witness has seen that it was "
            "announced, and the witness has not answered. Ask the auditor whether the witness is running, "
            "then try again.",
        )

    @classmethod
    def without_any_witness(cls) -> "NotConfirmed":
        """No witness is registered, so there is nobody to wait for."""
        return cls(
            "no-witness",
            "Nothing was done. An act like this waits until an outside witness has seen that it was "
            "announced, and no witness is registered. Ask the auditor to register one, then try again.",
        )
