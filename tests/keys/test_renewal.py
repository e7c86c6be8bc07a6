"""Renewal: what an officer who left could open gets new keys, whole steps at a time, and loses nothing."""

from sqlalchemy import select

from tests.cast import Cast
from tests.programme import OpenedCase, open_case
from vault.access import renewal
from vault.access.custody import KeyCase, find_lockbox
from vault.access.models import HolderKey, Lockbox, ShredPart
from vault.access.policy import Compartment, Role
from vault.access.seals import audit_seals
from vault.cases.models import Note
from vault.verification import verify


def note(cast: Cast, case: OpenedCase, text: str) -> None:
    """Ada writes a note."""
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/add/note")
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text=text).status_code == 303


def revoke(cast: Cast, name: str) -> None:
    """Max ends an officer's access."""
    from vault.officers import admission

    officer = cast[name].actor.officer
    max_ = cast["max"].actor
    with cast.stage.vault.writing() as db:
        admission.revoke(db, max_, admission.get(db, officer), cast.stage.clock.now)


def renew(cast: Cast) -> int:
    """Ada renews everything; how many things."""
    done: list[int] = []
    renewal.renew(cast.stage.vault, cast["ada"].actor, done.append)
    return sum(done)


def opened_notes(cast: Cast, name: str, case: OpenedCase) -> list[object]:
    """The notes as this officer's keys open them."""
    from crypto.columns import place_of

    with cast.stage.vault.reading() as db:
        keys = KeyCase(db, cast[name].actor, cast.stage.vault.trust)
        box = keys.lockbox(find_lockbox(db, f"case:{case.id}", Compartment.CASEWORK))
        rows = db.scalars(select(Note).where(Note.case == case.id).order_by(Note.at, Note.id))
        return [box.open(row.text.blob, place_of(row, "text")) for row in rows]


def findings(cast: Cast) -> tuple[str, ...]:
    """What verification finds."""
    return verify(cast.stage.vault, lambda _count: None).findings


def test_after_an_officer_left_everything_gets_new_keys_and_still_opens(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    note(cast, case, "Moved.")
    vault = cast.stage.vault
    revoke(cast, "ines")
    with vault.reading() as db:
        due = renewal.due(db)
        assert [(key.role, key.renew_due_at) for key in due.circles] == [
            (Role.INSPECTOR, cast.stage.clock.now)
        ]
        assert due.lockboxes > 0
        assert due.oldest is not None
        assert due.oldest <= cast.stage.clock.now
    renew(cast)
    with vault.reading() as db:
        assert renewal.due(db) == renewal.Due([], 0, None)
        assert audit_seals(db) == ([], [])
        epochs = dict(
            db.execute(select(Lockbox.compartment, Lockbox.epoch).where(Lockbox.case == case.id)).all()
        )
        assert epochs[Compartment.CASEWORK] == 2
        assert epochs[Compartment.FINANCE] == 1
        assert len(db.scalars(select(ShredPart)).all()) == len(db.scalars(select(Lockbox)).all())
        versions = [
            (key.version, key.withdrawn_at is None)
            for key in db.scalars(
                select(HolderKey)
                .where(HolderKey.role == "inspector", HolderKey.kind == "circle")
                .order_by(HolderKey.version)
            )
        ]
        assert versions == [(1, False), (2, True)]
    assert opened_notes(cast, "ada", case) == ["Moved."]
    assert opened_notes(cast, "cal", case) == ["Moved."]
    note(cast, case, "Arrived.")
    assert opened_notes(cast, "cal", case) == ["Moved.", "Arrived."]
    assert findings(cast) == ()
