"""Giving in an emergency: one compartment of one case, to one officer, for minutes, and then it is over."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from crypto.errors import NotCertified
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.emergency.errands import (
    ADDRESS,
    LetIn,
    answer,
    ask,
    entries,
    give,
    grant_of,
    later,
    open_it,
    write_address,
)
from tests.keys import raw_opening
from tests.keys.renewing import findings, renew, revoke
from tests.programme import open_case
from vault.access import custody
from vault.access.comparing import audit_seals
from vault.access.emergencies import end_grants, seal_under
from vault.access.events import Event, record
from vault.access.grants import is_live, vouch_for_grant
from vault.access.keyring import Distrusted
from vault.access.models import EmergencyGrant, Lockbox, SealRow
from vault.access.policy import Compartment, Reason
from vault.emergency import actions
from vault.emergency.models import EmergencyRequest
from vault.errors import NotKnown, RuleForbids

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def let_pat_in(cast: Cast) -> LetIn:
    """Pat asked where a household is, and Ada gave it."""
    return cast.in_scene(("let in",), _let_pat_in)  # type: ignore[no-any-return]


def _let_pat_in(cast: Cast) -> LetIn:
    case = open_case(cast, named=["ines"])
    write_address(cast, case)
    request = ask(cast, "pat", case.code, "location")
    return LetIn(case, request, give(cast, request, "ada"))


def seals_of(cast: Cast, name: str) -> list[SealRow]:
    """The seals of lockboxes to one of the cast."""
    return seals_to(cast, cast[name].actor.officer)


def seals_to(cast: Cast, officer: UUID) -> list[SealRow]:
    """The seals of lockboxes to one officer, by their id."""
    with cast.stage.vault.reading() as db:
        own = SealRow.holder == officer
        return list(db.scalars(select(SealRow).where(own, SealRow.key_kind == "lockbox")))


def opened_by(cast: Cast, name: str) -> set[UUID]:
    """The lockboxes that an officer's seed opens by bare cryptography, whatever the vault would say."""
    tables = raw_opening.read(cast.stage.vault.database.engine)
    actor = cast[name].actor
    reach = raw_opening.Walk().reach(tables, actor.officer, actor.identity.seed)
    return raw_opening.opened_boxes(tables, reach.parts)


def test_who_asked_opens_that_place_and_nothing_else_of_the_case_while_it_lasts(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    shown = open_it(cast, let_in.request, "pat")
    assert shown.status_code == 200
    assert ADDRESS in shown.text
    with cast.stage.vault.reading() as db:
        box = custody.find_lockbox(db, f"case:{let_in.case.id}", Compartment.LOCATION)
    assert opened_by(cast, "pat") == {box.id}
    assert cast["pat"].get(f"/cases/{let_in.case.id}").status_code == 403
    assert cast["ivo"].post(f"/emergency/{let_in.request}/open").status_code == 404


@ONLY_SQLITE
def test_each_look_is_an_entry_that_says_by_what_right(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    open_it(cast, let_in.request, "pat")
    look = entries(cast, "opened")[-1]
    assert look.officer == cast["pat"].actor.officer
    assert (look.reason, look.compartment) == (str(Reason.EMERGENCY), "location")
    assert look.facts["break-glass"] == str(let_in.request)
    assert f"case:{let_in.case.id}" in look.subjects


@ONLY_SQLITE
def test_a_deputy_who_was_let_in_is_told_of_as_an_emergency_on_every_page(cast: Cast) -> None:
    case = open_case(cast, named=[])
    write_address(cast, case)
    give(cast, ask(cast, "dee", case.code, "location"), "ada")
    dee, place = cast["dee"], f"/records/case/{case.id}/location/open"
    dee.get(place)
    shown = dee.post(place, reason="case-work", code=dee.code())
    assert ADDRESS in shown.text
    look = entries(cast, "opened")[-1]
    assert look.reason == str(Reason.EMERGENCY)
    assert "break-glass" in look.facts


def test_the_gate_refuses_at_the_moment_at_which_the_time_is_over(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    assert open_it(cast, let_in.request, "pat").status_code == 200
    later(cast, let_in.grant.ends_at - timedelta(milliseconds=1), "pat")
    assert cast["pat"].get(f"/emergency/{let_in.request}/open").status_code == 200
    cast.stage.clock.now = let_in.grant.ends_at
    assert seals_of(cast, "pat")  # Nobody has swept yet, and still it does not open.
    assert cast["pat"].get(f"/emergency/{let_in.request}/open").status_code == 404
    assert cast["pat"].post(f"/emergency/{let_in.request}/open").status_code == 404


@pytest.mark.parametrize("page", ["/desk", "/keys/seals", "/emergency", "/ledger/seals"])
@ONLY_SQLITE
def test_whoever_comes_next_unmakes_the_seals_and_the_place_waits_for_a_new_key(
    cast: Cast, page: str
) -> None:
    let_in = let_pat_in(cast)
    later(cast, let_in.grant.ends_at, "aud")
    assert cast["aud"].get(page).status_code == 200
    assert seals_to(cast, let_in.grant.officer) == []
    found = grant_of(cast, let_in.request)
    assert found is not None
    assert found.ended_at is not None
    with cast.stage.vault.reading() as db:
        due = db.scalars(select(Lockbox.subject).where(Lockbox.rekey_due_at.is_not(None))).all()
        assert list(due) == [f"case:{let_in.case.id}"]
    assert findings(cast) == ()


def test_a_copy_of_everything_opens_what_the_matrix_says_once_the_keys_are_renewed(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    before = raw_opening.read(cast.stage.vault.database.engine)
    pat = cast["pat"].actor
    parts = raw_opening.Walk().reach(before, pat.officer, pat.identity.seed).parts
    assert raw_opening.opened_boxes(before, parts) != set()
    later(cast, let_in.grant.ends_at, "ada", "pat")
    assert renew(cast) > 0  # It ends what is over by itself, and then gives the place a new key.
    assert opened_by(cast, "pat") == set()
    after = raw_opening.read(cast.stage.vault.database.engine)
    assert raw_opening.opened_boxes(after, parts) == set()
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])


def test_a_new_key_in_the_middle_of_an_emergency_does_not_end_it(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    cast["ada"].get("/desk")
    with cast.stage.vault.writing() as db:
        box = custody.find_lockbox(db, f"case:{let_in.case.id}", Compartment.LOCATION)
        box.rekey_due_at = cast.stage.clock.now
        record(db, Event.LOCKBOX_REKEYED, who=None, now=cast.stage.clock.now, subjects=[])
    assert renew(cast) > 0
    assert ADDRESS in open_it(cast, let_in.request, "pat").text
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])


@ONLY_SQLITE
def test_who_asked_and_who_gave_end_it_early(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    cast["pat"].get(f"/emergency/{let_in.request}")
    assert cast["pat"].post(f"/emergency/{let_in.request}/end").status_code == 303
    assert seals_of(cast, "pat") == []
    assert cast["pat"].get(f"/emergency/{let_in.request}/open").status_code == 404


@ONLY_SQLITE
def test_nobody_answers_their_own_request_nor_one_for_what_they_do_not_hold(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    own = ask(cast, "dee", case.code, "location")
    assert answer(cast, own, "dee", answer="give").status_code == 303
    assert grant_of(cast, own) is None
    asked = ask(cast, "pat", case.code, "location")
    assert answer(cast, asked, "dee", answer="give").status_code == 303  # She sees it and does not hold it.
    assert grant_of(cast, asked) is None
    assert answer(cast, asked, "ivo", answer="give").status_code == 404
    assert give(cast, asked, "ines").granted_by == cast["ines"].actor.officer


@ONLY_SQLITE
def test_an_inspector_who_is_let_in_cannot_let_others_in(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    give(cast, ask(cast, "ivo", case.code, "location"), "ines")
    asked, ivo = ask(cast, "pat", case.code, "location"), cast["ivo"].actor
    now = cast.stage.clock.now
    with cast.stage.vault.writing() as db:
        request = db.get_one(EmergencyRequest, asked)
        with pytest.raises(RuleForbids, match="holds this part"):
            actions.grant(db, ivo, cast.stage.vault.trust, request, 30, now.date(), now)


@ONLY_SQLITE
def test_who_is_let_in_writes_nothing(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    write_address(cast, case)
    request = ask(cast, "cal", case.code, "location")
    give(cast, request, "ada")
    assert ADDRESS in open_it(cast, request, "cal").text
    cal = cast["cal"].actor
    with cast.stage.vault.writing() as db, pytest.raises(NotKnown):
        custody.sealer(db, cal, cast.stage.vault.trust, f"case:{case.id}", Compartment.LOCATION)


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["fin", "aud", "max"])
def test_money_auditor_and_administrator_neither_ask_nor_are_ever_sealed_to(cast: Cast, name: str) -> None:
    let_in, stage = let_pat_in(cast), cast.stage
    assert cast[name].get("/emergency/ask").status_code == 403
    planted = _forged(cast, let_in, name)
    vouch_for_grant(planted, stage.vault.trust)  # Even the vault's own word lets no such role in.
    ada = cast["ada"].actor
    with stage.vault.writing() as db:
        boxes = list(db.scalars(select(Lockbox).where(Lockbox.id == UUID(planted.lockboxes[0]))))
        with pytest.raises(NotCertified, match="never let in"):
            seal_under(db, ada, stage.vault.trust, planted, boxes, stage.clock.now)


def _forged(cast: Cast, let_in: LetIn, name: str) -> EmergencyGrant:
    columns = {c.key: getattr(let_in.grant, c.key) for c in EmergencyGrant.__mapper__.column_attrs}
    columns |= {"id": uuid4(), "request": uuid4(), "officer": cast[name].actor.officer}
    return EmergencyGrant(**columns)


def test_a_planted_grant_opens_nothing_and_the_verification_names_it(cast: Cast) -> None:
    let_in, stage = let_pat_in(cast), cast.stage
    thief = Thief(stage)
    row = thief.row("emergency_grants", let_in.grant.id)
    ivo = cast["ivo"].actor.officer
    planted, request = uuid4(), uuid4()
    thief.put(
        "emergency_grants",
        row | {
            "id": planted.hex if thief.is_sqlite else planted,
            "request_id": request.hex if thief.is_sqlite else request,
            "officer": ivo.hex if thief.is_sqlite else ivo,
            "lockboxes": row["lockboxes"] if thief.is_sqlite else json.dumps(row["lockboxes"]),
        },
    )  # fmt: skip
    assert opened_by(cast, "ivo") == set()
    with stage.vault.reading() as db:
        found = db.scalars(select(type(let_in.grant)).where(type(let_in.grant).id == planted)).one()
        assert not is_live(found, stage.vault.trust, stage.clock.now)
        box = db.get_one(Lockbox, UUID(found.lockboxes[0]))
        ring = custody.KeyCase(db, cast["ada"].actor, stage.vault.trust).ring
        with pytest.raises(Distrusted):
            ring.holder_in_emergency(found, box, stage.clock.now)
    assert any(str(planted) in line and "did not keep it" in line for line in findings(cast))


@ONLY_SQLITE
def test_a_grant_that_was_made_longer_past_the_vault_is_over_at_once(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    thief = Thief(cast.stage)
    thief.run(
        "UPDATE emergency_grants SET ends_at = ? WHERE id = ?", "2027-11-23 15:00:00.000000", let_in.grant.id
    )
    assert open_it(cast, let_in.request, "pat").status_code == 403
    assert any("did not keep it" in line for line in findings(cast))


def test_the_seal_of_a_grant_that_ended_is_called_surplus_when_it_was_put_back(cast: Cast) -> None:
    let_in, thief = let_pat_in(cast), Thief(cast.stage)
    (seal,) = seals_of(cast, "pat")
    kept = thief.row("seals", seal.id)
    later(cast, let_in.grant.ends_at, "pat")
    assert end_grants(cast.stage.vault, cast.stage.clock.now) == 1
    assert end_grants(cast.stage.vault, cast.stage.clock.now) == 0
    thief.put("seals", kept)
    with cast.stage.vault.reading() as db:
        missing, surplus = audit_seals(db)
    assert missing == []
    assert [fault.holder for fault in surplus] == [cast["pat"].actor.officer]
    assert cast["pat"].post(f"/emergency/{let_in.request}/open").status_code == 404


@ONLY_SQLITE
def test_a_person_who_joins_the_household_meanwhile_is_not_let_in_on(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    request = ask(cast, "pat", case.code, "identity")
    grant = give(cast, request, "ada")
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    assert ada.post(f"/cases/{case.id}/people/add", position="partner").status_code == 303
    assert len(grant.lockboxes) == 1
    shown = open_it(cast, request, "pat").text
    assert "Person 1" in shown
    assert "Person 2" not in shown
    assert len(opened_by(cast, "pat")) == 1


@ONLY_SQLITE
def test_an_officer_whose_access_ended_keeps_nothing(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    revoke(cast, "pat")
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])
    assert seals_to(cast, let_in.grant.officer) == []
