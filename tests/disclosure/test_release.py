"""A packet leaves once, on two officers' word, to one recipient, with the chosen fields and nothing else."""

from dataclasses import replace

import pikepdf
import pytest
from sqlalchemy import select

from tests.cast import Cast
from tests.disclosure.errands import (
    ALIAS,
    ANSWER,
    NAME,
    NOTE,
    PURPOSE,
    REQUEST,
    SOCIAL,
    STREET,
    Errand,
    asked,
    done,
    entries,
    text_of,
    version_on,
)
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase, find_lockbox
from vault.access.models import Lockbox, SealRow
from vault.access.policy import Compartment, Role
from vault.announcing.actions import Weighty, announce
from vault.disclosure import actions, releases
from vault.disclosure.models import Packet
from vault.disclosure.packets import read_marks
from vault.errors import NotKnown, RuleForbids

FIELDS = ("person-1.legal_name", "person-1.birth_date")


def granted(cast: Cast) -> Errand:
    """A request that Ada prepared and Dee granted."""
    return asked(cast).prepare(*FIELDS).decide("granted")


def packet_of(errand: Errand) -> Packet:
    """The packet that is out."""
    with errand.cast.stage.vault.reading() as db:
        packet = releases.packet_of(db, errand.row())
    assert packet is not None
    return packet


def test_the_packet_holds_exactly_the_chosen_fields_marked_for_its_recipient(cast: Cast) -> None:
    errand = granted(cast)
    password = errand.release()
    answer = errand.fetch()
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    text = text_of(answer.data, password)
    for there in (NAME, "May 1, 1984", "Pat Pepper", "D-2026-0001", "Do not re-disclose"):
        assert there in text
    for kept in (ALIAS, SOCIAL, NOTE, STREET, errand.case.code):
        assert kept not in text
    assert text.count("Legal name") == 1
    assert set(read_marks(answer.data, password)) == {packet_of(errand).mark}
    with pytest.raises(pikepdf.PasswordError):
        text_of(answer.data, "")


def test_what_the_deputy_struck_out_is_not_in_the_packet(cast: Cast) -> None:
    errand = asked(cast).prepare(*FIELDS, "person-1.aliases").decide("granted-in-part", "person-1.aliases")
    password = errand.release()
    text = text_of(errand.fetch().data, password)
    assert NAME in text
    assert ALIAS not in text
    assert packet_of(errand).released == list(FIELDS)


def test_the_answer_is_read_by_who_asked(cast: Cast) -> None:
    errand = granted(cast)
    pat = cast["pat"]
    pat.get(f"{errand.path}/open/request")
    assert ANSWER in pat.post(f"{errand.path}/open/request", reason="court").text


def test_the_coordinator_releases_nothing_that_the_deputy_did_not_grant(cast: Cast) -> None:
    errand = asked(cast).prepare(*FIELDS)
    ada = cast["ada"]
    assert errand.visit("ada", "release").status_code == 409
    early = ada.post(f"{errand.path}/release", code=ada.code(), version=str(errand.row().version))
    assert early.status_code == 409
    errand.decide("refused")
    assert errand.visit("ada", "release").status_code == 409
    late = ada.post(f"{errand.path}/release", code=ada.code(), version=str(errand.row().version))
    assert late.status_code == 409
    with cast.stage.vault.reading() as db:
        assert db.query(Packet).count() == 0


def test_the_deputy_releases_nothing_even_with_the_coordinators_role(cast: Cast) -> None:
    errand = granted(cast)
    assert errand.visit("dee", "release").status_code == 403
    dee, vault = replace(cast["dee"].actor, role=Role.COORDINATOR), cast.stage.vault
    with pytest.raises(RuleForbids, match="another officer releases"):
        releases.announce_release(vault, dee, errand.row(), vault.now())
    announced = announce(vault, dee, Weighty.RELEASE, [], vault.now())
    with vault.writing() as db:
        request = actions.get(db, dee, errand.id)
        with pytest.raises(RuleForbids, match="another officer releases"):
            releases.release(db, dee, vault.trust, request, [], b"", "0" * 16, {}, announced, vault.now())
    assert errand.row().state == "decided"


def test_a_packet_is_released_once(cast: Cast) -> None:
    errand = granted(cast)
    version = version_on(errand.visit("ada", "release"))
    errand.release()
    ada = cast["ada"]
    again = ada.post(f"{errand.path}/release", code=ada.code(), version=version)
    assert again.status_code == 409
    assert errand.visit("ada", "release").status_code == 409
    with cast.stage.vault.reading() as db:
        assert db.query(Packet).count() == 1


def test_a_packet_is_fetched_once_and_its_key_goes_with_it(cast: Cast) -> None:
    errand = granted(cast)
    vault, pat = cast.stage.vault, cast["pat"]
    errand.release()
    packet = packet_of(errand)

    def may_open() -> bool:
        with vault.reading() as db:
            box = find_lockbox(db, packet.subject, Compartment.DISCLOSURE)
            try:
                KeyCase(db, pat.actor, vault.trust).lockbox(box)
            except NotKnown:
                return False
            return True

    assert may_open()
    assert errand.fetch().status_code == 200
    assert not may_open()
    assert errand.visit("pat", "fetch").status_code == 409
    again = pat.post(f"{errand.path}/fetch", code=pat.code())
    assert again.status_code == 409
    assert again.mimetype == "text/html"


def test_fetching_is_recorded_before_the_pages_leave(cast: Cast) -> None:
    errand = granted(cast)
    errand.release()
    assert entries(cast, f"disclosure:{errand.id}", "disclosure-fetched") == []
    assert errand.fetch().status_code == 200
    told = entries(cast, packet_of(errand).subject, None)
    assert [entry.event for entry in told][-2:] == ["opened", "disclosure-fetched"]


def test_fetching_takes_the_second_factor(cast: Cast) -> None:
    errand = granted(cast)
    errand.release()
    cast.stage.clock.forward(minutes=10)
    pat = cast["pat"]
    errand.visit("pat", "fetch")
    assert pat.post(f"{errand.path}/fetch").status_code == 422
    assert packet_of(errand).fetched_at is None


def test_a_packet_that_nobody_fetched_is_taken_back_and_released_with_another_password(cast: Cast) -> None:
    errand = granted(cast)
    first, before = errand.release(), packet_of(errand)
    assert errand.press("ada", "take-back").status_code == 303
    assert errand.visit("pat", "fetch").status_code == 409
    second = errand.release()
    pdf = errand.fetch().data
    assert first != second
    assert NAME in text_of(pdf, second)
    with pytest.raises(pikepdf.PasswordError):
        text_of(pdf, first)
    assert packet_of(errand).mark != before.mark
    assert errand.press("ada", "take-back").status_code == 409


def test_the_recipient_acknowledges_only_what_was_fetched(cast: Cast) -> None:
    errand = granted(cast)
    errand.release()
    assert errand.give("pat", "acknowledge", received="yes").status_code == 409
    errand.fetch()
    assert errand.give("pat", "acknowledge").status_code == 422
    done(errand.give("pat", "acknowledge", received="yes"))
    assert errand.row().state == "acknowledged"


def test_the_accounting_keeps_date_recipient_address_description_and_purpose(cast: Cast) -> None:
    errand = granted(cast)
    errand.release()
    ada = cast["ada"]
    closed = ada.get("/disclosure/accounting")
    opened = ada.post("/disclosure/accounting", reason="review")
    for words in (REQUEST["address"], PURPOSE, "Person 1: legal name", "Pat Pepper"):
        assert words.replace("'", "&#39;") in opened.text
    assert PURPOSE not in closed.text
    assert REQUEST["address"] not in closed.text
    assert cast["pat"].get("/disclosure/accounting").status_code == 403


def test_every_seal_made_on_the_way_is_one_that_the_matrix_asks_for(cast: Cast) -> None:
    errand = granted(cast)
    errand.release()
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])
        pat = cast["pat"].actor.officer
        held = db.scalars(
            select(Lockbox.subject).join(SealRow, SealRow.key == Lockbox.id).where(SealRow.holder == pat)
        ).all()
    assert set(held) == {f"request:{errand.id}", packet_of(errand).subject}
    errand.fetch()
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])
