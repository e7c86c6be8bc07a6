"""A person is looked for on a telephone without scripts, and found in their case."""

from playwright.sync_api import expect

from tests.journeys import acts
from tests.journeys.conftest import Opened, Staff


def test_a_person_is_found_by_how_the_name_sounds_and_leads_to_the_case(
    staff: Staff, record: Opened, searched: None
) -> None:
    ada = staff["ada"]
    assert acts.find_person(ada, "A name that sounds like this", "Jayne Merrygold") == 200
    ada.sees(record.code)
    ada.sees(acts.LEGAL_NAME)
    ada.sees("Recorded as entry")
    assert "Merrygold" not in ada.page.url + ada.page.title()
    ada.follow(record.code)
    assert ada.path == record.path


def test_the_inspector_finds_the_people_of_her_own_cases_and_no_others(
    staff: Staff, record: Opened, other_case: Opened
) -> None:
    ines, ivo = staff["ines"], staff["ivo"]
    assert acts.find_person(ines, "A document or other number", acts.SOCIAL[-4:]) == 200
    ines.sees(record.code)
    assert acts.find_person(ivo, "A document or other number", acts.SOCIAL[-4:]) == 200
    ivo.sees("Nobody was found")
    ivo.sees_nothing_of(record.code)


def test_a_search_without_a_reason_is_asked_for_again_with_the_words_in_their_box(
    staff: Staff, record: Opened
) -> None:
    ada = staff["ada"]
    ada.go("/search")
    ada.write({"Name or number": "Marigold"})
    assert ada.press("Search") == 422
    expect(ada.page.get_by_label("Name or number")).to_have_value("Marigold")
    ada.sees_nothing_of(record.code)


def test_whoever_may_not_search_is_not_offered_it(staff: Staff) -> None:
    for name in ("dee", "aud", "max"):
        officer = staff[name]
        officer.go("/desk")
        expect(officer.page.get_by_role("link", name="Find a person")).to_have_count(0)
        assert officer.go("/search") == 403
