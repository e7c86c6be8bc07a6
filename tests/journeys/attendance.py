"""An officer is away for a time, and all access is reviewed."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.journeys import acts
from tests.journeys.conftest import Opened, Staff


def stand_in(staff: Staff, other_case: Opened) -> None:
    """Ivo asks for a stand-in, who works on his case until the coordinator ends it."""
    ivo, ada, ines = staff["ivo"], staff["ada"], staff["ines"]
    assert ines.go(other_case.path) == 404
    ivo.go("/desk")
    ivo.follow("Absences")
    ivo.follow("Ask for a stand-in")
    ivo.pick("Who stands in?", "Ines Inkpen")
    today = acts.today()
    ivo.write({"First day away": f"{today}", "Last day away": f"{today + timedelta(days=61)}"})
    ivo.choose("What is passed on?", "Everything that the officer is named on when it begins")
    assert ivo.press("Send it to the coordinator") == 409
    ivo.sees("60 days at most")
    ivo.write({"Last day away": f"{today + timedelta(days=7)}"})
    assert ivo.press("Send it to the coordinator") == 200
    ivo.sees("Until it is arranged nothing is passed on.")

    ada.go("/desk")
    ada.follow("Ivo Ironside asks for a stand-in")
    ada.sees(f"Case {other_case.code}")
    assert ada.press("Arrange it") == 200
    ada.sees("Arranged, and begun")

    ines.go("/desk")
    ines.sees("You stand in for Ivo Ironside")
    assert ines.go(other_case.path) == 200
    ines.sees("For Ivo Ironside until")

    ada.go("/officers")
    ada.follow("Absences")
    ada.follow("Ivo Ironside")
    assert ada.press("End it now") == 200
    assert ines.go(other_case.path) == 404


def review_access(staff: Staff) -> None:
    """The coordinator answers about each officer, and the deputy about the coordinator."""
    ada, dee = staff["ada"], staff["dee"]
    ada.go("/officers")
    ada.follow("Review of access")
    assert ada.press("Begin a review") == 200
    ada.sees("What each role may")
    ada.page.emulate_media(media="print")
    expect(ada.page.get_by_role("row", name="Sol Saddler")).to_be_visible()
    for left_out in (".vault-header", ".usa-breadcrumb", ".vault-notices"):
        expect(ada.page.locator(left_out)).to_be_hidden()
    ada.page.emulate_media(media="screen")
    dee.go("/desk")
    dee.follow("Review of access")
    dee.follow("Go on with the review")
    dee.follow("Ada Amsel")
    dee.choose("Does this officer still need this access?", "Keep the access as it is")
    assert dee.press("Record the answer") == 200
    dee.sees("Ada Amsel: access kept.")

    ada.follow("Ines Inkpen")
    ada.choose("Does this officer still need this access?", "End the access")
    assert ada.press("Record the answer") == 422
    ada.sees("Write below why the access shall end.")
    while ada.path.count("/officers/"):
        ada.choose("Does this officer still need this access?", "Keep the access as it is")
        assert ada.press("Record the answer") == 200
    assert ada.press("Finish the review") == 200
    ada.sees("Finished.")
