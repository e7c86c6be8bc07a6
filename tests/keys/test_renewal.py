"""Renewal: what an officer who left could open gets new keys, whole steps at a time, and loses nothing."""

from sqlalchemy import select

from tests.cast import Cast
from tests.keys.renewing import findings, note, opened_notes, renew, revoke
from tests.programme import open_case
from vault.access import renewal
from vault.access.models import HolderKey, Lockbox, ShredPart
from vault.access.policy import Compartment, Role
from vault.access.seals import audit_seals


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
