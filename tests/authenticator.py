"""An officer's authenticator app against a served vault, whose clock is the machine's own."""

import time

import pyotp

STEP = 30
MARGIN = 15
"""For so many seconds a code must still be taken: a busy machine may be slow to send it."""


class Authenticator:
    """Each code works once; the vault takes the one before, the present one and the next."""

    def __init__(self, secret: str) -> None:
        self.secret, self._used = secret, 0

    def code(self) -> str:
        """The earliest code that was not used yet and stays good for a while, waiting where there is none."""
        while (step := max(self._used + 1, int(time.time() + MARGIN) // STEP - 1)) > time.time() // STEP + 1:
            time.sleep(0.2)
        self._used = step
        return pyotp.TOTP(self.secret).at(step * STEP)
