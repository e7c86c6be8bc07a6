"""On the telephone, without scripts: an officer leaves, comes back, and the coordinator renews the keys."""

from tests.journeys import acts, enrolling
from tests.journeys.conftest import Opened, Staff


def test_who_left_comes_back_with_new_keys_and_the_coordinator_renews_what_they_could_open(
    staff: Staff, other_case: Opened
) -> None:
    administrator, coordinator = staff["max"], staff["ada"]
    code = enrolling.add(administrator, "nils", "Nils Nimble", "Field inspector")
    enrolling.enrol(staff.another("nils"), code)
    enrolling.certify(coordinator, "Nils Nimble")
    coordinator.go(other_case.path)
    acts.name_officer(coordinator, "Nils Nimble, field inspector")

    administrator.go("/officers")
    administrator.follow("Nils Nimble")
    administrator.follow("Enrol again")
    administrator.give_code()
    assert administrator.press("End the old keys and give a code") == 200
    administrator.sees("Nothing of before opens anything now.")
    nils = staff.another("nils")
    own = enrolling.enrol(nils, administrator.page.locator(".vault-code").inner_text())
    assert enrolling.certify(coordinator, "Nils Nimble") == own

    coordinator.go("/desk")
    coordinator.follow("Keys wait to be renewed")
    coordinator.sees("The keys of Nils Nimble ended")
    coordinator.give_code()
    renew = coordinator.page.get_by_role("button", name="Renew ")
    assert coordinator.press(renew.inner_text()) == 200
    while coordinator.path.startswith("/keys/renewal"):
        coordinator.give_code()
        coordinator.press("Go on")
    coordinator.sees("Every key is up to date.")
    coordinator.follow("Compare with the matrix")
    coordinator.sees("Every key is where the matrix says, and nowhere else.")

    nils.sign_in(enrolling.PASSPHRASE)
    assert nils.go(other_case.path) == 200
    nils.leave()
