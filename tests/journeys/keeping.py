"""What the administrator does about accounts, and what officers do about their own."""

from tests.journeys import enrolling
from tests.journeys.at_work import AtWork

NEXT_PASSPHRASE = "five loud magpies argue"
TRIES = 5
"""So many wrong passwords lock an account."""


def admit(administrator: AtWork, coordinator: AtWork, newcomer: AtWork, full_name: str) -> None:
    """A clerk joins: added, enrolled, certified, and signed in."""
    code = enrolling.add(administrator, newcomer.name, full_name, "Unit clerk")
    own = enrolling.enrol(newcomer, code)
    assert enrolling.certify(coordinator, full_name) == own
    newcomer.sign_in(enrolling.PASSPHRASE)


def look_after(administrator: AtWork) -> None:
    """The administrator sees how the vault runs, what roles may do, and how it is set."""
    administrator.go("/desk")
    administrator.unfold("Menu")
    administrator.follow("Administration")
    administrator.sees("What keeps it going")
    administrator.follow("Roles")
    administrator.sees("What each role may do and open.")
    administrator.follow("Settings")
    administrator.sees("acts_wait_for")


def try_passwords(visitor: AtWork) -> None:
    """Somebody tries passwords until the account locks."""
    for _ in range(TRIES):
        visitor.go("/sign-in")
        visitor.write({"Name": visitor.name, "Password": "a guess of somebody else"})
        visitor.tick("I have read this and agree")
        visitor.press("Go on to the code")
    visitor.leave()


def release(administrator: AtWork, full_name: str) -> None:
    """The administrator finds the account that locked, and releases it."""
    administrator.go("/administration")
    administrator.follow("Sessions and locks")
    administrator.follow(f"Release {full_name}")
    administrator.give_code()
    assert administrator.press("Release the account") == 200
    administrator.sees("The account is released.")


def end_session(administrator: AtWork, full_name: str) -> None:
    """The administrator ends every session of an officer."""
    administrator.go("/administration/sessions")
    assert administrator.press(f"End all {full_name}") == 200
    administrator.sees("Signed out everywhere")


def make_backup_codes(officer: AtWork) -> list[str]:
    """An officer makes backup codes; those that are shown."""
    officer.go("/sessions")
    officer.follow("How you sign in: passkeys, app and backup codes")
    officer.follow("Make new backup codes")
    officer.give_code()
    assert officer.press("Make ten new codes") == 200
    codes = officer.page.locator(".vault-backup-codes li").all_inner_texts()
    officer.follow("I have printed them – go on")
    officer.sees("10 codes are left.")
    return codes


def change_password(officer: AtWork, old: str, new: str) -> None:
    """An officer changes the password and gets a new recovery code."""
    officer.go("/sessions")
    officer.follow("Change your password")
    officer.write({"Password now": old, "New password": new, "New password again": "something else"})
    assert officer.press("Change the password") == 422
    officer.sees("The two passwords differ.")
    officer.write({"Password now": old, "New password": new, "New password again": new})
    assert officer.press("Change the password") == 200
    officer.sees("recovery code")


def refuse_notices(officer: AtWork) -> None:
    """An officer wants no mail."""
    officer.go("/account")
    officer.follow("Notices by mail")
    officer.choose("When shall a notice be sent?", "Never")
    assert officer.press("Keep this choice") == 200
    officer.sees("Your choice of notices is kept.")
