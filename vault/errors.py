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
