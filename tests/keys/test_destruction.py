"""Destroyed records open for nobody, with everything in hand, and the ledger still tells of them."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_destruction, close, closed_case, state_of
from tests.keys.renewing import revoke
from tests.programme import OpenedCase, open_case
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.cases import actions
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.keys import shredding
from vault.keys.holdings import subjects_of
from vault.verification import verify
from vault.vocabulary import CaseState

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def write(cast: Cast, case: OpenedCase, words: str) -> None:
    """Ada writes a note."""
    ada, path = cast["ada"], f"/cases/{case.id}/add/note"
    ada.get(path)
    assert ada.post(path, kind="note", text=words).status_code == 303


def destroy(cast: Cast, case: UUID) -> UUID:
    """Ada asks, Dee and Dora approve, Ada carries it out through the pages."""
    act = approve(cast, ask_destruction(cast, case, "ada"), "dee", "dora")
    ada, page = cast["ada"], f"/keys/acts/{act}"
    shown = ada.get(page)
    assert "Destroy these records" in shown.text
    code = {"code": ada.code()} if 'name="code"' in shown.text else {}
    answer = ada.post(f"{page}/destroy", sure="yes", **code)
    assert answer.status_code == 303, answer.text
    return act


def test_destroyed_records_are_gone_and_everything_else_stays(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case, other = cast.stage.vault, open_case(cast, ["ines"]), open_case(cast, ["ines"])
    write(cast, case, "seen at the harbour")
    write(cast, other, "moved in on Sunday")
    close(cast, case.id)
    ada, ines = cast["ada"], cast["ines"]
    with vault.reading() as db:
        subjects = subjects_of(db, db.get_one(Case, case.id))
        boxes = set(db.scalars(select(Lockbox.id).where(Lockbox.subject.in_(subjects))))
        kept = set(db.scalars(select(SealRow.id).where(SealRow.key.not_in(boxes))))
    act = destroy(cast, case.id)
    assert state_of(cast, act) == "done"

    with vault.reading() as db:
        assert len(boxes) == 9
        assert db.scalars(select(ShredPart).where(ShredPart.lockbox.in_(boxes))).all() == []
        assert db.scalars(select(SealRow).where(SealRow.key.in_(boxes))).all() == []
        assert set(db.scalars(select(SealRow.id))) >= kept
    assert verify(vault, lambda _count: None).findings == ()

    page = ada.get(f"/cases/{case.id}")
    assert (page.status_code, "nothing of them can be opened" in page.text) == (200, True)
    assert "Records destroyed on" in page.text
    assert case.code not in ada.get("/cases").text
    assert case.code in ada.get("/cases/destroyed").text
    assert ines.get(f"/cases/{case.id}").status_code == 404
    for path in (
        f"/records/case/{case.id}/casework/open",
        f"/records/person/{case.witness}/identity/open",
        f"/referrals/{case.referral}/open",
        f"/cases/{case.id}/add/note",
        f"/cases/{case.id}/people/add",
        f"/cases/{case.id}/support",
    ):
        gone = ada.get(path)
        assert gone.status_code in {404, 410}, path
        assert "were destroyed on" in gone.text or path.endswith("/support")
    for name in ("ada", "dee", "ines", "cal", "fin", "pat", "aud"):
        assert cast[name].get("/desk").status_code == 200
    for path in ("/cases", "/referrals", "/disclosure", "/payments", "/safe-housing"):
        assert ada.get(path).status_code == 200
    answer = ada.post(f"/records/case/{other.id}/casework/open", reason="review")
    assert "moved in on Sunday" in answer.text


@ONLY_SQLITE
def test_the_ledger_still_tells_that_the_case_existed_and_who_destroyed_it(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, [])
    close(cast, case.id)
    destroy(cast, case.id)
    aud = cast["aud"]
    told = re.sub(r"<[^>]+>|\s+", " ", aud.get("/ledger").text)
    told = re.sub(r" +", " ", told)
    for words in (
        f"opened a case: {case.code}",
        f"Ada Amsel asked for the destruction of {case.code}",
        f"Dee Drummer decided on the destruction of {case.code}",
        f"Dora Dingle decided on the destruction of {case.code}",
        f"Ada Amsel destroyed the records of {case.code}",
    ):
        assert words in told, told


@ONLY_SQLITE
def test_nothing_is_destroyed_without_approvals_by_anybody_else_or_twice(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case = cast.stage.vault, open_case(cast, [])
    close(cast, case.id)
    ada, abel, now = cast["ada"].actor, cast["abel"].actor, cast.stage.vault.now()
    act = ask_destruction(cast, case.id, "ada")
    with pytest.raises(RuleForbids, match="Two approvals are needed first"):
        shredding.destroy(vault, ada, act, now)
    approve(cast, act, "dee", "abel")
    with pytest.raises(RuleForbids, match="The officer who asked"):
        shredding.destroy(vault, abel, act, now)
    with vault.reading() as db:
        assert db.get_one(Case, case.id).destroyed_on is None
    assert shredding.destroy(vault, ada, act, now) == 9
    with pytest.raises(RuleForbids, match="settled: done"):
        shredding.destroy(vault, ada, act, now)
    with pytest.raises(RuleForbids, match="destroyed already"):
        ask_destruction(cast, case.id, "ada")


@ONLY_SQLITE
def test_a_case_that_was_opened_again_meanwhile_is_not_destroyed(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case = cast.stage.vault, open_case(cast, [])
    for state in (CaseState.OFFERED, CaseState.DECLINED):
        _move(cast, case.id, state)
    act = approve(cast, ask_destruction(cast, case.id, "ada"), "dee", "dora")
    _move(cast, case.id, CaseState.OFFERED)
    with pytest.raises(RuleForbids, match="Close the case first"):
        shredding.destroy(vault, cast["ada"].actor, act, vault.now())
    assert verify(vault, lambda _count: None).findings == ()


def _move(cast: Cast, case: UUID, state: CaseState) -> None:
    vault, dee = cast.stage.vault, cast["dee"].actor
    with vault.writing() as db:
        actions.move(db, dee, actions.get(db, dee, case), state, vault.now())


@ONLY_SQLITE
def test_a_destroyed_case_is_no_reason_to_renew_keys(cast: Cast) -> None:
    admit_deciders(cast)
    case = closed_case(cast)
    revoke(cast, "ivo")
    destroy(cast, case.id)
    page = cast["ada"].get("/keys").text
    assert "The keys of Ivo Ironside ended" in page
    assert "was taken off" not in page
