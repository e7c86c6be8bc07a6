"""From a search to a departure: the inspector's main act, and what stops it."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from audit.finding import Filters
from housing.separation import ConflictKind
from tests.cast import TOKEN, Cast, Officer
from tests.programme import OpenedCase, open_case
from tests.safehouses.placing import add_house, confirmed, do, held, hold, on_sqlite, search, terms
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.safehouses import actions, keeping

NOBODYS = UUID(int=7)


def entries(cast: Cast, event: str) -> list[dict[str, object]]:
    """The facts of every entry of this event, the newest first."""
    vault = cast.stage.vault
    with vault.reading() as db:
        found = vault.ledger.find(db, Filters(event=event), before_index=None, limit=100)
    return [
        {"subjects": w.entry.subjects, "compartment": w.entry.compartment, **w.entry.facts} for w in found
    ]


def test_an_inspector_finds_a_place_holds_it_and_follows_the_stay_to_its_end(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ines = cast["ines"]
    found = search(ines, case)
    assert found.status_code == 200, found.text
    assert "1 place fits" in found.text
    for words in ("2 beds free, 2 needed", "Confirmed today", "Shoreline east", "$95.00"):
        assert words in found.text
    stay = held(ines, house, case)
    assert "held until" in ines.get(stay).text
    assert ines.post(f"{stay}/confirm").status_code == 303
    assert do(ines, stay, "arrive", on="2026-11-23").status_code == 303
    assert do(ines, stay, "extend", until_on="2026-12-02").status_code == 303
    assert "Dec 2, 2026" in ines.get(stay).text
    assert do(ines, stay, "depart", on="2026-11-23").status_code == 303
    page = ines.get(stay).text
    assert "Departed" in page
    assert f"{stay}/extend" not in page


@on_sqlite
def test_every_act_on_a_stay_is_an_entry_about_the_house_and_the_case(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    stay = confirmed(cast["ines"], house, case)
    do(cast["ines"], stay, "cancel", reason="declined-by-person")
    subjects = (f"house:{house}", f"case:{case.id}")
    (taken,) = entries(cast, "stay-held")
    assert taken["subjects"] == subjects
    assert (taken["from"], taken["until"], taken["party"]) == ("2026-11-23", "2026-11-30", 2)
    changes = entries(cast, "stay-changed")
    assert [(c["before"], c["after"]) for c in changes] == [("confirmed", "cancelled"), ("held", "confirmed")]
    assert {c["subjects"] for c in changes} == {subjects}
    assert changes[0]["reason"] == "declined-by-person"


@on_sqlite
def test_a_search_is_recorded_with_the_case_and_every_place_whose_area_was_opened(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    houses = {add_house(cast, code, 2) for code in ("H-014", "H-015")}
    search(cast["ines"], case, needs=["kitchen"])
    (look,) = entries(cast, "housing-searched")
    assert look["compartment"] == "house-area"
    assert set(look["subjects"]) == {f"case:{case.id}", *(f"house:{house}" for house in houses)}  # type: ignore[call-overload]
    assert look["free"] == 2


@on_sqlite
@pytest.mark.parametrize("act", ["search", "hold"])
def test_an_unassigned_inspector_neither_searches_for_nor_places_another_case(cast: Cast, act: str) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ivo = cast["ivo"]
    path = "/safe-housing/search" if act == "search" else f"/safe-housing/{house}/hold"
    ivo.get("/safe-housing")
    not_yours = ivo.post(path, **terms(case))
    not_there = ivo.post(path, **terms(case, case=str(NOBODYS)))
    assert not_yours.status_code == not_there.status_code == 404
    assert TOKEN.sub("", not_yours.text) == TOKEN.sub("", not_there.text)
    assert case.code not in ivo.get("/safe-housing").text


@on_sqlite
def test_an_unassigned_inspector_finds_no_such_stay_and_is_shown_none(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    stay = held(cast["ines"], house, case)
    ivo = cast["ivo"]
    assert case.code in cast["ines"].get(f"/safe-housing/{house}").text
    assert case.code not in ivo.get(f"/safe-housing/{house}").text
    assert ivo.get(stay).status_code == 404
    assert ivo.post(f"{stay}/confirm").status_code == 404
    for act in ("arrive", "depart", "extend", "cancel", "did-not-arrive"):
        assert ivo.get(f"{stay}/{act}").status_code == 404
        assert ivo.post(f"{stay}/{act}", version="1").status_code == 404
    assert "held until" in cast["ines"].get(stay).text


def test_the_second_booking_of_the_last_bed_is_refused_and_keeps_what_was_typed(cast: Cast) -> None:
    first, second = open_case(cast, named=["ines"]), open_case(cast, named=["ivo"])
    house = add_house(cast, "H-014", 3)
    search(cast["ivo"], second)
    held(cast["ines"], house, first)
    refused = hold(cast["ivo"], house, second, nights="5")
    assert refused.status_code == 409
    assert "cannot take them on all of these days" in refused.text
    assert 'value="5"' in refused.text
    assert 'value="2026-11-23"' in refused.text
    assert re.search(rf'value="{second.id}" selected', refused.text)
    assert len(entries(cast, "stay-held")) == 1
    assert entries(cast, "refused")[0]["route"] == "safehouses.stays.hold-beds"


def test_a_hold_that_ran_out_is_let_go_by_the_next_search_in_an_entry_of_its_own(cast: Cast) -> None:
    first, second = open_case(cast, named=["ines"]), open_case(cast, named=["ivo"])
    house = add_house(cast, "H-014", 2)
    stay = held(cast["ines"], house, first)
    assert "No place fits" in search(cast["ivo"], second).text
    stay_awake(cast["ivo"], cast["ines"], minutes=90)
    assert "1 place fits" in search(cast["ivo"], second).text
    (let_go,) = entries(cast, "stay-changed")
    assert let_go["subjects"] == (f"house:{house}", f"case:{first.id}")
    assert let_go["reason"] == "hold-expired"
    assert "Hold expired".lower() in cast["ines"].get(stay).text.lower()


def stay_awake(*officers: Officer, minutes: int) -> None:
    """Let time pass while these officers keep using their pages."""
    for _ in range(minutes // 10):
        officers[0].stage.clock.forward(minutes=10)
        for officer in officers:
            officer.get("/safe-housing")


@on_sqlite
def test_a_hold_that_ran_out_cannot_be_confirmed(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    stay = held(cast["ines"], add_house(cast, "H-014", 2), case)
    stay_awake(cast["ines"], minutes=90)
    assert "run out" in cast["ines"].get(stay).text
    refused = cast["ines"].post(f"{stay}/confirm")
    assert refused.status_code == 409
    assert "This hold has run out" in refused.text


@pytest.mark.parametrize(
    ("act", "reason"), [("cancel", "other-place-found"), ("did-not-arrive", "not-reached")]
)
@on_sqlite
def test_a_stay_that_comes_to_nothing_gives_its_beds_back_at_once(cast: Cast, act: str, reason: str) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ines = cast["ines"]
    stay = confirmed(ines, house, case)
    assert do(ines, stay, act).status_code == 422
    assert "No place fits" in search(ines, case).text
    assert do(ines, stay, act, reason=reason).status_code == 303
    assert "1 place fits" in search(ines, case).text


def test_the_second_of_two_tabs_on_a_stay_is_told(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    stay = confirmed(ines, add_house(cast, "H-014", 2), case)
    assert do(ines, stay, "extend", until_on="2026-12-02").status_code == 303
    late = ines.post(f"{stay}/extend", version="2", until_on="2026-12-09")
    assert late.status_code == 409
    assert "Someone else saved this record" in late.text
    assert 'value="2026-12-09"' in late.text
    assert "Dec 2, 2026" in ines.get(stay).text


@on_sqlite
def test_only_the_coordinator_records_an_overstay(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines, ada = cast["ines"], cast["ada"]
    stay = confirmed(ines, add_house(cast, "H-014", 2), case)
    do(ines, stay, "arrive", on="2026-11-23")
    answers = {"until_on": "2026-12-02", "reason": "illness"}
    assert f"{stay}/overstay" not in ines.get(stay).text
    assert do(ines, stay, "overstay", **answers).status_code == 409
    assert do(ada, stay, "overstay", **answers).status_code == 303
    assert "Dec 2, 2026" in ada.get(stay).text


def danger(cast: Cast, case: OpenedCase, town: str, radius: int) -> None:
    """Ada marks a danger area of the case."""
    answer = cast["ada"].post(
        f"/cases/{case.id}/add/danger-area", label="A brother's home", town=town, radius_miles=str(radius)
    )
    assert answer.status_code == 303, answer.text


@on_sqlite
def test_a_place_in_or_near_a_danger_area_of_the_case_is_ruled_out_and_cannot_be_held(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    near = add_house(cast, "H-014", 2)
    far = add_house(cast, "H-099", 2, centre="Stamford")
    danger(cast, case, "Clinton", 5)
    found = search(cast["ines"], case)
    assert "1 place fits" in found.text
    assert f"/safe-housing/{far}/hold" in found.text
    assert f"/safe-housing/{near}/hold" not in found.text
    assert "Inside a danger area" in found.text
    refused = hold(cast["ines"], near, case, miles="")
    assert refused.status_code == 409
    assert "H-014 does not suit this case: inside a danger area" in refused.text
    assert hold(cast["ines"], far, case).status_code == 303
    opened = [e for e in entries(cast, "opened") if e["compartment"] == "threat"]
    assert {e["subjects"] for e in opened} == {(f"case:{case.id}",)}


@on_sqlite
def test_an_empty_search_says_what_to_ask_for_less_of(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    add_house(cast, "H-014", 2)
    page = search(cast["ines"], case, needs=["pets"], excluded=["children"], kind=["shelter"]).text
    assert "No place fits" in page
    assert "whatever is left out" in page
    page = search(cast["ines"], case, needs=["pets"]).text
    assert "Do without “Pets welcome”: 1 place more free on these days." in page
    danger(cast, case, "New Haven", 1)
    page = search(cast["ines"], case, miles="100").text
    assert "Keep fewer miles from the danger areas: 1 place outside all of them." in page


@on_sqlite
def test_a_need_both_wanted_and_unwanted_is_told_in_the_form(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    answer = search(cast["ines"], case, needs=["pets"], excluded=["pets"])
    assert answer.status_code == 422
    assert "Untick what is also ticked" in answer.text
    assert search(cast["ines"], case, from_on="2026-11-02").status_code == 422


def test_cases_kept_apart_are_never_placed_in_one_house(cast: Cast) -> None:
    first, second = open_case(cast, named=["ines"]), open_case(cast, named=["ivo"])
    house = add_house(cast, "H-014", 6)
    ada = cast["ada"]
    ada.get("/safe-housing/separations")
    pair = {"case": str(first.id), "other": str(second.id), "kind": "same-prosecution"}
    assert ada.post("/safe-housing/separations", **pair).status_code == 303
    assert ada.post("/safe-housing/separations", **pair).status_code == 409
    held(cast["ines"], house, first)
    found = search(cast["ivo"], second).text
    assert "Not for this case on these days" in found
    assert first.code not in found
    assert hold(cast["ivo"], house, second).status_code == 409
    (ended,) = re.findall(
        r"/safe-housing/separations/[0-9a-f-]+/end", ada.get("/safe-housing/separations").text
    )
    assert ada.post(ended).status_code == 303
    assert hold(cast["ivo"], house, second).status_code == 303


def test_two_cases_kept_apart_cannot_slip_in_at_the_same_moment(cast: Cast) -> None:
    """The act itself asks again under the lock of the house, whatever the page had found before."""
    first, second = open_case(cast, named=["ines"]), open_case(cast, named=["ivo"])
    house = add_house(cast, "H-014", 6)
    vault, now = cast.stage.vault, cast.stage.clock.now
    with vault.writing() as db:
        one, other = db.get_one(Case, first.id), db.get_one(Case, second.id)
        keeping.keep_apart(db, cast["ada"].actor, one, other, ConflictKind.SEPARATED, now)
    held(cast["ines"], house, first)
    asked = actions.Asked(now.date() + timedelta(days=1), 3, 2, False, None)
    ivo = cast["ivo"].actor

    def act() -> None:
        with vault.writing() as db:
            case, place = db.get_one(Case, second.id), actions.get_house(db, house)
            actions.hold_beds(db, ivo, case, place, asked, vault.settings, now)

    with pytest.raises(RuleForbids, match="Not for this case on these days"):
        act()
    assert len(entries(cast, "stay-held")) == 1
