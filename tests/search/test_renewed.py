"""New keys for the coordinators and for the directory's lockbox lose no name, waiting or filed."""

from uuid import uuid4

from sqlalchemy import select

from tests.cast import Cast
from tests.search.filing import file, filed, leave
from vault.access import renewal
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase, find_lockbox
from vault.access.listings import SUBJECT, Listing, waiting
from vault.access.models import DirectorySlip, HolderKey, Lockbox
from vault.access.policy import Compartment, Role
from vault.access.rekeying import rekey
from vault.verification import verify


def somebody(name: str) -> Listing:
    return Listing(uuid4(), uuid4(), (name,), None, ())


def renew_coordinators(cast: Cast) -> None:
    """Make the next version of the coordinators' key."""
    vault, ada = cast.stage.vault, cast["ada"].actor
    with vault.writing() as db:
        renewal.renew_circle(db, ada, vault.trust, Role.COORDINATOR, cast.stage.clock.now)


def test_slips_sealed_to_an_older_key_are_filed_with_those_sealed_to_the_new_one(cast: Cast) -> None:
    stage, ines = cast.stage, cast["ines"].actor
    before, after = somebody("Jane Roe"), somebody("John Stone")
    leave(stage, ines, [(before, 2, False)])
    renew_coordinators(cast)
    leave(stage, ines, [(after, 2, False)])
    with stage.vault.reading() as db:
        assert set(db.scalars(select(DirectorySlip.holder_version))) == {1, 2}
    assert file(stage, cast["ada"].actor) == 2
    assert filed(cast) == {before.ref: before, after.ref: after}


def test_renewal_files_what_waits_before_an_old_key_goes(cast: Cast) -> None:
    stage, ada = cast.stage, cast["ada"].actor
    filed_before, waits = somebody("Jane Roe"), somebody("John Stone")
    leave(stage, ada, [(filed_before, 2, False)])
    file(stage, ada)
    leave(stage, ada, [(waits, 2, False)])
    renew_coordinators(cast)
    renewal.renew(stage.vault, ada, lambda _count: None)
    with stage.vault.reading() as db:
        assert waiting(db) == set()
        coordinators = select(HolderKey).where(
            HolderKey.kind == "circle", HolderKey.role == Role.COORDINATOR, HolderKey.withdrawn_at.is_(None)
        )
        assert [key.version for key in db.scalars(coordinators)] == [2]
        assert db.scalars(select(Lockbox.epoch).where(Lockbox.subject == SUBJECT)).one() == 2
        assert audit_seals(db) == ([], [])
    assert filed(cast) == {filed_before.ref: filed_before, waits.ref: waits}
    assert verify(stage.vault, lambda _count: None).findings == ()


def test_a_directory_of_several_pages_keeps_every_name_through_a_new_key_of_its_own(cast: Cast) -> None:
    stage, ada = cast.stage, cast["ada"].actor
    people = [somebody(f"Person {number}") for number in range(130)]
    leave(stage, ada, [(one, 2, False) for one in people])
    file(stage, ada)
    with stage.vault.writing() as db:
        box = find_lockbox(db, SUBJECT, Compartment.DIRECTORY)
        rekey(db, ada, stage.vault.trust, box, KeyCase(db, ada, stage.vault.trust), stage.clock.now)
    leave(stage, ada, [(people[0], 3, True)])
    file(stage, ada)
    assert set(filed(cast)) == {one.ref for one in people[1:]}
