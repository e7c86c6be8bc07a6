"""The address of a place: sealed everywhere but behind its own recorded opening."""

from tests.cast import Cast
from tests.programme import open_case
from tests.safehouses.placing import SECRETS, STREET, add_house, held, on_sqlite, search
from tests.safehouses.test_place import entries


@on_sqlite
def test_nothing_of_an_address_is_in_a_search_or_on_any_other_page_of_the_place(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ines = cast["ines"]
    pages = [search(ines, case).text, ines.get("/safe-housing").text, ines.get(f"/safe-housing/{house}").text]
    stay = held(ines, house, case)
    pages += [ines.get(stay).text, ines.get(f"/safe-housing/{house}/open-address").text]
    pages += [
        cast["ada"].get(path).text for path in ("/safe-housing", f"/safe-housing/{house}/address/change")
    ]
    assert "H-014" in pages[0]
    for page in pages:
        assert [secret for secret in SECRETS if secret in page] == []


@on_sqlite
def test_opening_an_address_asks_for_a_reason_and_for_the_code(cast: Cast) -> None:
    house = add_house(cast, "H-014", 2)
    ines = cast["ines"]
    path = f"/safe-housing/{house}/open-address"
    assert 'name="code"' in ines.get(path).text
    for answers in ({"reason": "visit"}, {"reason": "visit", "code": "000000"}, {"code": ines.code()}):
        refused = ines.post(path, **answers)
        assert refused.status_code == 422
        assert STREET not in refused.text
    assert [e for e in entries(cast, "opened") if e["compartment"] == "house-address"] == []
    opened = ines.post(path, reason="visit", code=ines.code())
    assert opened.status_code == 200, opened.text
    for secret in SECRETS:
        assert secret in opened.text
    assert "Recorded as entry" in opened.text
    (look,) = entries(cast, "opened")
    assert (look["compartment"], look["subjects"]) == ("house-address", (f"house:{house}",))
    cast.stage.clock.forward(minutes=4)
    assert 'name="code"' not in ines.get(path).text
    cast.stage.clock.forward(minutes=2)
    assert 'name="code"' in ines.get(path).text


@on_sqlite
def test_an_opening_names_the_case_that_is_placed_there(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    held(cast["ines"], house, case)
    path = f"/safe-housing/{house}/open-address"
    for name in ("ines", "ivo"):
        cast[name].get(path)
        assert cast[name].post(path, reason="visit", code=cast[name].code()).status_code == 200
    by_ivo, by_ines = entries(cast, "opened")
    assert by_ines["subjects"] == (f"case:{case.id}", f"house:{house}")
    assert by_ivo["subjects"] == (f"house:{house}",)


@on_sqlite
def test_only_coordinator_and_inspectors_reach_safe_housing(cast: Cast) -> None:
    house = add_house(cast, "H-014", 2)
    for name in ("cal", "dee", "fin", "pat", "sol", "aud", "max"):
        for path in ("/safe-housing", f"/safe-housing/{house}", f"/safe-housing/{house}/open-address"):
            assert cast[name].get(path).status_code == 403
    for path in ("/safe-housing/add", f"/safe-housing/{house}/compromise", "/safe-housing/separations"):
        assert cast["ines"].get(path).status_code == 403
