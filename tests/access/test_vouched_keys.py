"""The vault's own word on keys and lockboxes: a stolen seed and the database are not enough to plant any."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from crypto.errors import CryptoError
from crypto.identity import Identity, certify
from crypto.sealing import Holder, KeyName, seal_key
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.programme import OpenedCase, open_case
from vault.access.custody import KeyCase, find_lockbox
from vault.access.keyring import Distrusted, Keyring, certify_key, vouch_for_key
from vault.access.models import HolderKey
from vault.access.policy import Compartment
from vault.verification import verify

# Keys decide here and not the engine.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def planted_key(cast: Cast) -> HolderKey:
    """A key of the thief's own making, certified for a new officer with Ada's stolen seed."""
    ada, own = cast["ada"].actor, Identity.generate()
    key = HolderKey(id=uuid4(), holder=uuid4(), kind="officer", role="inspector", version=1)
    key.public = own.public.to_bytes()
    signed = certify(ada.identity, ada.officer, key.kind, key.holder, key.role, key.version, own.public)
    key.issued_by, key.signature, key.certified_at = ada.officer, signed.signature, cast.stage.clock.now
    return key


def put_key(cast: Cast, key: HolderKey) -> None:
    """The thief writes the key into the database, with times and ids as an honest row has them."""
    thief = Thief(cast.stage)
    pattern = thief.rows("SELECT * FROM holder_keys WHERE kind = 'officer' AND signature IS NOT NULL")[0]
    names = ("id", "holder", "role", "version", "public", "issued_by", "signature", "code")
    thief.put("holder_keys", pattern | {name: getattr(key, name) for name in names})


def test_a_key_certified_with_a_stolen_coordinators_seed_gets_nothing_sealed(cast: Cast) -> None:
    key, vault = planted_key(cast), cast.stage.vault
    others = Thief(cast.stage).rows(
        "SELECT code FROM holder_keys WHERE role = 'inspector' AND kind = 'officer'"
    )
    for code in (None, bytes(16), others[0]["code"]):
        key.code = code
        put_key(cast, key)
        with vault.reading() as db, pytest.raises(Distrusted):
            Keyring(db, vault.trust).holder_of(key.holder, Compartment.IDENTITY)
        Thief(cast.stage).run("DELETE FROM holder_keys WHERE holder = ?", key.holder)
    vouch_for_key(key, vault.trust)
    put_key(cast, key)
    with vault.reading() as db:  # Only the vault's own word was missing.
        assert Keyring(db, vault.trust).holder_of(key.holder, Compartment.IDENTITY).id == key.holder


def test_a_code_does_not_fit_another_role_version_or_key(cast: Cast) -> None:
    thief, vault = Thief(cast.stage), cast.stage.vault
    cal, own = cast["cal"].actor.officer, Identity.generate().public.to_bytes()
    honest = thief.rows("SELECT * FROM holder_keys WHERE holder = ?", cal)[0]
    for change in (
        {"role": "finance"},
        {"version": 2},
        {"public": own},
        {"issued_by": cal},
        {"kind": "circle"},
    ):
        thief.overwrite("holder_keys", honest | change)
        with vault.reading() as db, pytest.raises(CryptoError):
            Keyring(db, vault.trust).public(cal, None)
    thief.overwrite("holder_keys", honest)
    with vault.reading() as db:
        assert Keyring(db, vault.trust).public(cal, None).to_bytes() == honest["public"]


def test_a_key_exchanged_between_enrolment_and_certification_is_not_signed(cast: Cast) -> None:
    key = planted_key(cast)
    key.issued_by = key.signature = key.certified_at = None
    with pytest.raises(Distrusted):
        certify_key(key, cast["ada"].actor, cast.stage.vault.trust, cast.stage.clock.now)
    assert key.signature is None


def write_note(cast: Cast, case: OpenedCase) -> TestResponse:
    """Ada writes a note, as in earnest: no error reaches the test past the pages."""
    cast.stage.app.testing = False
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/add/note")
    return ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved to Elm Street.")


def casework(cast: Cast, case: OpenedCase) -> dict[str, Any]:
    """The row of the case's casework lockbox."""
    query = "SELECT * FROM lockboxes WHERE subject = ? AND compartment = 'casework'"
    return Thief(cast.stage).rows(query, f"case:{case.id}")[0]


def assert_nothing_is_written(cast: Cast, case: OpenedCase) -> None:
    """Nothing is sealed, and the page says so in words."""
    answer = write_note(cast, case)
    assert answer.status_code == 500
    assert "not what an officer sealed" in answer.text
    assert Thief(cast.stage).rows("SELECT id FROM case_notes") == []


def test_a_clerk_who_owns_the_database_cannot_make_others_write_under_a_key_of_the_clerks(cast: Cast) -> None:
    """Cal is certified and holds casework, so Cal's signature on a seal of it is a good one."""
    case, thief, vault = open_case(cast, named=["cal"]), Thief(cast.stage), cast.stage.vault
    box, cal = casework(cast, case), cast["cal"].actor
    seals = thief.rows("SELECT * FROM seals WHERE key_id = ?", box["id"])
    seal = next(row for row in seals if row["holder_kind"] == "circle")
    circle, lockbox = UUID(str(seal["holder"])), UUID(str(box["id"]))
    with vault.reading() as db:
        public = Keyring(db, vault.trust).public(circle, None)
    name = KeyName("lockbox", lockbox, 1, f"case:{case.id}", "casework")
    forged = seal_key(bytes(32), name, Holder("circle", circle, 1, public), cal.identity)
    signed = {"blob": forged.blob, "commitment": forged.commitment, "signature": forged.signature}
    thief.overwrite("seals", seal | signed | {"made_by": cal.officer})
    assert_nothing_is_written(cast, case)


def test_a_shred_part_of_the_thiefs_choice_is_not_written_under(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    assert thief.run(
        "UPDATE shred_parts SET part = ? WHERE lockbox_id = ?", bytes(32), casework(cast, case)["id"]
    )
    assert_nothing_is_written(cast, case)


@pytest.mark.parametrize("change", [{"commitment": None}, {"code": None}, {"code": bytes(16)}])
def test_a_lockbox_that_the_vault_did_not_keep_so_is_not_written_under(
    cast: Cast, change: dict[str, bytes | None]
) -> None:
    case = open_case(cast, named=[])
    Thief(cast.stage).overwrite("lockboxes", casework(cast, case) | change)
    assert_nothing_is_written(cast, case)


def test_an_honest_lockbox_is_written_under_and_verifies(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    assert write_note(cast, case).status_code == 303
    assert len(Thief(cast.stage).rows("SELECT id FROM case_notes")) == 1
    assert verify(cast.stage.vault, lambda _count: None).findings == ()


def test_a_lockbox_moved_to_a_compartment_that_more_officers_hold_does_not_open(cast: Cast) -> None:
    case, thief, vault = open_case(cast, named=["cal"]), Thief(cast.stage), cast.stage.vault
    subject = f"person:{case.witness}"
    thief.run("DELETE FROM lockboxes WHERE subject = ? AND compartment = 'cover'", subject)
    thief.run(
        "UPDATE lockboxes SET compartment = 'cover' WHERE subject = ? AND compartment = 'identity'", subject
    )
    with vault.reading() as db, pytest.raises(CryptoError):
        KeyCase(db, cast["ada"].actor, vault.trust).lockbox(find_lockbox(db, subject, Compartment.COVER))
