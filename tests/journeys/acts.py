"""What officers do through the pages on the way from a referral to a released packet, one act each."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.journeys.at_work import AtWork
from vault.running import wall_clock

WITNESS = "Jane Roe"
LEGAL_NAME = "Jane Marigold Roe"
SOCIAL = "900-12-3456"
HIDING_PLACE = "Room 4, the old boathouse"
STREET = "12 Unfindable Way"
THREAT = "John Doe's brother asks for her at her work."
NOTE = "She sleeps badly and asks about the trial."
BECAUSE = "Compelling need: he was seen at her door."
ANSWER = "Granted, limited to the legal name."


def today() -> date:
    """Today on the unit's own clock."""
    return wall_clock().astimezone(ZoneInfo("America/New_York")).date()


def send_referral(pat: AtWork, witness: str) -> str:
    """The prosecutor refers a witness; the referral's code."""
    pat.go("/desk")
    pat.follow("Send a referral")
    pat.write(
        {
            "Name of the witness": witness,
            "How the unit can reach the witness safely": "555-0101, never at home",
            "People in the household, with the witness": "2",
            "Docket number": "CR-26-0001",
            "Serious felony charged": "Murder",
            "Defendants, and where they are": "John Doe, on bail",
            "What happened, and why the witness is at risk": f"{witness} saw it and was followed home.",
        }
    )
    pat.choose("What is feared or has happened", "Threat", "Intimidation")
    pat.choose("Has harm happened?", "It has happened")
    assert pat.press("Send the referral") == 200
    pat.sees("is with the unit, sealed.")
    return pat.page.locator("h1").inner_text().removeprefix("Referral ")


def open_case(ada: AtWork, referral: str, inspector: str) -> str:
    """The coordinator decides three times, opens the case and names an inspector; the case's address."""
    ada.go("/referrals")
    ada.follow(referral)
    for answer in ("Yes", "Yes", "Yes, for services with temporary relocation"):
        ada.choose("Decision", answer)
        ada.write({"Reasons": BECAUSE})
        assert ada.press("Record the decision") == 200
    ada.follow("Open a case")
    assert ada.press("Open the case") == 200
    ada.sees("Name an inspector next.")
    name_officer(ada, f"{inspector}, field inspector")
    return ada.path


def name_officer(ada: AtWork, officer: str) -> None:
    """The coordinator, at a case, names an officer on it."""
    ada.follow("Name an officer")
    ada.pick("Officer", officer)
    assert ada.press("Name the officer") == 200
    ada.sees("Named. The officer can work on the case from now on.")


def move_case(ada: AtWork, case: str, *states: str) -> None:
    """The coordinator moves a case on."""
    ada.go(case)
    for state in states:
        ada.choose("The case is now", state)
        assert ada.press("Record it") == 200


def find_person(officer: AtWork, way: str, words: str) -> int:
    """An officer looks for a person, in the middle of their work; the status of the page."""
    officer.go("/search")
    officer.choose("What do you know of the person?", way)
    officer.write({"Date of birth" if way == "A date of birth" else "Name or number": words})
    officer.pick("Why are you searching?", "Working on the case")
    officer.give_code()
    return officer.press("Search")


def open_place(officer: AtWork, case: str, button: str, reason: str) -> int:
    """An officer opens a sealed place of a case for a reason; the status of the page."""
    officer.go(case)
    officer.follow(button)
    officer.pick("Why are you opening this?", reason)
    officer.give_code()
    return officer.press("Open")


def add_paper(officer: AtWork, case: str, title: str, paper: Path) -> int:
    """An officer adds a document to a case; the status of the page."""
    officer.go(case)
    officer.follow("Add a paper")
    officer.write({"Title": title})
    officer.page.get_by_label("File", exact=True).set_input_files(paper)
    return officer.press("Seal into the case")


def list_papers(officer: AtWork, case: str) -> int:
    """An officer opens the list of a case's documents; the status of the page."""
    officer.go(case)
    officer.follow("Papers")
    officer.pick("Why are you opening this?", "Working on the case")
    return officer.press("Open")


def write_place(officer: AtWork, case: str, button: str, answers: dict[str, str]) -> None:
    """An officer writes into a sealed place of a case."""
    assert open_place(officer, case, button, "Working on the case") == 200
    officer.follow("Change this")
    officer.give_code()
    assert officer.press("Open") == 200
    officer.write(answers)
    assert officer.press("Save and seal") == 200
    officer.sees("Saved and sealed.")


def fill_record(ines: AtWork, case: str) -> None:
    """The inspector writes down who the witness is, where they are, the threat and a note."""
    write_place(ines, case, "Open identity", {"Legal name": LEGAL_NAME, "Social Security number": SOCIAL})
    write_place(ines, case, "Open protected name and papers", {"Protected name": "June Finch"})
    write_place(ines, case, "Open location", {"Where they are now": HIDING_PLACE})
    ines.follow("Assess the threat")
    ines.choose("How grave is the danger?", "High")
    ines.write(
        {
            "Who threatens, and what they know": THREAT,
            "What they are able to do": "He has a car and friends.",
            "Why you judge it so": "He was seen twice.",
        }
    )
    assert ines.press("Seal into the case") == 200
    ines.follow("Mark a danger area")
    ines.write({"What is there": "The brother's home", "Stay away by at least (miles)": "10"})
    ines.pick("Nearest town", "Bridgeport")
    assert ines.press("Seal into the case") == 200
    ines.follow("Add a note")
    ines.choose("What does it tell of?", "Visit")
    ines.write({"Note": NOTE})
    assert ines.press("Seal into the case") == 200


def add_house(ada: AtWork, code: str, beds: int) -> str:
    """The coordinator adds a place and vets it; its address in the vault."""
    ada.go("/safe-housing")
    ada.follow("Add a house")
    ada.choose("Kind of place", "Safe house")
    ada.write({"Code": code, "Beds": str(beds), "Rooms": "1", "Cost of a night": "85.00"})
    ada.choose("What the place has", "Kitchen")
    ada.write({"Area": "Hartford west", "What is near": "A clinic and a bus line"})
    ada.pick("Nearest town", "Hartford")
    ada.write(
        {
            "Street and number": STREET,
            "Town": "West Hartford",
            "ZIP code": "00909",
            "Latitude": "41.7637",
            "Longitude": "-72.6851",
            "Keys, codes and how to get in": "Key safe 4471",
            "Landlord or agency": "Nobody Real LLC",
        }
    )
    assert ada.press("Add the house") == 200
    assert ada.press("Vet the place") == 200
    ada.sees("The place is vetted")
    return ada.path


def search(officer: AtWork, case_code: str) -> None:
    """An inspector searches a week for two people of a case."""
    officer.go("/safe-housing")
    officer.pick("Case", case_code)
    officer.write({"Nights": "7", "People": "2"})
    officer.choose("The place must have", "Kitchen")
    assert officer.press("Search safe housing") == 200


def open_address(officer: AtWork, house: str) -> None:
    """An inspector opens the address of a place, for a reason and with a code."""
    officer.go(house)
    officer.follow("Open address")
    officer.pick("Why are you opening this?", "Finding or arranging housing")
    officer.give_code()
    assert officer.press("Open") == 200


def hold(officer: AtWork, house: str, case_code: str) -> int:
    """An officer tries to hold two beds of a place for a week from today; the status of the answer."""
    officer.go(house)
    officer.follow("Hold beds")
    officer.pick("Case", case_code)
    officer.write({"First day": today().isoformat(), "Nights": "7", "People": "2"})
    return officer.press("Hold the beds")


def draft_rent(ada: AtWork, case: str) -> str:
    """The coordinator drafts a request of rent for a case; its address."""
    ada.go(case)
    ada.follow("Ask for a payment")
    ada.pick("What the money is for", "Rent")
    ada.write(
        {
            "Amount": "900.00",
            "First day it covers": today().isoformat(),
            "Last day it covers": (today() + timedelta(days=29)).isoformat(),
            "Who is paid": "Juniper Lane Apartments",
            "Name to show on the payment": "J L Services",
            "Bank account": "021000021 900155501",
            "Why this is needed": "A roof before the trial.",
        }
    )
    assert ada.press("Keep the draft") == 200
    return ada.path


def request_rent(ada: AtWork, case: str) -> str:
    """The coordinator requests rent for a case and submits the request; its address."""
    draft_rent(ada, case)
    assert ada.press("Submit for approval") == 200
    ada.sees("You asked for this, so somebody else decides on it.")
    return ada.path


def approve_rent(dee: AtWork, payment: str) -> None:
    """The deputy reads the justification and approves."""
    dee.go(payment)
    dee.follow("Open payee")
    dee.pick("Why are you opening this?", "Deciding a request or referral")
    assert dee.press("Open") == 200
    dee.sees("A roof before the trial.")
    dee.go(payment)
    dee.follow("Decide")
    dee.choose("Your decision", "Approve the amounts below")
    dee.write({"Reasons": "As the agreement says."})
    dee.give_code()
    assert dee.press("Record the decision") == 200
    dee.sees("The decision is kept.")


def pay_rent(fin: AtWork, payment: str, number: str) -> None:
    """The fiscal officer pays, attaches the receipt's number and reconciles."""
    fin.go(payment)
    fin.follow("Voucher")
    fin.go(payment)
    fin.follow("Record the payment")
    fin.write({"Warrant, check or transfer number": number, "Day it was paid": today().isoformat()})
    assert fin.press("Record the payment") == 200
    fin.write({"Number of the receipt": "R-2291"})
    assert fin.press("Attach the receipt") == 200
    fin.sees("The receipt is attached.")
    fin.write({"Amount on the statement": "900.00"})
    assert fin.press("Reconcile") == 200
    fin.sees("Reconciled. Nothing more is needed for this payment.")
