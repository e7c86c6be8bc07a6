"""Who only writes to the database cannot excuse what they changed, nor give themself a step-up."""

import json
from uuid import uuid4

from sqlalchemy import text

from audit.entries import Entry, new_entry_id
from audit.tables import pending
from tests.cast import Cast
from tests.programme import open_case
from vault.cases.models import Case
from vault.database import row_digest, row_name
from vault.verification import verify


def test_an_entry_that_a_database_writer_adds_to_excuse_a_changed_row_is_found(cast: Cast) -> None:
    case, stage = open_case(cast, named=[]), cast.stage
    assert verify(stage.vault, lambda _: None).findings == ()
    with stage.vault.database.engine.begin() as thief:
        thief.execute(text("UPDATE cases SET ceiling_cents = 99999900"))
    with stage.vault.reading() as db:
        changed = db.get_one(Case, case.id)
        rows = {row_name(changed): row_digest(changed)}
    forged = Entry(
        id=new_entry_id(stage.clock.now),
        at=stage.clock.now,
        event="ceiling-set",
        officer=cast["ada"].actor.officer,
        session="00000000",
        subjects=(f"case:{case.id}",),
        compartment=None,
        fields=(),
        reason=None,
        outcome="done",
        rows=rows,
        facts={"vouched": uuid4().hex},
        details=None,
    )
    with stage.vault.database.engine.begin() as thief:
        thief.execute(pending.insert().values(id=forged.id, leaf=forged.canonical(), details=None))
    cast["ada"].get("/desk")
    findings = verify(stage.vault, lambda _: None).findings
    assert any("somebody else than the vault" in finding for finding in findings)


def test_every_entry_that_the_vault_made_is_vouched_for(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    with cast.stage.vault.database.engine.connect() as connection:
        leaves = connection.execute(text("SELECT leaf FROM ledger_entries")).scalars().all()
    assert len(leaves) > 20
    assert all(len(json.loads(bytes(leaf))["facts"]["vouched"]) == 32 for leaf in leaves)
    assert verify(cast.stage.vault, lambda _: None).findings == ()


def test_a_step_up_written_into_the_session_row_opens_nothing(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    with cast.stage.vault.database.engine.begin() as thief:
        thief.execute(text("UPDATE sessions SET stepped_up_at = seen_at, step_up_code = sid_hash"))
    ines.get(f"/records/person/{case.witness}/identity/open")
    answer = ines.post(f"/records/person/{case.witness}/identity/open", reason="visit")
    assert answer.status_code == 422
    assert "Recorded as entry" not in answer.text


def test_a_copied_cookie_cannot_replace_an_identity_without_the_code(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    ines.get("/sessions")
    place = f"/records/person/{case.witness}/identity/save"
    answer = ines.post(place, legal_name="Nobody", version="1")
    assert answer.status_code == 422
    assert "Nobody" in answer.text
    assert ines.post(place, legal_name="Nobody", version="1", code=ines.code()).status_code == 303


def test_a_ceiling_above_the_usual_is_left_to_the_deputy(cast: Cast) -> None:
    from tests.programme import send_referral

    referral, ada = send_referral(cast), cast["ada"]
    ada.get(f"/referrals/{referral}")
    for version, outcome in enumerate(("yes", "yes", "services"), 1):
        ada.post(f"/referrals/{referral}/decide", outcome=outcome, reasons="Yes.", version=str(version))
    answer = ada.post(f"/referrals/{referral}/open-case", ceiling="4000.01", days="30")
    assert answer.status_code == 422
    assert "ask the deputy" in answer.text
