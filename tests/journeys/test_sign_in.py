"""Coming in and going out on a telephone without scripts: the banner, enrolment, sessions and their end."""

import re
import signal
import time

from playwright.sync_api import expect

from tests.bad_input.served import Served
from tests.cast import PASSWORD
from tests.journeys.conftest import Newcomer, Opened, Staff


def test_nobody_signs_in_without_agreeing_to_the_banner(staff: Staff) -> None:
    visitor = staff.another("sol")
    visitor.go("/sign-in")
    visitor.sees("Every sign-in, search, look and refusal is recorded and reviewed.")
    visitor.write({"Name": "sol", "Password": PASSWORD.format("sol")})
    assert visitor.press("Go on to the code") == 422
    visitor.sees("Tick the box to show that you have read the notice.")
    expect(visitor.page.get_by_label("Name", exact=True)).to_have_value("sol")
    expect(visitor.page.get_by_label("Password", exact=True)).to_have_value("")
    visitor.leave()


def test_a_password_alone_opens_no_page(staff: Staff) -> None:
    visitor = staff.another("sol")
    visitor.go("/sign-in")
    visitor.write({"Name": "sol", "Password": PASSWORD.format("sol")})
    visitor.tick("I have read this and agree")
    assert visitor.press("Go on to the code") == 200
    assert visitor.go("/cases") == 401
    visitor.leave()


def test_a_new_officer_scans_or_types_a_secret_that_the_picture_also_holds(newcomer: Newcomer) -> None:
    shown = newcomer.officer.album.find("nora", "200 GET /enrol/second-factor")
    assert re.search(r'<path d="(M\d+ \d+h1v1h-1z){200,}" fill="#000"', shown.html)
    assert "data:" not in shown.html
    letters = re.findall(r"\b[A-Z2-7]{4}\b", shown.html.partition("Letters to type instead")[2])
    assert "".join(letters[:8]) == newcomer.officer.app.secret


def test_both_officers_compare_the_same_eight_words(newcomer: Newcomer) -> None:
    assert len(newcomer.own_words) == 8
    assert newcomer.own_words == newcomer.shown_words


def test_a_session_outlives_the_workers_that_began_it(staff: Staff, served: Served, case: Opened) -> None:
    ines = staff["ines"]
    before = set(served.worker_ids())
    assert served.master is not None
    served.master.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    while before & set(served.worker_ids()) or len(served.worker_ids()) < served.workers:
        assert time.monotonic() < deadline, served.log.read_text()
        time.sleep(0.05)
    assert ines.go(case.path) == 200
    ines.sees(case.code)


def test_a_session_that_is_ended_from_another_device_is_over_at_once(staff: Staff) -> None:
    cal, other = staff["cal"], staff.another("cal").sign_in()
    cal.go("/sessions")
    cal.press("End Chrome on Linux")
    cal.sees("The session has ended.")
    assert other.go("/desk") == 401
    other.sees("Please sign in")
    assert cal.go("/desk") == 200
    other.leave()


def test_signing_out_ends_the_session_on_the_server_too(staff: Staff) -> None:
    sol = staff.another("sol").sign_in()
    cookies = sol.context.cookies()
    sol.press("Sign out")
    sol.sees("This is a restricted government system.")
    sol.context.add_cookies(cookies)
    assert sol.go("/desk") == 401
    sol.leave()
