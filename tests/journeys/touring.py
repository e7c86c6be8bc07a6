"""The pages that no errand leads to, passed by the officers whose pages they are."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from audit.witness import Witness
from tests.journeys import acts, keeping, overseeing
from tests.journeys.at_work import AtWork
from tests.journeys.conftest import Disclosed, Opened, Staff


def ways(record: Opened, house: str, disclosed: Disclosed) -> Mapping[str, Sequence[str]]:
    """Where each officer goes."""
    case = record.path.removeprefix("/cases/")
    return {
        "ada": [
            *("/cases", "/cases/destroyed", "/referrals", "/payments", "/payments/new", "/agencies"),
            *("/agencies/add", "/officers", "/keys", "/keys/seals", "/keys/renewal", "/keys/acts"),
            *("/keys/acts/ask-recovery", "/keys/acts/ask-destruction"),
            *("/disclosure", "/disclosure/accounting", "/safe-housing", "/safe-housing/separations", house),
            *(f"{house}/{act}" for act in ("confirm", "close", "compromise", "address/change")),
            *(f"{record.path}/{act}" for act in ("people/add", "support")),
        ],
        "ines": [
            *("/cases", record.path, "/safe-housing", "/agencies", "/sessions", "/password"),
            *("/account", "/passkeys/add", "/backup-codes", "/notices", "/duress-password"),
        ],
        "dee": ["/cases", record.path, f"{record.path}/support", "/payments", "/disclosure", "/referrals"],
        "fin": ["/payments", f"{record.path}/support"],
        "pat": ["/referrals", "/disclosure", disclosed.path],
        "aud": [
            *("/ledger", "/ledger?outcome=refused", "/ledger/30", "/ledger/checkpoint", "/ledger/export"),
            *("/ledger/seals", "/ledger/matrix", f"/ledger/subjects/case/{case}", "/disclosure", "/keys"),
            *("/ledger/alerts?state=", "/ledger/weeks", "/ledger/figures", "/ledger?since=tomorrow"),
            *("/ledger/subjects", f"/ledger?case={case}", "/ledger/alerts"),
            *("/ledger/witnesses", "/ledger/witnesses/register", "/ledger/witnesses/take-in"),
        ],
        "max": [
            *("/officers", "/officers/add", "/cases", "/administration", "/administration/sessions"),
            *("/administration/roles", "/administration/settings"),
        ],
    }


def tour(
    staff: Staff, record: Opened, other_case: Opened, house: str, disclosed: Disclosed, folder: Path
) -> None:
    """Pass every page that is left."""
    for name, paths in ways(record, house, disclosed).items():
        for path in paths:
            staff[name].go(path)
    for link in ("Enrol again", "End access"):
        staff["max"].go("/officers")
        staff["max"].follow("Ivo Ironside")
        staff["max"].follow(link)
    staff["pat"].go("/referrals")
    staff["pat"].follow(record.referral)
    staff["pat"].go(f"{staff['pat'].path}/open")
    pass_agency(staff["ada"])
    pass_key_act(staff["ada"])
    pass_draft(staff["ada"], record.path)
    pass_papers(staff["ines"], record.path)
    pass_compromise(staff["ada"])
    pass_app(staff["ines"])
    pass_absence(staff["ines"], staff["ada"])
    pass_review(staff["ada"])
    pass_emergency(staff["ines"], staff["ada"], staff["dee"], other_case.code)
    overseeing.try_doors(staff["ivo"])
    pass_oversight(staff["aud"], record.path.removeprefix("/cases/"))
    pass_witness(staff["aud"], Witness(folder / "witness", staff.served.settings.origin))
    pass_the_door(staff.another("nobody"))
    keeping.try_passwords(staff.another("sol"))
    keeping.release(staff["max"], "Sol Saddler")


def pass_agency(ada: AtWork) -> None:
    """An agency with a contact and a memorandum."""
    ada.go("/agencies/add")
    ada.write({"Name of the agency": "Hartford Police"})
    ada.pick("Kind", "Police department")
    assert ada.press("Add the agency") == 200
    agency = ada.path
    ada.follow("Correct this")
    ada.go(agency)
    ada.follow("Add a contact")
    ada.write({"Name": "Sergeant Nobody", "Telephone": "555-0199"})
    assert ada.press("Add the contact") == 200
    ada.follow("Draft a memorandum")
    ada.write({"What it is about": "Escorts to court"})
    ada.choose("Parties beside the programme", "Hartford Police")
    assert ada.press("Keep the draft") == 200
    ada.go(ada.path)
    ada.follow("Change the draft")
    ada.go("/agencies")


def pass_key_act(ada: AtWork) -> None:
    """A recovery that waits for two to approve it."""
    ada.go("/keys/acts/ask-recovery")
    assert ada.press("Ask for the recovery") == 422
    ada.pick("What can nobody open?", "The directory of names")
    ada.page.get_by_label("Who will hold it").select_option(index=1)
    ada.choose("Why", "Yearly drill")
    ada.write({"What happened": "Nobody finds anybody any more."})
    ada.give_code()
    assert ada.press("Ask for the recovery") == 200
    ada.go(ada.path)
    ada.go("/keys/acts")


def pass_draft(ada: AtWork, case: str) -> None:
    """A payment that is still a draft, whose payee may be changed."""
    acts.draft_rent(ada, case)
    ada.follow("Change the payee")


def pass_papers(ines: AtWork, case: str) -> None:
    """The questions before a paper is opened or removed."""
    for link in ("Open paper 1", "Remove paper 1"):
        assert acts.list_papers(ines, case) == 200
        ines.follow(link)


def pass_app(ines: AtWork) -> None:
    """A new authenticator app that is not set up after all."""
    ines.go("/authenticator-app/remove")
    ines.go("/authenticator-app")
    ines.give_code()
    assert ines.press("Go on to the picture") == 200
    ines.go("/account")


def pass_absence(ines: AtWork, ada: AtWork) -> None:
    """A stand-in who is asked for and not needed after all."""
    ines.go("/absences")
    ines.go("/absences/ask")
    assert ines.press("Send it to the coordinator") == 422
    ines.page.get_by_label("Who stands in?").select_option(index=1)
    days = {"First day away": 7, "Last day away": 9}
    ines.write({label: (acts.today() + timedelta(days=ahead)).isoformat() for label, ahead in days.items()})
    ines.choose("What is passed on?", "Everything that the officer is named on when it begins")
    assert ines.press("Send it to the coordinator") == 200
    asked = ines.path
    ada.go("/absences")
    ada.follow("Arrange a stand-in for Ines Inkpen")
    ada.go(asked)
    ines.go(asked)
    assert ines.press("Withdraw it") == 200


def pass_review(ada: AtWork) -> None:
    """A review of who has access, which goes on."""
    ada.go("/access-review")
    assert ada.press("Begin a review") == 200
    review = ada.path
    ada.go(review)
    ada.follow("Dee Drummer")
    assert ada.press("Record the answer") == 422
    ada.go("/access-review")


def pass_emergency(ines: AtWork, ada: AtWork, dee: AtWork, code: str) -> None:
    """A threat that is opened for half an hour to somebody who is not on the case."""
    ines.go("/emergency")
    ines.go("/emergency/ask")
    assert ines.press("Send to the officers on call") == 422
    ines.write(
        {
            "Case number or referral number": code,
            "What has happened, and what will you do with it?": "He was seen at her school.",
        }
    )
    ines.choose("What must you see?", "Threat")
    ines.choose("Why can it not wait?", "Someone’s life is in danger now")
    assert ines.press("Send to the officers on call") == 200
    request = ines.path
    ines.go(request)
    ada.go(request)
    assert ada.press("Record your answer") == 422
    ada.choose("Your answer", "Open it to this officer")
    ada.give_code()
    assert ada.press("Record your answer") == 200
    ines.go(request)
    ines.follow("Open it")
    ines.give_code()
    assert ines.press("Open it now") == 200
    dee.go("/emergency")
    dee.go(request)
    dee.follow("Read what was written")
    dee.pick("Why are you opening this?", "Scheduled case review")
    dee.give_code()
    assert dee.press("Open") == 200
    ada.go(request)
    assert ada.press("End it now") == 200


def pass_compromise(ada: AtWork) -> None:
    """A place that was found out."""
    house = acts.add_house(ada, "H-009", 1)
    ada.go(f"{house}/compromise")
    ada.tick("The address is known or may be known to somebody who must not know it")
    assert ada.press("Mark it compromised") == 200
    ada.go(ada.path)
    ada.go(house)


def pass_oversight(aud: AtWork, case: str) -> None:
    """An alert, a week, an officer's figures, an entry and a session as a story."""
    alert = overseeing.find_alert(aud)
    aud.go(f"{alert}/carry-over")
    overseeing.dismiss(aud)
    overseeing.flag(aud, case)
    for way in ("/ledger/weeks", "/ledger/figures", "/ledger?event=signed-in"):
        aud.go(way)
        aud.first_of("tbody a")
    aud.first_of("a[href^='/ledger/sessions/']")


def pass_witness(aud: AtWork, witness: Witness) -> None:
    """A witness that is registered, and asked no longer."""
    with witness.alone():
        key = witness.key()[1].to_text()
    aud.go("/ledger/witnesses/register")
    aud.write({"Where it runs": "Laptop in the audit office", "The witness's key": key})
    aud.give_code()
    assert aud.press("Register the witness") == 200
    aud.go("/ledger/witnesses")
    aud.first_of("a[href$='/end']")
    aud.give_code()
    assert aud.press("End the registration") == 200


def pass_the_door(visitor: AtWork) -> None:
    """What somebody sees who is not signed in and sends empty forms."""
    for path, button in (
        ("/recover", "Set the new password"),
        ("/enrol", "Go on"),
        ("/sign-in", "Go on to the code"),
    ):
        visitor.go(path)
        visitor.press(button)
    visitor.leave()
