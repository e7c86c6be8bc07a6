"""The auditor looks after an alert, reads the figures, and finds the week that is running."""

from tests.journeys import overseeing
from tests.journeys.conftest import Opened, Staff


def test_an_alert_is_found_on_the_desk_dismissed_with_a_reason_and_read_again(staff: Staff) -> None:
    overseeing.try_doors(staff["ivo"])
    aud = staff["aud"]
    aud.go("/desk")
    aud.page.get_by_role("link", name="open alert").click()
    aud.sees(overseeing.REFUSED)
    path = overseeing.dismiss(aud)
    aud.sees_nothing_of(overseeing.WHY)
    overseeing.list_alerts(aud, "/ledger/alerts?state=dismissed")
    aud.page.locator(f"a[href='{path}']").click()
    aud.page.locator("section").last.locator("tbody a").first.click()
    aud.sees(overseeing.WHY)


def test_a_case_is_found_by_its_number_and_leads_to_whoever_has_seen_its_people(
    staff: Staff, record: Opened
) -> None:
    aud = staff["aud"]
    overseeing.find_case(aud, record.code)
    aud.sees("Ines Inkpen")
    aud.go("/ledger/subjects")
    aud.write({"Number of the case or place": "WP-1999-0001"})
    assert aud.press("Show who has seen it") == 422
    aud.sees("No case or place has this number.")
    aud.write({"Number of the case or place": record.code})
    assert aud.press("Show who has seen it") == 200
    aud.sees("Its entries in the ledger")


def test_figures_and_weeks_are_read_without_a_script_on_a_telephone(staff: Staff, record: Opened) -> None:
    aud = staff["aud"]
    assert aud.go("/ledger/figures") == 200
    for chart in ("Looks by hour and weekday", "Looks by officer"):
        assert aud.page.get_by_role("img", name=chart).is_visible()
    aud.pick("How far back", "4 weeks")
    assert aud.press("Show") == 200
    aud.follow("Ines Inkpen")
    aud.sees("Looks in 28 days")
    aud.go("/ledger")
    aud.follow("Weekly review")
    aud.sees("Still running")
    aud.page.locator("tbody a").first.click()
    aud.sees("This week is still running")
