"""Short ways for the tests of renewal: an officer leaves, notes are written, everything is renewed."""

from sqlalchemy import select

from crypto.columns import place_of
from tests.cast import Cast
from tests.programme import OpenedCase
from vault.access import renewal
from vault.access.custody import KeyCase, find_lockbox
from vault.access.policy import Compartment
from vault.cases.models import Note
from vault.officers import admission, revoking
from vault.verification import verify


def note(cast: Cast, case: OpenedCase, text: str) -> None:
    """Ada writes a note."""
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/add/note")
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text=text).status_code == 303


def revoke(cast: Cast, name: str) -> None:
    """Max ends an officer's access."""
    officer, max_ = cast[name].actor.officer, cast["max"].actor
    with cast.stage.vault.writing() as db:
        leaver, ground = admission.get(db, officer), revoking.Ground.LEFT
        revoking.revoke(db, max_, leaver, ground, "", cast.stage.clock.now)


def renew(cast: Cast) -> int:
    """Ada renews everything; how many things."""
    done: list[int] = []
    renewal.renew(cast.stage.vault, cast["ada"].actor, done.append)
    return sum(done)


def opened_notes(cast: Cast, name: str, case: OpenedCase) -> list[object]:
    """The notes as this officer's keys open them."""
    with cast.stage.vault.reading() as db:
        keys = KeyCase(db, cast[name].actor, cast.stage.vault.trust)
        box = keys.lockbox(find_lockbox(db, f"case:{case.id}", Compartment.CASEWORK))
        rows = db.scalars(select(Note).where(Note.case == case.id).order_by(Note.at, Note.id))
        return [box.open(row.text.blob, place_of(row, "text")) for row in rows]


def findings(cast: Cast) -> tuple[str, ...]:
    """What verification finds."""
    return verify(cast.stage.vault, lambda _count: None).findings
