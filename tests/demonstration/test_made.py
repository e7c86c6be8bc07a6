"""What the first call makes: a whole programme in every state, and a ledger of two weeks that verifies."""

import base64
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Entry
from audit.finding import Filters, Woven
from housing.models import House, HouseKind, Standing, Stay, StayState, Void
from tests.demonstration.conftest import ROOT, Made, run_vault
from vault.access import comparing, listings
from vault.access.models import DirectoryPage
from vault.access.pieces import digest_of
from vault.access.policy import Role
from vault.agencies.models import Agency, Memorandum, all_memoranda
from vault.cases.models import Case, DangerArea, Note, Person, ThreatAssessment
from vault.disclosure.models import DisclosureRequest
from vault.expenses.models import PaymentRequest
from vault.keys.models import KeyAct, KeyActKind, KeyActState
from vault.keys.renewing import causes, extent
from vault.keys.standing import standing
from vault.officers.models import Officer, OfficerState
from vault.papers.actions import fetch_piece
from vault.papers.models import Paper
from vault.referrals.models import Referral
from vault.running import RunningVault
from vault.vocabulary import CaseState, DisclosureState, MemorandumState, PaymentState, ReferralState

ZONE = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def entries(vault: RunningVault) -> list[Entry]:
    """The whole ledger, the oldest entry first."""
    found: list[Woven] = []
    with vault.reading() as db:
        before: int | None = None
        while page := _page(vault, db, before):
            found += page
            before = page[-1].index
    return [woven.entry for woven in reversed(found)]


def _page(vault: RunningVault, db: Session, before: int | None) -> list[Woven]:
    return vault.ledger.find(db, Filters(), before_index=before, limit=500)


def states_of(vault: RunningVault, model: type) -> Counter[str]:
    """How many rows are in each state."""
    with vault.reading() as db:
        rows: list[Any] = list(db.scalars(select(model)))
        return Counter(row.state for row in rows)


def test_the_first_call_prints_one_object_with_every_role(made: Made) -> None:
    assert made.stdout.count("\n") == 1
    assert set(made.told) == {"url", "officers"}
    assert made.told["url"] == "http://localhost:8123"
    for officer in made.told["officers"]:
        assert set(officer) == {"name", "full_name", "role", "password", "totp_secret"}
        assert len(officer["password"]) >= 15
        assert len(base64.b32decode(officer["totp_secret"])) >= 20
    assert {officer["role"] for officer in made.told["officers"]} == {role.value for role in Role}
    assert "Making the demonstration" in made.stderr


def test_passwords_are_made_anew_for_everybody(made: Made) -> None:
    assert len({officer["password"] for officer in made.told["officers"]}) == len(made.told["officers"])


def test_cases_are_in_every_state_with_households_of_one_to_five(vault: RunningVault) -> None:
    states = states_of(vault, Case)
    assert set(states) == set(CaseState)
    assert states.total() == 40
    with vault.reading() as db:
        sizes = Counter(Counter(person.case for person in db.scalars(select(Person))).values())
        assert set(sizes) == {1, 2, 3, 4, 5}
        assert all(db.scalars(select(model)).first() for model in (Note, ThreatAssessment, DangerArea))


@pytest.mark.parametrize(
    ("model", "states"),
    [
        (Referral, ReferralState),
        (Stay, StayState),
        (PaymentRequest, PaymentState),
        (DisclosureRequest, DisclosureState),
    ],
)
def test_every_state_is_there(vault: RunningVault, model: type, states: Iterable[str]) -> None:
    assert set(states_of(vault, model)) == set(states)


def test_there_are_sixty_places_of_every_kind_and_standing(vault: RunningVault) -> None:
    with vault.reading() as db:
        houses = db.scalars(select(House)).all()
        closures = db.scalars(select(Void)).all()
    assert len(houses) == 60
    assert {house.kind for house in houses} == set(HouseKind)
    assert {house.standing for house in houses} == set(Standing)
    assert {closure.ended_on is None for closure in closures} == {True, False}


def test_agencies_have_memoranda_in_every_state(vault: RunningVault) -> None:
    with vault.reading() as db:
        agencies = db.scalars(select(Agency)).all()
        memoranda: list[Memorandum] = all_memoranda(db)
    today = vault.now().astimezone(ZONE).date()
    assert len(agencies) == 12
    assert {memorandum.state_on(today) for memorandum in memoranda} == set(MemorandumState)


def test_everybody_can_be_searched_for_and_somebody_was(entries: list[Entry], vault: RunningVault) -> None:
    with vault.reading() as db:
        people = db.scalars(select(Person)).all()
        pages = db.scalars(select(DirectoryPage)).all()
        waiting = listings.waiting(db)
    assert len(pages) * 64 + len(waiting) >= len(people)
    found = [entry for entry in entries if entry.event == "directory-found"]
    assert {entry.facts["found"] == 0 for entry in found} == {True, False}
    assert len({entry.officer for entry in found}) >= 3


def test_keys_have_a_life(entries: list[Entry], made: Made, vault: RunningVault) -> None:
    """Someone left and what they could open waits; a drill was held; a destruction waits for one more yes."""
    with vault.reading() as db:
        asked = {(act.kind, act.state): act for act in db.scalars(select(KeyAct))}
        waiting = asked[KeyActKind.DESTRUCTION, KeyActState.ASKED]
        assert set(asked) == {
            (KeyActKind.RECOVERY, KeyActState.DONE),
            (KeyActKind.DESTRUCTION, KeyActState.DONE),
            (KeyActKind.DESTRUCTION, KeyActState.ASKED),
        }
        assert [decision.approved for decision, _ in standing(db, waiting).decisions] == [True]
        gone = db.scalars(select(Officer).where(Officer.state == OfficerState.REVOKED)).one()
        assert [cause.officer for cause in causes(db, vault.now() - timedelta(days=1))] == [gone.full_name]
        assert extent(db).lockboxes > 0
    assert gone.name not in {officer["name"] for officer in made.told["officers"]}
    events = Counter(entry.event for entry in entries)
    assert events["lockbox-rekeyed"] > 0


def test_two_cases_keep_a_document_that_opens(vault: RunningVault) -> None:
    with vault.reading() as db:
        papers = db.scalars(select(Paper)).all()
        assert len({paper.case for paper in papers}) == len(papers) == 2
        assert all(
            digest_of(partial(fetch_piece, vault, paper.id), paper.pieces) == paper.digest for paper in papers
        )


def test_every_seal_is_as_the_matrix_says(vault: RunningVault) -> None:
    with vault.reading() as db:
        assert comparing.audit_seals(db) == ([], [])


def of_the_fortnight(entries: list[Entry]) -> list[Entry]:
    """The two weeks that are told day by day: from the first sign-in after the last quiet week."""
    last = max(place for place, entry in enumerate(entries) if entry.event == "week-reviewed")
    events = [entry.event for entry in entries]
    return entries[events.index("password-given", last) :]


def test_the_ledger_tells_of_two_weeks_in_order(entries: list[Entry]) -> None:
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    moments = [entry.at for entry in of_the_fortnight(entries)]
    assert timedelta(days=11) < moments[-1] - moments[0] < timedelta(days=15)
    days = {moment.astimezone(ZONE).date() for moment in moments}
    assert len({day for day in days if day.weekday() < 5}) >= 10
    assert any(moment.astimezone(ZONE).hour < 5 for moment in moments)


def test_the_year_before_was_quiet(entries: list[Entry]) -> None:
    quiet = entries[: len(entries) - len(of_the_fortnight(entries))]
    assert timedelta(days=320) < quiet[-1].at - quiet[0].at < timedelta(days=365)
    assert {subject.partition(":")[0] for entry in quiet for subject in entry.subjects} == {"officer"}
    assert Counter(entry.event for entry in quiet)["access-review-finished"] == 1


def test_inspectors_and_coordinator_look_every_working_day_for_a_reason(
    entries: list[Entry], vault: RunningVault
) -> None:
    with vault.reading() as db:
        names = {officer.id: officer.name for officer in db.scalars(select(Officer))}
    looks = [entry for entry in entries if entry.event == "opened"]
    assert all(entry.reason for entry in looks)
    lately = of_the_fortnight(entries)
    # On the first day there is little to look at yet.
    days = {entry.at.astimezone(ZONE).date() for entry in lately if entry.event == "signed-in"}
    working = sorted(day for day in days if day.weekday() < 5)[1:10]
    for name in ("ada", "ines", "ivo"):
        looked = {e.at.astimezone(ZONE).date() for e in looks if e.officer and names[e.officer] == name}
        assert set(working) <= looked, name


def test_refusals_failures_and_searches_are_told_of(entries: list[Entry]) -> None:
    events = Counter(entry.event for entry in entries)
    assert events["refused"] >= 5
    assert events["sign-in-failed"] >= 5
    assert events["account-locked"] == events["officer-released"] == 1
    assert events["housing-searched"] >= 20
    assert events["stepped-up"] >= 20


def test_an_export_verifies_without_the_vault(made: Made, tmp_path: Path) -> None:
    copy, export = made.copy_to(tmp_path), tmp_path / "export"
    exported = run_vault("ledger", "export", "--data", copy.data, export)
    assert exported.returncode == 0, exported.stderr
    verified = subprocess.run(
        [sys.executable, "-m", "audit", "verify", export, "--key", made.data / "notary.vkey"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_an_export_that_was_altered_does_not(made: Made, tmp_path: Path) -> None:
    copy, export = made.copy_to(tmp_path), tmp_path / "export"
    run_vault("ledger", "export", "--data", copy.data, export)
    bundle = next(path for path in sorted((export / "tile" / "entries").rglob("*")) if path.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"vault-founded", b"vault-flooded", 1))
    verified = subprocess.run(
        [sys.executable, "-m", "audit", "verify", export, "--key", made.data / "notary.vkey"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert verified.returncode != 0


def test_the_data_folder_holds_no_password_and_no_secret(made: Made) -> None:
    kept = {path.name: path.read_bytes() for path in made.data.rglob("*") if path.is_file()}
    assert {"vault.db", "vault.toml", "checkpoint", "notary.vkey"} <= set(kept)
    for officer in made.told["officers"]:
        password, secret = officer["password"].encode(), officer["totp_secret"].encode()
        for needle in (password, secret, base64.b32decode(secret), secret.lower()):
            assert not [name for name, content in kept.items() if needle in content]
    assert (made.keys / "demonstration.json").stat().st_mode & 0o777 == 0o600
    assert made.told["officers"][0]["password"] in (made.keys / "demonstration.json").read_text()


def test_its_settings_say_that_it_is_a_demonstration(made: Made) -> None:
    settings = (made.data / "vault.toml").read_text()
    assert "demonstration = true" in settings
    assert "tls = false" in settings
