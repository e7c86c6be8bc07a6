"""How the demonstration tells who can sign in: a table for a person, one JSON object for a program."""

import json
from collections.abc import Sequence
from datetime import datetime

import pyotp

from vault.demonstration.cast import Login
from vault.officers.proofs import STEP_SECONDS


def as_json(url: str, logins: Sequence[Login]) -> str:
    """One object: the address, and everybody's role word, password and TOTP secret."""
    officers = [
        {
            "name": login.name,
            "full_name": login.full_name,
            "role": login.role.value,
            "password": login.password,
            "totp_secret": login.totp_secret,
        }
        for login in logins
    ]
    return json.dumps({"url": url, "officers": officers})


def as_table(logins: Sequence[Login], now: datetime) -> str:
    """One line for each officer, with the code that is good now."""
    rows = [("Name", "Code now", "Role", "Password", "TOTP secret")]
    rows += [
        (
            login.name,
            pyotp.TOTP(login.totp_secret, interval=STEP_SECONDS).at(now),
            login.role.label,
            login.password,
            login.totp_secret,
        )
        for login in logins
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ("-" * widths[0], *("-" * width for width in widths[1:])))  # type: ignore[arg-type]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def explanation(url: str, command: str, serves: bool) -> str:
    """What to do with the table."""
    lines = [
        "Everybody in this vault is invented. A code is good for 30 seconds: put a secret into an",
        f"authenticator app, or ask for fresh codes in another terminal:  {command}",
    ]
    if serves:
        lines += ["", f"Open {url} in a browser on this machine.  Stop with Ctrl+C."]
    return "\n".join(lines)
