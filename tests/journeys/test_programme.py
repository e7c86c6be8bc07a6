"""The programme's own way on a telephone without scripts: a case, its record, a bed, money, a disclosure."""

import pikepdf
from playwright.sync_api import expect

from tests.journeys import acts
from tests.journeys.conftest import Disclosed, Newcomer, Opened, Staff


def test_a_new_referral_waits_on_the_coordinators_desk(staff: Staff) -> None:
    referral = acts.send_referral(staff["pat"], "Una Low")
    ada = staff["ada"]
    ada.go("/desk")
    waits = ada.page.locator(".vault-waiting-list li", has_text=f"Referral {referral}")
    expect(waits).to_have_count(1)
    expect(waits).to_contain_text("Next decision: at risk of harm")


def test_the_prosecutor_reads_the_referral_only_until_it_is_decided(staff: Staff, case: Opened) -> None:
    pat = staff["pat"]
    pat.go("/referrals")
    pat.follow(case.referral)
    pat.sees("The unit has decided. The referral is no longer open to you")
    assert pat.go(f"{pat.path}/open") == 200
    pat.pick("Why are you opening this?", "Court appearance or order")
    assert pat.press("Open") in {403, 404}
    pat.sees_nothing_of(acts.WITNESS)


def test_the_named_inspector_opens_the_record_for_a_reason(staff: Staff, record: Opened) -> None:
    ines = staff["ines"]
    assert acts.open_place(ines, record.path, "Open identity", "Preparing or making a visit") == 200
    ines.sees(acts.LEGAL_NAME)
    ines.sees("Recorded as entry")
    assert acts.open_place(ines, record.path, "Open location", "Preparing or making a visit") == 200
    ines.sees(acts.HIDING_PLACE)
    assert acts.open_place(ines, record.path, "Open threat", "Scheduled case review") == 200
    ines.sees(acts.THREAT)
    ines.sees("Stay away by at least 10 miles.")
    assert acts.open_place(ines, record.path, "Open case notes", "Working on the case") == 200
    ines.sees(acts.NOTE)


def test_nothing_opens_without_a_reason(staff: Staff, record: Opened) -> None:
    ines = staff["ines"]
    ines.go(record.path)
    ines.follow("Open threat")
    assert ines.press("Open") == 422
    ines.sees("Answer “Why are you opening this?”.")
    ines.sees_nothing_of(acts.THREAT)


def test_an_inspector_who_is_not_named_finds_no_such_case(
    staff: Staff, record: Opened, other_case: Opened
) -> None:
    ivo = staff["ivo"]
    ivo.go("/cases")
    ivo.sees(other_case.code)
    ivo.sees_nothing_of(record.code)
    assert ivo.go(record.path) == 404
    ivo.sees("There is nothing here that you can open.")
    ivo.sees_nothing_of(record.code)


def test_the_clerks_page_offers_what_the_matrix_allows_and_no_more(staff: Staff, record: Opened) -> None:
    cal = staff["cal"]
    cal.go(record.path)
    offered = cal.page.locator("article.vault-sealed").all()
    assert [panel.get_attribute("aria-label") for panel in offered] == [
        "Identity, sealed",
        "Case notes, sealed",
    ]
    case = record.path.removeprefix("/cases/")
    cal.go(f"/records/case/{case}/threat/open")
    cal.pick("Why are you opening this?", "Working on the case")
    assert cal.press("Open") == 403
    cal.sees_nothing_of(acts.THREAT)
    assert acts.open_place(cal, record.path, "Open identity", "Correcting the record") == 200
    cal.sees(acts.LEGAL_NAME)


def test_the_search_says_why_a_place_fits_and_shows_no_address(staff: Staff, stay: str) -> None:
    found = staff.album.find("ines", "200 POST /safe-housing/search")
    assert "37 miles from the nearest danger area" in found.html
    assert acts.STREET not in found.html


def test_the_arrival_stands_on_the_page_of_the_stay(staff: Staff, housed: str, record: Opened) -> None:
    ines = staff["ines"]
    ines.go("/safe-housing")
    ines.follow(record.code)
    assert ines.path == housed
    expect(ines.page.locator("[aria-current=step]")).to_contain_text("Arrived")


def test_a_second_booking_of_the_same_beds_is_refused(
    staff: Staff, housed: str, house: str, other_case: Opened
) -> None:
    ivo = staff["ivo"]
    assert acts.hold(ivo, house, other_case.code) == 409
    expect(ivo.page.get_by_role("alert")).to_contain_text("bed")
    expect(ivo.page.get_by_label("Nights")).to_have_value("7")
    acts.search(ivo, other_case.code)
    ivo.sees("No place fits")


def test_nobody_decides_on_what_they_asked_for(staff: Staff, payment: str) -> None:
    ada = staff["ada"]
    ada.go(payment)
    expect(ada.page.get_by_role("link", name="Decide", exact=True)).to_have_count(0)
    assert ada.go(f"{payment}/decision") == 409


def test_the_treasury_sees_the_cases_code_and_never_a_name(staff: Staff, paid: str, record: Opened) -> None:
    fin = staff["fin"]
    assert fin.go(record.path) == 403
    seen = "".join(kept.html for kept in fin.album.of("fin"))
    assert record.code in seen
    assert acts.WITNESS not in seen
    assert acts.LEGAL_NAME not in seen


def test_the_packet_opens_with_its_password_alone(disclosed: Disclosed) -> None:
    with pikepdf.open(disclosed.packet, password=disclosed.password) as packet:
        assert len(packet.pages) >= 1
    try:
        pikepdf.open(disclosed.packet).close()
    except pikepdf.PasswordError:
        return
    raise AssertionError("the packet opened without its password")


def test_the_accounting_tells_what_went_to_whom_and_why(staff: Staff, disclosed: Disclosed) -> None:
    ada = staff["ada"]
    ada.go("/disclosure")
    ada.follow("Accounting of disclosures")
    ada.pick("Why are you opening this?", "Scheduled case review")
    assert ada.press("Open the accounting") == 200
    for words in ("Pat Pepper", "101 Nowhere Street", "Person 1: legal name", "To summon the witness."):
        ada.sees(words)


def test_a_packet_is_given_out_once(staff: Staff, disclosed: Disclosed) -> None:
    pat = staff["pat"]
    assert pat.go(f"{disclosed.path}/fetch") == 409


def test_the_administrator_who_added_an_officer_opens_nothing(
    staff: Staff, newcomer: Newcomer, record: Opened, house: str, paid: str, disclosed: Disclosed
) -> None:
    administrator = staff["max"]
    closed = ["/referrals", "/cases", "/safe-housing", "/payments", "/disclosure", "/agencies", "/ledger"]
    for path in [*closed, record.path, house, paid, disclosed.path, f"{house}/open-address"]:
        assert administrator.go(path) == 403, path
    seen = "".join(kept.html for kept in administrator.album.of("max"))
    for secret in (acts.WITNESS, acts.LEGAL_NAME, acts.STREET, acts.HIDING_PLACE, record.code):
        assert secret not in seen


def test_an_officer_whose_access_ends_is_out_at_once(staff: Staff, newcomer: Newcomer) -> None:
    nora = newcomer.officer
    assert nora.go("/cases") == 200
    administrator = staff["max"]
    administrator.go("/officers")
    administrator.follow(newcomer.full_name)
    administrator.follow("End access")
    administrator.choose("Why does it end?", "They have left the programme")
    administrator.give_code()
    assert administrator.press("End access now") == 200
    assert nora.go("/cases") == 401
