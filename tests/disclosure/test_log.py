"""The auditor reads who asked, on what authority, who decided, what and when; never what it said."""

import pytest

from tests.cast import Cast
from tests.disclosure.errands import (
    ALIAS,
    ANSWER,
    ASKED,
    DANGER,
    NAME,
    PURPOSE,
    REASONS,
    REQUEST,
    Errand,
    asked,
    done,
    entries,
)
from tests.oversight.test_read import plain

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)

CONTENTS = (NAME, ALIAS, ASKED, PURPOSE, DANGER, REASONS, ANSWER, REQUEST["address"])


def finished(cast: Cast) -> Errand:
    """A disclosure that was acknowledged."""
    errand = asked(cast).prepare("person-1.legal_name").decide("granted")
    errand.release()
    assert errand.fetch().status_code == 200
    done(errand.give("pat", "acknowledge", received="yes"))
    return errand


def test_the_auditor_reads_the_log_without_any_content(cast: Cast) -> None:
    errand = finished(cast)
    aud = cast["aud"]
    log, one = aud.get("/disclosure"), aud.get(errand.path)
    for words in ("D-2026-0001", "Pat Pepper", "Court order", "Dee Drummer", "Person 1: legal name"):
        assert words in log.text
    for page in (log, one):
        assert page.status_code == 200
        assert not [words for words in CONTENTS if words in page.text]
        assert "/open/" not in page.text


def test_a_release_that_was_taken_back_stays_in_the_log_with_its_fields_and_days(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name").decide("granted")
    errand.release()
    done(errand.give("ada", "take-back"))
    page = plain(cast["aud"].get("/disclosure").text)
    assert "Person 1: legal name" in page
    assert "by Ada Amsel" in page
    assert "Taken back" in page
    assert "Dee Drummer: granted" in page


def test_the_auditor_opens_no_part_of_it(cast: Cast) -> None:
    errand = finished(cast)
    aud = cast["aud"]
    for part in ("request", "worksheet", "packet"):
        assert aud.get(f"{errand.path}/open/{part}").status_code == 404
        assert aud.post(f"{errand.path}/open/{part}", reason="review").status_code == 404
    for act in ("take-up", "send", "take-back", "release", "decide", "withdraw", "fetch", "acknowledge"):
        assert aud.post(f"{errand.path}/{act}").status_code == 403
    assert aud.get("/disclosure/accounting").status_code == 403


def test_reading_the_log_is_recorded(cast: Cast) -> None:
    errand = asked(cast)
    aud = cast["aud"]
    assert aud.get(errand.path).status_code == 200
    read = entries(cast, f"disclosure:{errand.id}", "disclosure-log-read")
    assert [entry.officer for entry in read] == [aud.actor.officer]


def test_the_ledger_tells_the_whole_way_in_order(cast: Cast) -> None:
    errand = finished(cast)
    told = [entry.event for entry in entries(cast, f"disclosure:{errand.id}", None)]
    acts = [event for event in told if event.startswith("disclosure-")]
    assert acts == [
        "disclosure-asked",
        "disclosure-taken-up",
        "disclosure-weighed",
        "disclosure-chosen",
        "disclosure-prepared",
        "disclosure-decided",
        "disclosure-released",
        "disclosure-fetched",
        "disclosure-acknowledged",
    ]
