"""Circles with several live versions: who holds which, and that old ones open nothing after renewal."""

from uuid import UUID

import pytest
from sqlalchemy import select

from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.lockbox import LockboxKey
from crypto.sealing import Holder, KeyName, Seal, open_seal
from tests.adversaries.thief import Thief
from tests.cast import Cast, Stage
from tests.keys.renewing import findings, note, renew, revoke
from tests.programme import open_case
from vault.access import renewal
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase
from vault.access.keyring import Keyring
from vault.access.models import HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import Role
from vault.access.seals import circle_key
from vault.errors import RoleMayNot

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def circle_rows(cast: Cast, role: Role) -> list[tuple[int, bool]]:
    """Each version of a role's circle, and whether it is live."""
    query = select(HolderKey).where(HolderKey.kind == "circle", HolderKey.role == role)
    with cast.stage.vault.reading() as db:
        keys = db.scalars(query.order_by(HolderKey.version)).all()
    return [(key.version, key.withdrawn_at is None) for key in keys]


def opened_with(stage: Stage, seeds: list[bytes], kind: str, holder: UUID) -> set[UUID]:
    """Lockboxes that open to whoever has a copy of the database and these seeds, by bare cryptography."""
    opened = set()
    with stage.vault.reading() as db:
        ring = Keyring(db, stage.vault.trust)
        parts = {(part.lockbox, part.epoch): part.part for part in db.scalars(select(ShredPart))}
        boxes = {box.id: box for box in db.scalars(select(Lockbox))}
        for row in db.scalars(select(SealRow).where(SealRow.key_kind == "lockbox")):
            box = boxes[row.key]
            name = KeyName("lockbox", box.id, row.epoch, box.subject, str(box.compartment))
            maker = ring.public(row.made_by, row.made_by_version)
            for identity in map(Identity.from_seed, seeds):
                target = Holder(kind, holder, row.holder_version, identity.public)
                try:
                    sealed_part = open_seal(
                        Seal(row.blob, row.commitment, row.signature), name, target, identity, maker
                    )
                    LockboxKey(box.id, row.epoch, sealed_part, parts[box.id, row.epoch])
                except CryptoError:
                    continue
                opened.add(box.id)
    return opened


def test_what_officers_who_left_took_along_opens_nothing_once_renewal_is_done(cast: Cast) -> None:
    """Ines was named on the case; Dee held the deputies' circle."""
    case, stage = open_case(cast, named=["ines"]), cast.stage
    ines, dee = cast["ines"].actor, cast["dee"].actor
    with stage.vault.reading() as db:
        keys = KeyCase(db, dee, stage.vault.trust)
        ((circle, version),) = keys.versions_of(Role.DEPUTY)
        seed = keys.circle(circle, version).seed
    assert opened_with(stage, [ines.identity.seed], "officer", ines.officer)
    assert opened_with(stage, [seed], "circle", circle)
    for name in ("ines", "dee"):
        revoke(cast, name)
    renew(cast)
    note(cast, case, "Moved.")
    assert opened_with(stage, [ines.identity.seed], "officer", ines.officer) == set()
    assert opened_with(stage, [seed, dee.identity.seed], "circle", circle) == set()
    with stage.vault.reading() as db:
        assert KeyCase(db, dee, stage.vault.trust).versions_of(Role.DEPUTY) == []


def renew_role(cast: Cast, role: Role) -> None:
    """Ada makes a new version of one role's circle, and stops there."""
    with cast.stage.vault.writing() as db:
        renewal.renew_circle(db, cast["ada"].actor, cast.stage.vault.trust, role, cast.stage.clock.now)


def test_two_versions_are_live_until_every_lockbox_has_gone_over(cast: Cast) -> None:
    open_case(cast, named=[])
    vault, ada = cast.stage.vault, cast["ada"].actor
    renew_role(cast, Role.COORDINATOR)
    assert circle_rows(cast, Role.COORDINATOR) == [(1, True), (2, True)]
    with vault.reading() as db:
        assert audit_seals(db) == ([], [])
        assert circle_key(db, Role.COORDINATOR).version == 2
        waiting = renewal.due(db).lockboxes
        boxes = db.scalars(select(Lockbox)).all()
        keys = KeyCase(db, ada, vault.trust)
        keys.fetch(boxes)  # Nothing is shut meanwhile.
        assert len(keys.circles_of(Role.COORDINATOR)) == 2
        assert waiting == len(boxes)
    assert renewal.renew_some(vault, ada, vault.now(), 3) == 3
    assert circle_rows(cast, Role.COORDINATOR) == [(1, True), (2, True)]
    with vault.reading() as db:
        assert renewal.due(db).lockboxes == waiting - 3
        assert audit_seals(db) == ([], [])
    assert renew(cast) == waiting - 3 + 1
    assert circle_rows(cast, Role.COORDINATOR) == [(1, False), (2, True)]
    with vault.reading() as db:
        assert audit_seals(db) == ([], [])
    assert findings(cast) == ()


@ON_SQLITE
def test_a_new_colleague_is_handed_every_live_version(cast: Cast) -> None:
    from crypto.passwords import PasswordCost
    from tests.cast import CHEAP
    from vault.officers import admission
    from vault.officers.models import OfficerState

    open_case(cast, named=[])
    renew_role(cast, Role.COORDINATOR)
    vault, ada, now = cast.stage.vault, cast["ada"].actor, cast.stage.clock.now
    with vault.writing() as db:
        officer, _ = admission.add(db, cast["max"].actor, "bea", "Bea Brook", Role.COORDINATOR, now)
        cost = PasswordCost.from_text(CHEAP)
        identity, _ = admission.give_keys(db, vault.root, officer, "a long password of bea", cost)
        officer.state, officer.enrolment_hash = OfficerState.ENROLLED, None
        admission.certify_officer(db, ada, vault.trust, officer, now)
        from vault.access.actor import Actor

        bea = Actor(officer.id, "Bea Brook", Role.COORDINATOR, True, 1, None, None, identity)
    with vault.reading() as db:
        assert audit_seals(db) == ([], [])
        keys = KeyCase(db, bea, vault.trust)
        assert [version for _, version in keys.versions_of(Role.COORDINATOR)] == [2, 1]
        keys.fetch(db.scalars(select(Lockbox)).all())


@ON_SQLITE
def test_only_a_coordinator_renews(cast: Cast) -> None:
    vault, dee = cast.stage.vault, cast["dee"].actor
    with pytest.raises(RoleMayNot):
        renewal.renew_some(vault, dee, vault.now(), 1)
    with vault.writing() as db, pytest.raises(RoleMayNot):
        renewal.renew_circle(db, dee, vault.trust, Role.DEPUTY, vault.now())
    assert circle_rows(cast, Role.DEPUTY) == [(1, True)]


def test_auditors_read_the_details_of_entries_before_and_after_their_key_was_renewed(cast: Cast) -> None:
    from vault.access.events import Event, record_apart
    from vault.access.reading import open_details

    stage, vault = cast.stage, cast.stage.vault
    aud, receipts = cast["aud"].actor, []
    for words in ("before", "after"):
        receipts.append(
            record_apart(
                vault, Event.REFUSED, who=cast["ada"].actor, now=stage.clock.now, subjects=[],
                details={"words": words},
            )
        )  # fmt: skip
        if words == "before":
            renew_role(cast, Role.AUDITOR)
    renew(cast)
    assert circle_rows(cast, Role.AUDITOR) == [(1, True), (2, True)]
    with vault.reading() as db:
        assert KeyCase(db, cast["ada"].actor, vault.trust).versions_of(Role.AUDITOR) == []
        for receipt, words in zip(receipts, ("before", "after"), strict=True):
            woven = vault.ledger.entry(db, receipt.index)
            assert open_details(vault, db, aud, woven, stage.clock.now).words == {"words": words}
    with vault.reading() as db:
        assert audit_seals(db) == ([], [])


@ON_SQLITE
def test_an_officer_whose_key_was_planted_gets_no_new_circle(cast: Cast) -> None:
    from tests.access.test_vouched_keys import planted_key, put_key

    key = planted_key(cast)
    key.code = bytes(16)
    put_key(cast, key)
    renew_role(cast, Role.INSPECTOR)
    seals = Thief(cast.stage).rows("SELECT holder FROM seals WHERE key_kind = 'circle' AND epoch = 2")
    holders = {UUID(str(row["holder"])) for row in seals}
    assert key.holder not in holders
    assert {cast[name].actor.officer for name in ("ada", "ines", "ivo")} == holders


@ON_SQLITE
def test_an_old_key_that_is_put_back_opens_nothing_and_is_found(cast: Cast) -> None:
    case, stage, thief = open_case(cast, named=["ines"]), cast.stage, Thief(cast.stage)
    ines = cast["ines"].actor
    boxes = thief.rows(
        "SELECT * FROM lockboxes WHERE subject = ? AND compartment = 'casework'", f"case:{case.id}"
    )
    seals = thief.rows("SELECT * FROM seals WHERE key_id = ? AND holder = ?", boxes[0]["id"], ines.officer)
    parts = thief.rows("SELECT * FROM shred_parts WHERE lockbox_id = ?", boxes[0]["id"])
    revoke(cast, "ines")
    renew(cast)
    assert findings(cast) == ()
    thief.put("seals", seals[0])
    thief.put("shred_parts", parts[0])
    with stage.vault.reading() as db:
        box = db.get_one(Lockbox, UUID(str(boxes[0]["id"])))
        keys = KeyCase(db, ines, stage.vault.trust)
        keys.fetch([box])
        assert not keys._is_open(box)
        KeyCase(db, cast["ada"].actor, stage.vault.trust).lockbox(box)
    found = findings(cast)
    assert [line.partition(":")[0] for line in found[:2]] == [
        "Seal of an earlier time, which should be gone",
        "Half of a key is there that belongs to nothing",
    ]
    thief.overwrite("lockboxes", boxes[0])  # The whole lockbox as it was: the row itself tells.
    assert any(line.startswith(f"Row lockboxes/{box.id}") for line in findings(cast))
