"""Every officer's work once more, with the keyboard alone at a desk; and what is done about accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys import acts, attendance, disclosing, enrolling, keeping, overseeing, touring
from tests.journeys.album import Album
from tests.journeys.at_work import AtWork
from tests.journeys.conftest import Opened, Staff
from tests.journeys.keyboard import ByKeyboard

DESK = {"viewport": {"width": 1280, "height": 900}}


class Typists(Staff):
    """The officers at their desks, without a mouse; each goes on with the session begun at the telephone."""

    def __init__(self, staff: Staff) -> None:
        super().__init__(staff.browser, staff.served, Album())
        self.staff, self.apps = staff, staff.apps

    def __missing__(self, name: str) -> AtWork:
        self[name] = officer = self.another(name)
        officer.context.add_cookies(self.staff[name].context.cookies())  # type: ignore[arg-type]
        return officer

    def another(self, name: str) -> AtWork:
        """One more desk of an officer, not signed in."""
        told = self.staff.another(name)
        told.leave()
        return ByKeyboard(self.browser, told.origin, self.album, name, told.app, **DESK)


@pytest.fixture(scope="module")
def typists(staff: Staff) -> Iterator[Typists]:
    """Everybody at a keyboard."""
    typists = Typists(staff)
    yield typists
    for officer in typists.values():
        officer.leave()


@pytest.fixture(scope="module")
def typed(typists: Typists, everything: None) -> Opened:
    """A case that the keyboard alone referred, decided and opened, after others went their ways."""
    referral = acts.send_referral(typists["pat"], "Kay Lund")
    path = acts.open_case(typists["ada"], referral, "Ines Inkpen")
    code = typists["ada"].page.locator("h1").inner_text().removeprefix("Case ")
    acts.move_case(typists["ada"], path, "Services offered", "Agreement signed", "Active")
    return Opened(referral, code, path)


@pytest.mark.soak
def test_a_record_is_written_and_read(typists: Typists, typed: Opened) -> None:
    ines = typists["ines"]
    acts.fill_record(ines, typed.path)
    assert acts.open_place(ines, typed.path, "Open identity", "Preparing or making a visit") == 200
    ines.sees(acts.LEGAL_NAME)
    assert acts.find_person(ines, "A date of birth", "1931-01-01") == 200
    ines.sees("Nobody was found")


@pytest.mark.soak
def test_a_paper_is_kept_and_removed(typists: Typists, typed: Opened, tmp_path: Path) -> None:
    ines, paper = typists["ines"], tmp_path / "order.txt"
    paper.write_text(acts.THREAT)
    assert acts.add_paper(ines, typed.path, "Protective order", paper) == 200
    assert acts.list_papers(ines, typed.path) == 200
    ines.follow("Open paper 1")
    ines.pick("Why are you opening this?", "Court appearance or order")
    assert ines.download("Open", tmp_path).read_text() == acts.THREAT
    assert acts.list_papers(ines, typed.path) == 200
    ines.follow("Remove paper 1")
    ines.pick("Why are you removing it?", "Correcting the record")
    assert ines.press("Remove paper 1") == 200


@pytest.mark.soak
def test_a_place_is_added_searched_opened_held_and_lived_in(typists: Typists, typed: Opened) -> None:
    house, ines = acts.add_house(typists["ada"], "H-031", 2), typists["ines"]
    acts.search(ines, typed.code)
    acts.open_address(ines, house)
    ines.sees(acts.STREET)
    assert acts.hold(ines, house, typed.code) == 200
    assert ines.press("Confirm the stay") == 200
    ines.follow("Record the arrival")
    assert ines.press("Record the arrival") == 200
    ines.sees("The arrival is recorded.")


@pytest.mark.soak
def test_rent_is_requested_approved_and_paid(typists: Typists, typed: Opened) -> None:
    payment = acts.request_rent(typists["ada"], typed.path)
    acts.approve_rent(typists["dee"], payment)
    acts.pay_rent(typists["fin"], payment, "TR-004418")


@pytest.mark.soak
def test_a_disclosure_goes_all_its_way(typists: Typists, typed: Opened, tmp_path: Path) -> None:
    path = disclosing.ask(typists["pat"], typed.referral)
    disclosing.prepare(typists["ada"], path)
    disclosing.decide(typists["dee"], path)
    disclosing.release(typists["ada"], path)
    assert disclosing.fetch(typists["pat"], path, tmp_path).stat().st_size > 0


@pytest.mark.soak
def test_the_auditor_reads_narrows_dismisses_flags_and_exports(
    typists: Typists, typed: Opened, tmp_path: Path
) -> None:
    aud = typists["aud"]
    overseeing.try_doors(typists["ivo"])
    overseeing.dismiss(aud)
    overseeing.find_case(aud, typed.code)
    overseeing.flag(aud, typed.path.removeprefix("/cases/"))
    aud.go("/ledger/export")
    aud.give_code()
    assert aud.download("Export the ledger", tmp_path).stat().st_size > 0


BY_KEYBOARD = "by keyboard"
WAYS = pytest.mark.parametrize(
    "way", ["on a telephone without scripts", pytest.param(BY_KEYBOARD, marks=pytest.mark.soak)]
)


@WAYS
def test_an_officer_asks_for_a_stand_in_who_works_on_the_case_until_the_coordinator_ends_it(
    staff: Staff, typists: Typists, other_case: Opened, way: str
) -> None:
    attendance.stand_in(typists if way == BY_KEYBOARD else staff, other_case)


@WAYS
def test_the_coordinator_answers_about_each_officer_and_the_deputy_about_the_coordinator(
    staff: Staff, typists: Typists, everything: None, way: str
) -> None:
    attendance.review_access(typists if way == BY_KEYBOARD else staff)


@pytest.mark.soak
def test_a_threat_is_opened_in_an_emergency_ended_and_read_about(
    typists: Typists, other_case: Opened
) -> None:
    touring.pass_emergency(typists["ines"], typists["ada"], typists["dee"], other_case.code)


@WAYS
def test_accounts_are_opened_locked_released_and_kept(staff: Staff, typists: Typists, way: str) -> None:
    those = typists if way == BY_KEYBOARD else staff
    name, full_name = ("kim", "Kim Keyes") if way == BY_KEYBOARD else ("kit", "Kit Kettle")
    administrator, officer = those["max"], those.another(name)
    keeping.look_after(administrator)
    keeping.admit(administrator, those["ada"], officer, full_name)
    assert len(keeping.make_backup_codes(officer)) == 10
    keeping.refuse_notices(officer)
    keeping.change_password(officer, enrolling.PASSPHRASE, keeping.NEXT_PASSPHRASE)
    keeping.end_session(administrator, full_name)
    assert officer.go("/desk") == 401
    keeping.try_passwords(those.another(name))
    keeping.release(administrator, full_name)
    officer.sign_in(keeping.NEXT_PASSPHRASE)
    officer.press("Sign out")
    officer.leave()
