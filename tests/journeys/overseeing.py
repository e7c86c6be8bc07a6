"""What an auditor does about an alert, at a telephone."""

from tests.journeys.at_work import AtWork

NOWHERE = "/cases/00000000-0000-0000-0000-000000000404"
REFUSED = "Ivo Ironside was refused 5 times within ten minutes"
WHY = "Ivo followed a link from an old message; I saw it on his telephone."


def try_doors(ivo: AtWork) -> None:
    """Ivo asks five times for what is not there, which is an alert."""
    for _ in range(5):
        assert ivo.go(NOWHERE) == 404


def list_alerts(aud: AtWork, path: str) -> None:
    """Aud sees every alert of a list, also those that were folded into one line."""
    aud.go(path)
    while folded := aud.page.locator("li details:not([open]) > summary").all_inner_texts():
        aud.unfold(folded[0])


def find_alert(aud: AtWork) -> str:
    """Aud finds the alert in the list, folded or not; where it is."""
    list_alerts(aud, "/ledger/alerts")
    aud.follow(REFUSED, exact=False)
    aud.sees("What to do next")
    return aud.path


def dismiss(aud: AtWork) -> str:
    """Aud reads the alert and dismisses it with a reason; where the alert is."""
    path = find_alert(aud)
    aud.follow("Dismiss this alert")
    assert aud.press("Dismiss this alert") == 422
    aud.sees("There is a problem")
    aud.write({"Reason": WHY})
    assert aud.press("Dismiss this alert") == 200
    aud.sees("by Aud Atwater")
    return path


def find_case(aud: AtWork, code: str) -> None:
    """Aud types the number of a case, sees its entries alone, and who has ever seen it."""
    aud.go("/ledger")
    aud.unfold("Narrow the list")
    aud.write({"Case number": code.lower()})
    assert aud.press("Show these entries") == 200
    aud.follow("Who has ever seen this case")
    aud.sees("Its people")
    aud.follow("Person 1")
    aud.sees("Who has ever seen the identity of person 1")


def flag(aud: AtWork, case: str) -> None:
    """Aud has every officer who is new to a case raise an alert."""
    aud.go(f"/ledger/subjects/case/{case}")
    aud.follow("Flag this case")
    aud.write({"Reason": "The witness is a colleague's cousin."})
    assert aud.press("Flag this case") == 200
    aud.sees("No longer flag this case")
