"""What officers do through the pages to carry a disclosure from its asking to its acknowledgement."""

from pathlib import Path

from tests.journeys.acts import ANSWER
from tests.journeys.at_work import AtWork


def ask(pat: AtWork, referral: str) -> str:
    """The prosecutor asks under a court order; the request's address."""
    pat.go("/disclosure")
    pat.follow("Ask for a disclosure")
    options = pat.page.get_by_label("Your referral").locator("option").all_inner_texts()
    pat.pick("Your referral", next(option for option in options if referral in option))
    pat.pick("Authority", "Court order")
    pat.write(
        {
            "Reference of the order or request": "Order 26-0117",
            "What you ask to be told": "The legal name of the witness.",
            "What you need it for": "To summon the witness.",
            "Your office": "State's Attorney, Hartford",
            "Address of your office": "101 Nowhere Street, Hartford",
        }
    )
    assert pat.press("Send the request") == 200
    return pat.path


def read_part(officer: AtWork, disclosure: str, link: str) -> None:
    """An officer opens one sealed part of a request."""
    officer.go(disclosure)
    officer.follow(link)
    officer.pick("Why are you opening this?", "Preparing a disclosure")
    officer.give_code()
    assert officer.press("Open") == 200


def prepare(ada: AtWork, disclosure: str) -> None:
    """The coordinator takes it up, weighs it, chooses one field, reads the packet and sends it on."""
    read_part(ada, disclosure, "Open the request")
    ada.sees("The legal name of the witness.")
    ada.go(disclosure)
    assert ada.press("Take it up") == 200
    ada.follow("Write the worksheet")
    ada.write(
        {
            "How you made sure of who asks": "Called back on the court's number.",
            "1. Reasons for the disclosure": "The trial.",
            "2. Danger to the person or others if it becomes known": "Her name is known to him already.",
            "3. How likely it is used only for its purpose": "Likely.",
            "4. Whether the need can be met in another way": "No.",
            "5. Whether further disclosure can be prevented": "By a protective order.",
            "What they said, or why they were not told": "She agrees.",
        }
    )
    ada.choose("Was the protected person told?", "Told, and heard")
    assert ada.press("Seal the worksheet") == 200
    ada.follow("Choose the fields")
    ada.tick("Person 1, witness: legal name")
    ada.give_code()
    assert ada.press("Read and freeze these fields") == 200
    read_part(ada, disclosure, "Open the packet")
    ada.go(disclosure)
    assert ada.press("Send it to the deputy") == 200


def decide(dee: AtWork, disclosure: str) -> None:
    """The deputy grants what was prepared."""
    read_part(dee, disclosure, "Open the worksheet")
    dee.go(disclosure)
    dee.follow("Decide")
    dee.choose("Decision", "Granted")
    dee.write({"Reasons": "The order binds us.", "Answer to the requester": ANSWER})
    dee.give_code()
    assert dee.press("Record the decision") == 200


def release(ada: AtWork, disclosure: str) -> str:
    """The coordinator releases the packet; the password that is shown once."""
    ada.go(disclosure)
    ada.follow("Release the packet")
    ada.give_code()
    assert ada.press("Release it") == 200
    row = ada.page.locator("dl div").filter(has_text="Password")
    return row.locator("dd").inner_text()


def fetch(pat: AtWork, disclosure: str, to: Path) -> Path:
    """The prosecutor reads the answer, downloads the packet and acknowledges it."""
    read_part(pat, disclosure, "Open the request")
    pat.sees(ANSWER)
    pat.go(disclosure)
    pat.follow("Download the packet")
    pat.give_code()
    packet = pat.download("Download", to)
    pat.go(disclosure)
    pat.follow("Acknowledge the packet")
    pat.tick("I have the packet, I will use it only for the stated purpose, and I will not pass it on")
    assert pat.press("Acknowledge") == 200
    return packet
