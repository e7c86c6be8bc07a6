"""No change and no plaintext without an entry, and nothing at all when it cannot be recorded."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.dialects import sqlite

from audit.errors import LedgerUnavailable
from audit.finding import Filters
from tests.cast import MONDAY, PATIENCE, Cast, Stage
from tests.programme import open_case
from vault.access.events import Event, record
from vault.cases.models import Case, Person
from vault.database import BulkChangeRefused, UnrecordedChange
from vault.officers.models import Officer
from vault.verification import verify
from vault.vocabulary import CaseState


def entries(stage: Stage) -> list[str]:
    """The ledger's events, oldest first."""
    with stage.vault.reading() as db:
        found = stage.vault.ledger.find(db.connection(), Filters(), before_index=None, limit=500)  # fmt: skip
        return [woven.entry.event for woven in reversed(found)]


def test_a_change_without_an_entry_raises_at_commit_and_keeps_nothing(cast: Cast) -> None:
    case = open_case(cast, named=[])
    with pytest.raises(UnrecordedChange), cast.stage.vault.writing() as db:
        db.get_one(Case, case.id).state = CaseState.CLOSED
    with cast.stage.vault.reading() as db:
        assert db.get_one(Case, case.id).state is CaseState.CERTIFIED


def test_a_change_after_the_entry_raises_too(cast: Cast) -> None:
    case = open_case(cast, named=[])

    def change_after_the_entry() -> None:
        with cast.stage.vault.writing() as db:
            found = db.get_one(Case, case.id)
            found.state = CaseState.OFFERED
            record(db, Event.CASE_MOVED, who=None, now=cast.stage.clock.now, subjects=[found.subject])
            found.state = CaseState.CLOSED

    with pytest.raises(UnrecordedChange):
        change_after_the_entry()


def test_a_new_version_of_a_row_and_nothing_else_is_a_change_too(cast: Cast) -> None:
    case = open_case(cast, named=[])
    with pytest.raises(UnrecordedChange), cast.stage.vault.writing() as db:
        db.get_one(Case, case.id).version += 1
    with cast.stage.vault.writing() as db:
        found = db.get_one(Case, case.id)
        found.version += 1
        record(db, Event.CASE_MOVED, who=None, now=cast.stage.clock.now, subjects=[found.subject])
    assert verify(cast.stage.vault, lambda _done: None).findings == ()


def test_many_rows_cannot_be_changed_past_the_entries(cast: Cast) -> None:
    open_case(cast, named=[])
    for statement in (
        update(Person).values(minor=True),
        delete(Person),
        update(Officer).values(role="auditor"),
    ):
        with pytest.raises(BulkChangeRefused), cast.stage.vault.writing() as db:
            db.execute(statement)


def test_a_change_and_its_entry_commit_together(cast: Cast) -> None:
    before = entries(cast.stage)
    open_case(cast, named=["ines"])
    after = entries(cast.stage)[len(before) :]
    acts = [e for e in after if e not in {"password-given", "signed-in", "stepped-up"}]
    assert acts == [
        "referral-received",
        "referral-decided",
        "referral-decided",
        "referral-decided",
        "lockbox-rekeyed",
        "case-opened",
        "person-added",
        "officer-named",
    ]


def test_a_refusal_stays_recorded_although_nothing_was_done(cast: Cast) -> None:
    case = open_case(cast, named=[])
    cast["ines"].get(f"/cases/{case.id}")
    cast["ines"].get("/officers")
    assert entries(cast.stage)[-2:] == ["refused", "refused"]


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_on_a_full_disk_a_look_is_answered_503_and_nothing_is_decrypted(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines, stage = cast["ines"], cast.stage
    ines.get(f"/records/person/{case.witness}/health/open")
    before = entries(stage)
    fill_disk(stage)
    shown = 0
    for _ in range(100):  # The last page of the file may still have room for some entries.
        answer = ines.post(f"/records/person/{case.witness}/health/open", reason="visit")
        if answer.status_code != 200:
            break
        shown += 1
    assert answer.status_code == 503
    assert "Recorded as entry" not in answer.text
    assert entries(stage)[len(before) :] == ["opened"] * shown


def fill_disk(stage: Stage) -> None:
    """Forbid every connection of the vault another page, as a full disk would."""
    from sqlalchemy import event

    def full(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    for engine in (stage.vault.database.engine, stage.vault.ledger._engine):
        event.listen(engine, "connect", full)
        engine.dispose()
    stage.vault.ledger.close()
    from audit.ledger import Ledger

    stage.vault.ledger = Ledger(stage.vault.database.engine)


@pytest.mark.parametrize("stage", ["postgresql"], indirect=True)
def test_when_the_ledger_is_locked_a_look_is_refused_in_time_and_works_again_afterwards(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines, stage = cast["ines"], cast.stage
    ines.get(f"/records/person/{case.witness}/health/open")
    stage.settings.__dict__["record_timeout_seconds"] = 0.5
    with stage.vault.database.engine.begin() as holder:
        holder.execute(text("LOCK TABLE ledger_heads IN ACCESS EXCLUSIVE MODE"))
        answer = ines.post(f"/records/person/{case.witness}/health/open", reason="visit")
        assert answer.status_code == 503
    stage.settings.__dict__["record_timeout_seconds"] = PATIENCE
    assert ines.post(f"/records/person/{case.witness}/health/open", reason="visit").status_code == 200


def test_an_entry_that_cannot_be_woven_raises_before_anything_is_opened(cast: Cast) -> None:
    from vault.access.policy import Compartment, Reason
    from vault.access.reading import open_rows

    case = open_case(cast, named=["ines"])
    who = cast["ines"].actor
    cast.stage.vault.ledger.close()
    with cast.stage.vault.reading() as db:
        person = db.get_one(Person, case.witness)
        with pytest.raises(LedgerUnavailable):
            open_rows(
                cast.stage.vault, db, who, Compartment.HEALTH, [person], about=[], reason=Reason.VISIT,
                now=cast.stage.clock.now + timedelta(seconds=1), event=Event.OPENED, facts={}, details=None,
            )  # fmt: skip


def test_every_look_names_the_fields_that_it_opened(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    ines.get(f"/records/person/{case.witness}/health/open")
    ines.post(f"/records/person/{case.witness}/health/open", reason="visit")
    with cast.stage.vault.reading() as db:
        about = Filters(subject=f"person:{case.witness}", event="opened")
        woven = cast.stage.vault.ledger.find(db.connection(), about, before_index=None, limit=5)
    assert woven[0].entry.fields == ("person.medical", "person.treatment")
    assert woven[0].entry.reason == "visit"
    assert woven[0].entry.officer == ines.actor.officer


def test_an_entry_covers_the_very_rows_that_changed(cast: Cast) -> None:
    from vault.access.comparing import audit_seals
    from vault.database import row_digest, row_name

    case = open_case(cast, named=[])
    with cast.stage.vault.reading() as db:
        person = db.get_one(Person, case.witness)
        digests = {
            name: digest for name, digest, _ in cast.stage.vault.ledger.latest_row_digests(db.connection())
        }
        assert digests[row_name(person)] == row_digest(person)
        assert audit_seals(db) == ([], [])


@pytest.mark.parametrize("microsecond", [0, 499, 500, 999_999])
def test_a_moment_has_the_same_digest_before_and_after_the_database_cut_its_digits_off(
    microsecond: int,
) -> None:
    from crypto.columns import Moment
    from vault.access.models import Lockbox
    from vault.database import row_digest

    given = MONDAY.replace(microsecond=microsecond)
    engine = sqlite.dialect()
    kept = Moment().process_result_value(Moment().process_bind_param(given, engine), engine)
    box, same = (Lockbox(rekey_due_at=at) for at in (given, kept))
    assert row_digest(box) == row_digest(same)
