"""An officer with a password for duress, and the session that somebody forces out of them."""

from tests.cast import PASSWORD, Cast, Officer, Stage

DURESS = "granite teapot under {} umbrellas"


def set_duress(officer: Officer, password: str) -> None:
    """Set the officer's password for duress, or with an empty one take it away, on the page."""
    shown = officer.get("/duress-password").text
    answers = {"own": PASSWORD.format(officer.name), "password": password, "again": password}
    answers |= {"code": officer.code()} if 'name="code"' in shown else {}
    answer = officer.post("/duress-password", **answers)
    assert answer.status_code == 303, answer.text


def prepared(cast: Cast, name: str) -> str:
    """Set a password for duress for one of the cast; return it."""
    password = DURESS.format(name)
    set_duress(cast[name], password)
    return password


def sign_in_with(stage: Stage, name: str, password: str) -> Officer:
    """Sign in with this password and the next code of the officer's app, in a browser of its own."""
    officer = Officer(stage, name)
    officer.get("/sign-in")
    answer = officer.post("/sign-in", name=name, password=password, banner="yes")
    assert answer.status_code == 303, answer.text
    officer.get("/sign-in/second-factor")
    answer = officer.post("/sign-in/second-factor", code=officer.code())
    assert answer.status_code == 303, answer.text
    officer.get("/sessions")
    return officer


def forced(cast: Cast, name: str) -> Officer:
    """One of the cast in a session under duress."""
    return sign_in_with(cast.stage, name, prepared(cast, name))
