"""Preparing and deciding: who may, in what order, and what the second of two tabs is told."""

from dataclasses import replace

import pytest

from tests.cast import Cast
from tests.disclosure.errands import (
    ALIAS,
    DANGER,
    NAME,
    REASONS,
    STREET,
    WORKSHEET,
    asked,
    done,
    entries,
    version_on,
)
from vault.access.custody import KeyCase, find_lockbox
from vault.access.policy import Compartment, Role
from vault.disclosure import actions
from vault.disclosure.forms import NEITHER
from vault.errors import NotKnown, RuleForbids
from vault.vocabulary import DisclosureOutcome

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_the_requester_opens_neither_worksheet_nor_frozen_fields(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    pat = cast["pat"]
    for part in ("worksheet", "packet"):
        for answer in (pat.get(f"{errand.path}/open/{part}"), pat.post(f"{errand.path}/open/{part}")):
            assert answer.status_code == 404
    with cast.stage.vault.reading() as db:
        request = actions.get(db, pat.actor, errand.id)
        keys = KeyCase(db, pat.actor, cast.stage.vault.trust)
        own = find_lockbox(db, f"request:{request.id}", Compartment.DISCLOSURE)
        others = find_lockbox(db, request.subject, Compartment.DISCLOSURE)
        assert keys.lockbox(own)
        with pytest.raises(NotKnown):
            keys.lockbox(others)


def test_the_preview_shows_the_chosen_fields_and_no_others(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    dee = cast["dee"]
    dee.get(f"{errand.path}/open/packet")
    preview = dee.post(f"{errand.path}/open/packet", reason="decision", code=dee.code())
    assert preview.status_code == 200
    assert NAME in preview.text
    assert ALIAS not in preview.text
    dee.get(f"{errand.path}/open/worksheet")
    assert DANGER in dee.post(f"{errand.path}/open/worksheet", reason="decision").text


def test_the_preview_takes_the_second_factor(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    dee = cast["dee"]
    dee.get(f"{errand.path}/open/packet")
    answer = dee.post(f"{errand.path}/open/packet", reason="decision")
    assert answer.status_code == 422
    assert NAME not in answer.text


def test_each_compartment_read_for_a_packet_is_a_look_of_its_own(cast: Cast) -> None:
    errand = asked(cast)
    errand.press("ada", "take-up")
    with_where = ["person-1.legal_name", "person-1.cover_name", "benefits.statement", "whereabouts.address"]
    done(errand.give("ada", "choose", chosen=with_where, tells_where="yes"))
    looks = entries(cast, f"disclosure:{errand.id}", "opened")
    assert [entry.compartment for entry in looks] == ["identity", "cover", "location"]
    assert {entry.reason for entry in looks} == {"disclosure"}
    assert all(f"case:{errand.case.id}" in entry.subjects for entry in looks)


def test_location_is_chosen_only_with_a_second_confirmation(cast: Cast) -> None:
    errand = asked(cast)
    errand.press("ada", "take-up")
    for where in ("whereabouts.address", "person-1.cover_name"):
        answer = errand.give("ada", "choose", chosen=["person-1.legal_name", where])
        assert answer.status_code == 422
        assert "or confirm that it must be released" in answer.text
        assert STREET not in answer.text
    done(errand.give("ada", "choose", chosen=["person-1.legal_name"]))


def test_the_frozen_fields_stay_as_they_were_when_the_record_changes(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    ada = cast["ada"]
    place = f"/records/person/{errand.case.witness}/identity"
    ada.get(f"{place}/change")
    page = ada.post(f"{place}/change", reason="correction", code=ada.code())
    done(ada.post(f"{place}/save", version=version_on(page), legal_name="Somebody Else"))
    ada.get(f"{errand.path}/open/packet")
    preview = ada.post(f"{errand.path}/open/packet", reason="review", code=ada.code())
    assert NAME in preview.text
    assert "Somebody Else" not in preview.text


def test_the_deputy_cannot_decide_before_it_is_sent_and_the_coordinator_never(cast: Cast) -> None:
    errand = asked(cast)
    assert errand.visit("dee", "decide").status_code == 409
    errand.prepare("person-1.legal_name")
    assert errand.visit("ada", "decide").status_code == 403
    assert errand.visit("pat", "decide").status_code == 403


def test_without_a_worksheet_nothing_is_sent(cast: Cast) -> None:
    errand = asked(cast)
    errand.press("ada", "take-up")
    assert errand.press("ada", "send").status_code == 409


def test_who_prepared_cannot_decide_even_with_the_deputys_role(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    ada = replace(cast["ada"].actor, role=Role.DEPUTY)
    vault = cast.stage.vault
    with vault.writing() as db:
        request = actions.get(db, ada, errand.id)
        now, outcome = vault.now(), DisclosureOutcome.GRANTED
        with pytest.raises(RuleForbids, match="another officer decides"):
            actions.decide(db, ada, vault.trust, request, outcome, [], "mine", "yours", now)
    assert errand.row().state == "prepared"


def test_the_second_of_two_worksheets_is_told_and_keeps_its_words(cast: Cast) -> None:
    errand = asked(cast)
    errand.press("ada", "take-up")
    ada = cast["ada"]
    version = version_on(errand.visit("ada", "worksheet"))
    done(ada.post(f"{errand.path}/worksheet", **WORKSHEET, version=version))
    later = {**WORKSHEET, "danger": "A second thought."}
    second = ada.post(f"{errand.path}/worksheet", **later, version=version)
    assert second.status_code == 409
    assert "A second thought." in second.text
    assert "Nothing of yours was lost" in second.text


def test_the_second_of_two_decisions_is_told_and_keeps_its_words(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    version = version_on(errand.visit("dee", "decide"))
    errand.decide("granted")
    dee = cast["dee"]
    answers = {"outcome": "refused", "reasons": "On reflection, no.", "answer": "No.", "version": version}
    second = dee.post(f"{errand.path}/decide", code=dee.code(), **answers)
    assert second.status_code == 409
    assert "On reflection, no." in second.text
    with cast.stage.vault.reading() as db:
        decision = actions.decision_on(db, errand.row())
    assert decision is not None
    assert decision.outcome == "granted"


@pytest.mark.parametrize(
    ("outcome", "struck_out", "words"),
    [
        ("granted", ["person-1.aliases"], "granted in part"),
        ("granted-in-part", ["person-1.aliases", "person-1.legal_name"], "Nothing would be left"),
    ],
)
def test_an_outcome_must_agree_with_what_is_struck_out(
    cast: Cast, outcome: str, struck_out: list[str], words: str
) -> None:
    errand = asked(cast).prepare("person-1.legal_name", "person-1.aliases")
    answers = {"outcome": outcome, "struck_out": struck_out, "reasons": REASONS, "answer": "Yes."}
    answer = errand.give("dee", "decide", **answers)
    assert answer.status_code == 409
    assert words in answer.text
    assert REASONS in answer.text


def test_a_decision_takes_the_second_factor(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    answer = errand.give("dee", "decide", outcome="granted", reasons=REASONS, answer="Yes.", code="")
    assert answer.status_code == 422
    assert errand.row().state == "prepared"


def test_a_grant_is_not_answered_with_the_words_of_a_refusal(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name")
    answer = errand.give("dee", "decide", outcome="granted", reasons=REASONS, answer=NEITHER)
    assert answer.status_code == 422
    assert "These words are for a refusal." in answer.text
    done(errand.give("dee", "decide", outcome="refused", reasons=REASONS, answer=NEITHER))
