"""From a search to a departure: the inspector's main act, and what stops it."""

from tests.cast import Cast
from tests.programme import open_case
from tests.safehouses.placing import add_house, confirmed, do, held, hold, search


def test_an_inspector_finds_a_place_holds_it_and_follows_the_stay_to_its_end(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    house = add_house(cast, "H-014", 2)
    ines = cast["ines"]
    found = search(ines, case)
    assert found.status_code == 200, found.text
    assert "1 place fits" in found.text
    assert "2 beds free, 2 needed" in found.text
    assert "Confirmed today" in found.text
    assert "Shoreline east" in found.text
    assert "$95.00" in found.text
    stay = held(ines, house, case)
    assert "held until" in ines.get(stay).text
    assert ines.post(f"{stay}/confirm").status_code == 303
    assert do(ines, stay, "arrive", on="2026-11-23").status_code == 303
    assert do(ines, stay, "extend", until_on="2026-12-02").status_code == 303
    assert "Dec 2, 2026" in ines.get(stay).text
    assert do(ines, stay, "depart", on="2026-11-23").status_code == 303
    page = ines.get(stay).text
    assert "Departed" in page
    assert f"{stay}/extend" not in page
