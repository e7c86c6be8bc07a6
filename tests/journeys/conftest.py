"""One served vault for the journeys, its officers at their telephones, and how far their work has come.

Each fixture is a stretch of the way and asks for the stretches before it, so that every test runs alone too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.bad_input.served import Served
from tests.conftest import go_without
from tests.journeys import acts, disclosing, enrolling
from tests.journeys.album import Album
from tests.journeys.at_work import PHONE, AtWork, Authenticator

STYLES = Path(__file__).resolve().parents[2] / "vault" / "static" / "uswds" / "css"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    """The vault with its whole cast, on SQLite, behind two workers of gunicorn."""
    if not STYLES.is_dir():
        go_without("design system", "make run fetches it", "REQUIRE_BROWSER")
    served = Served(tmp_path_factory.mktemp("journeys"), "", 2)
    with (served.settings.data / "vault.toml").open("a") as settings:
        settings.write(f'public_origin = "http://localhost:{served.port}"\n')
    served.start()
    yield served
    served.stop()


class Staff(dict[str, AtWork]):
    """The officers at their telephones, each signed in when first called."""

    def __init__(self, browser: Browser, served: Served, album: Album) -> None:
        super().__init__()
        self.browser, self.served, self.album = browser, served, album
        self.apps = {name: Authenticator(secret) for name, secret in served.secrets.items()}

    def __missing__(self, name: str) -> AtWork:
        self[name] = self.another(name).sign_in()
        return self[name]

    def another(self, name: str) -> AtWork:
        """One more telephone of an officer, not signed in."""
        app = self.apps.get(name, Authenticator(""))
        return AtWork(self.browser, f"http://127.0.0.1:{self.served.port}", self.album, name, app, **PHONE)


@pytest.fixture(scope="session")
def album() -> Album:
    """Every page that was passed."""
    return Album()


@pytest.fixture(scope="session")
def staff(browser: Browser, served: Served, album: Album) -> Iterator[Staff]:
    """Everybody: staff["ada"].go("/desk")."""
    staff = Staff(browser, served, album)
    yield staff
    for officer in staff.values():
        officer.leave()


@dataclass(frozen=True)
class Opened:
    """A case that was opened from a referral: both codes, and where the case is."""

    referral: str
    code: str
    path: str


def opened_case(staff: Staff, witness: str, inspector: str) -> Opened:
    """A referral carried to a case on which an inspector is named."""
    referral = acts.send_referral(staff["pat"], witness)
    path = acts.open_case(staff["ada"], referral, inspector)
    return Opened(referral, staff["ada"].page.locator("h1").inner_text().removeprefix("Case "), path)


@pytest.fixture(scope="session")
def case(staff: Staff) -> Opened:
    """Jane Roe's case, with Ines named on it."""
    return opened_case(staff, acts.WITNESS, "Ines Inkpen")


@pytest.fixture(scope="session")
def other_case(staff: Staff, case: Opened) -> Opened:
    """Another witness's case, with Ivo named on it."""
    return opened_case(staff, "Ned Noe", "Ivo Ironside")


@pytest.fixture(scope="session")
def record(staff: Staff, case: Opened) -> Opened:
    """Jane Roe's case with everything written into it, and a clerk named on it; the case is active."""
    acts.fill_record(staff["ines"], case.path)
    staff["ada"].go(case.path)
    acts.name_officer(staff["ada"], "Cal Candle, unit clerk")
    acts.move_case(staff["ada"], case.path, "Services offered", "Agreement signed", "Active")
    return case


@pytest.fixture(scope="session")
def papers(staff: Staff, record: Opened, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents are in Jane Roe's case, after one that was refused; the folder that they came from."""
    folder, ines = tmp_path_factory.mktemp("papers"), staff["ines"]
    (folder / "order.txt").write_text(acts.THREAT * 400)
    (folder / "order.pdf").write_bytes(b"%PDF-1.7 " + bytes(90_000))
    (folder / "order.exe").write_bytes(b"MZ" + bytes(900))
    assert acts.list_papers(ines, record.path) == 200
    ines.sees("No paper is kept in this case yet.")
    assert acts.add_paper(ines, record.path, "Protective order", folder / "order.exe") == 422
    ines.sees("Save anything else as a PDF first.")
    for title, name in (("Protective order", "order.pdf"), ("Statement of the brother", "order.txt")):
        assert acts.add_paper(ines, record.path, title, folder / name) == 200
        ines.sees("The paper is sealed into the case.")
    return folder


@pytest.fixture(scope="session")
def house(staff: Staff) -> str:
    """A place with two beds."""
    return acts.add_house(staff["ada"], "H-001", 2)


@pytest.fixture(scope="session")
def stay(staff: Staff, record: Opened, house: str) -> str:
    """Ines found the place for Jane Roe, looked at its address and held its beds; where the stay is."""
    ines = staff["ines"]
    acts.search(ines, record.code)
    ines.sees("1 place fits")
    acts.open_address(ines, house)
    ines.sees(acts.STREET)
    assert acts.hold(ines, house, record.code) == 200
    return ines.path


@pytest.fixture(scope="session")
def housed(staff: Staff, stay: str) -> str:
    """The household is in the place."""
    ines = staff["ines"]
    ines.go(stay)
    assert ines.press("Confirm the stay") == 200
    ines.follow("Record the arrival")
    assert ines.press("Record the arrival") == 200
    ines.sees("The arrival is recorded.")
    return stay


@pytest.fixture(scope="session")
def payment(staff: Staff, record: Opened) -> str:
    """Rent was requested for Jane Roe; where the request is."""
    return acts.request_rent(staff["ada"], record.path)


@pytest.fixture(scope="session")
def paid(staff: Staff, payment: str) -> str:
    """The rent was approved by the deputy, paid, and its receipt attached."""
    acts.approve_rent(staff["dee"], payment)
    acts.pay_rent(staff["fin"], payment, "TR-004417")
    return payment


@pytest.fixture(scope="session")
def searched(staff: Staff, record: Opened) -> None:
    """Jane Roe was looked for and found; somebody whom nobody knows was not."""
    assert acts.find_person(staff["ada"], "A date of birth", "1931-01-01") == 200
    staff["ada"].sees("Nobody was found")
    assert acts.find_person(staff["ada"], "Part of a name", "roe") == 200
    staff["ada"].sees(acts.LEGAL_NAME)


@dataclass(frozen=True)
class Disclosed:
    """A disclosure that went all its way: where it is, the packet, and its password."""

    path: str
    packet: Path
    password: str


@pytest.fixture(scope="session")
def disclosed(staff: Staff, record: Opened, tmp_path_factory: pytest.TempPathFactory) -> Disclosed:
    """The prosecutor asked for Jane Roe's legal name, got it and acknowledged it."""
    path = disclosing.ask(staff["pat"], record.referral)
    disclosing.prepare(staff["ada"], path)
    disclosing.decide(staff["dee"], path)
    password = disclosing.release(staff["ada"], path)
    packet = disclosing.fetch(staff["pat"], path, tmp_path_factory.mktemp("fetched"))
    return Disclosed(path, packet, password)


@dataclass(frozen=True)
class Newcomer:
    """A new clerk, and the eight words as each of the two officers read them."""

    officer: AtWork
    full_name: str
    own_words: list[str]
    shown_words: list[str]


@pytest.fixture(scope="session")
def newcomer(staff: Staff) -> Newcomer:
    """Max added Nora, Nora enrolled, Ada certified her, and she signed in."""
    code = enrolling.add(staff["max"], "nora", "Nora Nettle", "Unit clerk")
    nora = staff.another("nora")
    own = enrolling.enrol(nora, code)
    shown = enrolling.certify(staff["ada"], "Nora Nettle")
    staff["nora"] = nora.sign_in(enrolling.PASSPHRASE)
    return Newcomer(nora, "Nora Nettle", own, shown)


@pytest.fixture(scope="session")
def everything(
    housed: str, paid: str, disclosed: Disclosed, newcomer: Newcomer, searched: None, papers: Path
) -> None:
    """All the ways have been gone."""
