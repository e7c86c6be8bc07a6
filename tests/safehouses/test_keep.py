"""What the coordinator does with places, up to the day on which one becomes known."""

import re
import threading
from uuid import UUID

from sqlalchemy import event

from housing.models import House
from tests.cast import Cast, Officer
from tests.programme import OpenedCase, open_case
from tests.safehouses.placing import (
    HOUSE,
    SECRETS,
    add_house,
    confirmed,
    do,
    held,
    hold,
    on_sqlite,
    search,
    terms,
)
from tests.safehouses.test_place import entries


def version_of(page: str) -> str:
    """The version that a page carries."""
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


@on_sqlite
def test_a_new_place_is_sealed_and_nobody_is_placed_there_before_it_is_vetted(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada = cast["ada"]
    ada.get("/safe-housing/add")
    answer = ada.post("/safe-housing/add", **HOUSE, code="H-014", beds="2")
    house = UUID(answer.location.rsplit("/", 1)[1])
    assert "No place fits" in search(cast["ines"], case).text
    assert hold(cast["ines"], house, case).status_code == 409
    assert ada.post(f"/safe-housing/{house}/vet").status_code == 303
    assert "1 place fits" in search(cast["ines"], case).text
    with cast.stage.vault.reading() as db:
        row = db.get_one(House, house)
        blob = b"".join(getattr(row, name).blob for name in ("street", "town", "access", "area", "near"))
    assert [secret for secret in SECRETS if secret.encode() in blob] == []
    (added,) = entries(cast, "house-added")
    assert added["subjects"] == (f"house:{house}",)


@on_sqlite
def test_a_code_is_given_once_and_a_refused_form_keeps_what_was_typed(cast: Cast) -> None:
    add_house(cast, "H-014", 2)
    refused = cast["ada"].post("/safe-housing/add", **(HOUSE | {"code": "H-014", "beds": "2"}))
    assert refused.status_code == 409
    assert "Another place already has this code." in refused.text
    assert HOUSE["street"] in refused.text
    assert cast["ada"].post("/safe-housing/add", **(HOUSE | {"code": "12 Way"})).status_code == 422


def test_confirming_details_corrects_them_and_tells_the_second_tab(cast: Cast) -> None:
    house = add_house(cast, "H-014", 2)
    ada = cast["ada"]
    path = f"/safe-housing/{house}/confirm"
    shown = version_of(ada.get(path).text)
    facts = {"kind": "shelter", "beds": "4", "rooms": "2", "nightly_cost": "80", "needs": ["pets"]}
    assert ada.post(path, version=shown, **facts).status_code == 303
    page = ada.get(f"/safe-housing/{house}").text
    assert "4 beds in 2 rooms" in page
    assert "Pets welcome" in page
    assert ada.post(path, version=shown, **(facts | {"beds": "5"})).status_code == 409
    assert "4 beds in 2 rooms" in ada.get(f"/safe-housing/{house}").text


@on_sqlite
def test_a_changed_address_is_sealed_over_the_old_one(cast: Cast) -> None:
    house = add_house(cast, "H-014", 2)
    ada = cast["ada"]
    path = f"/safe-housing/{house}/address/change"
    where = {name: HOUSE[name] for name in HOUSE if name not in {"kind", "rooms", "needs", "nightly_cost"}}
    changed = ada.post(path, version=version_of(ada.get(path).text), **(where | {"street": "9 Other Road"}))
    assert changed.status_code == 303, changed.text
    ada.get(f"/safe-housing/{house}/open-address")
    opened = ada.post(f"/safe-housing/{house}/open-address", reason="correction", code=ada.code()).text
    assert "9 Other Road" in opened
    assert str(HOUSE["street"]) not in opened


def test_a_closed_place_is_offered_in_no_search_and_a_stay_is_never_closed_over(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ada, ines = cast["ada"], cast["ines"]
    path = f"/safe-housing/{house}/close"
    ada.get(path)
    days = {"from_on": "2026-11-24", "until_on": "2026-11-25", "reason": "repairs"}
    assert ada.post(path, **days).status_code == 303
    assert "No place fits" in search(ines, case).text
    (end,) = re.findall(r"/safe-housing/closures/[0-9a-f-]+/end", ada.get(f"/safe-housing/{house}").text)
    assert ada.post(end).status_code == 303
    assert "1 place fits" in search(ines, case).text
    held(ines, house, case)
    refused = ada.post(path, **days)
    assert refused.status_code == 409
    assert "in the way on these days" in refused.text
    assert 'value="2026-11-24"' in refused.text


def test_a_compromised_place_is_closed_and_everybody_touched_is_listed(cast: Cast) -> None:
    there, coming, elsewhere = (open_case(cast, named=["ines"]) for _ in range(3))
    house, other = add_house(cast, "H-014", 4), add_house(cast, "H-015", 4)
    ines, ivo, ada = cast["ines"], cast["ivo"], cast["ada"]
    do(ines, confirmed(ines, house, there), "arrive", on="2026-11-23")
    confirmed(ines, house, coming, from_on="2026-11-25")
    held(ines, other, elsewhere)
    for officer, place in ((ines, other), (ivo, house)):
        officer.get(f"/safe-housing/{place}/open-address")
        answer = officer.post(f"/safe-housing/{place}/open-address", reason="visit", code=officer.code())
        assert answer.status_code == 200
    path = f"/safe-housing/{house}/compromise"
    ada.get(path)
    assert ada.post(path).status_code == 422
    answer = ada.post(path, sure="yes")
    assert answer.status_code == 303, answer.text
    report = ada.get(answer.location).text
    assert "There now" in report
    assert "Was on the way" in report
    assert there.code in report
    assert coming.code in report
    assert elsewhere.code not in report
    assert "Ivo Ironside" in report
    assert "Ada Amsel" in report.split("Who ever opened")[1]
    assert "Ines Inkpen" not in report
    assert "Call each household" in report
    (told,) = entries(cast, "house-compromised")
    assert (told["in-place"], told["called-off"]) == (1, 1)
    assert set(told["subjects"]) == {f"house:{house}", f"case:{there.id}", f"case:{coming.id}"}  # type: ignore[call-overload]
    assert f"/safe-housing/{house}/hold" not in search(ines, coming).text
    assert hold(ines, house, coming).status_code == 409
    assert ada.post(path, sure="yes").status_code == 409
    assert ada.get(f"/safe-housing/{other}/compromised").status_code == 404


def statements(cast: Cast, officer: Officer, method: str, path: str, answers: dict[str, object]) -> int:
    """How many statements the database is sent for this page, those of the ledger's own thread left out."""
    sent: list[str] = []
    here = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.get_ident() == here:
            sent.append(statement)

    engine = cast.stage.vault.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = officer.get(path) if method == "get" else officer.post(path, **answers)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    return len(sent)


def test_no_page_asks_the_database_more_as_places_and_stays_grow(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-001", 40)
    ada = cast["ada"]
    held(ada, house, case)

    def counts() -> list[int]:
        pages: list[tuple[str, str, dict[str, object]]] = [
            ("get", "/safe-housing", {}),
            ("post", "/safe-housing/search", terms(case)),
            ("post", "/safe-housing/search", terms(case, kind=["shelter"])),
            ("get", f"/safe-housing/{house}", {}),
        ]
        return [statements(cast, ada, *page) for page in pages]

    counts()  # Certificates are checked once in a process.
    few = counts()
    grow(cast, house, [case, open_case(cast, named=["ines"])])
    assert counts() == few


def grow(cast: Cast, house: UUID, known: list[OpenedCase]) -> None:
    """Add a dozen places, and stays of two cases."""
    for number in range(2, 14):
        add_house(cast, f"H-{number:03}", 4)
    for case in known:
        for _ in range(3):
            held(cast["ada"], house, case)
