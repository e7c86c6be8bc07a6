"""Finding people whose names are sealed."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.directory import Listing, ids_on_page, matching_names, pack_page, search_pages, unpack_page
from crypto.errors import Malformed, Unsealable
from crypto.fields import open_field, seal_field
from crypto.folding import folded, folded_number, numbers_in
from crypto.places import Place

CASE = UUID(int=0xCA5E)


def listing(number: int, names: tuple[str, ...], born: date | None, numbers: tuple[str, ...]) -> Listing:
    return Listing(UUID(int=number), CASE, names, born, numbers)


JANE = listing(1, ("Jane Roe", "Janie Row"), date(1990, 2, 3), ("900123456", "2035550142"))
ZOE = listing(2, ("Zoë O'Brien-Núñez",), None, ("X1234567",))
IVAN = listing(3, ("Иван Петров",), date(1985, 12, 31), ())
JOHN = listing(4, ("John Stone", "Roe Park"), date(1990, 2, 4), ("900654321",))
PAGES = [pack_page([JANE, ZOE]), pack_page([]), pack_page([IVAN, JOHN])]


@pytest.mark.parametrize(
    ("how", "needle", "found"),
    [
        ("substring", "roe", [JANE, JOHN]),
        ("substring", "ROE jane", [JANE]),
        ("substring", "o’brien", [ZOE]),
        ("substring", "nunez", [ZOE]),
        ("substring", "petrov", [IVAN]),
        ("substring", "Петров", [IVAN]),
        ("substring", "stone park", []),
        ("substring", "ca5e", []),
        ("substring", "1990", []),
        ("substring", "", []),
        ("substring", " - ", []),
        ("exact", "jane roe", [JANE]),
        ("exact", "janie row", [JANE]),
        ("exact", "jane", []),
        ("exact", "zoe obrien nunez", [ZOE]),
        ("exact", "", []),
        ("sounds-like", "Jayne Rowe", [JANE]),
        ("sounds-like", "jon", [JOHN, JANE]),
        ("sounds-like", "Zoey", [ZOE]),
        ("sounds-like", "john park", []),
        ("sounds-like", "", []),
        ("birth-date", "1990-02-03", [JANE]),
        ("birth-date", " 1985-12-31 ", [IVAN]),
        ("birth-date", "3 February 1990", []),
        ("birth-date", "", []),
        ("number", "900123456", [JANE]),
        ("number", "3456", [JANE]),
        ("number", "2035550142", [JANE]),
        ("number", "x1234567", [ZOE]),
        ("number", "456", []),
        ("number", "1234", []),
        ("number", "", []),
    ],
)
def test_each_way_of_searching_finds_whom_it_should(how: str, needle: str, found: list[Listing]) -> None:
    answers = search_pages(PAGES, needle, how)  # type: ignore[arg-type]
    assert sorted(answers, key=lambda one: one.ref) == sorted(found, key=lambda one: one.ref)


def test_another_way_of_searching_is_refused() -> None:
    with pytest.raises(Unsealable):
        search_pages(PAGES, "roe", "regex")  # type: ignore[arg-type]


def test_a_page_holds_sixty_four_entries_and_no_more() -> None:
    people = [JANE] * 64
    assert unpack_page(pack_page(people)) == people
    with pytest.raises(Unsealable):
        pack_page([*people, JANE])


def test_the_ids_of_a_page_are_read_without_taking_it_apart() -> None:
    assert ids_on_page(PAGES[0]) == [(JANE.ref.bytes, CASE.bytes), (ZOE.ref.bytes, CASE.bytes)]
    assert ids_on_page(PAGES[1]) == []


def test_the_names_that_answer_are_told_apart_from_the_others() -> None:
    assert matching_names(JOHN, "roe", "substring") == ["Roe Park"]
    assert matching_names(JANE, "jane", "sounds-like") == ["Jane Roe", "Janie Row"]
    assert matching_names(JANE, "3456", "number") == []


words = st.text(max_size=30)
listings = st.builds(
    Listing,
    st.uuids(),
    st.uuids(),
    st.lists(words, max_size=3).map(tuple),
    st.none() | st.dates(),
    st.lists(words.map(folded_number).filter(bool), max_size=3).map(tuple),
)


@given(st.lists(listings, max_size=5))
def test_whatever_is_written_into_a_page_comes_back(people: list[Listing]) -> None:
    assert unpack_page(pack_page(people)) == people


@given(st.lists(listings, min_size=1, max_size=5), st.data())
def test_everybody_is_found_by_their_own_name_date_and_number(
    people: list[Listing], data: st.DataObject
) -> None:

    pages = [pack_page(people)]
    person = data.draw(st.sampled_from(people))
    for name in filter(folded, person.names):
        assert person in search_pages(pages, name, "exact")
        assert person in search_pages(pages, name, "substring")
    for number in filter(folded_number, person.numbers):
        assert person in search_pages(pages, number, "number")
    if person.birth_date:
        assert person in search_pages(pages, person.birth_date.isoformat(), "birth-date")


def test_names_come_back_as_they_were_written_and_numbers_as_they_are_compared() -> None:
    names = ("McDonald, Ray", "Jane Roe", "JANE ROE", "—", "de la Cruz", "")
    written = listing(8, names, None, ("(203) 555-0142", "—", "SAMPLE-7788"))
    (back,) = unpack_page(pack_page([written]))
    assert back == listing(8, names, None, ("2035550142", "SAMPLE7788"))


def test_numbers_are_taken_out_of_what_is_written_around_them() -> None:
    text = "Licence SAMPLE-7788 of 2019, passport X1234567; tel. (203) 555-0142, ext. 12, room B-2"
    found = {folded_number(number) for number in numbers_in(text)}
    assert found >= {"SAMPLE7788", "X1234567", "2035550142", "2019"}
    assert not {"12", "B2", "EXT12"} & found
    assert numbers_in(None) == numbers_in("no number at all") == ()


def test_a_name_cannot_pose_as_a_number_or_as_another_entry() -> None:
    posing = listing(9, ("\x1f12345678\x1f\x1e", '"]\x1f\x1ejane roe\x1f'), None, ())
    page = pack_page([posing])
    assert unpack_page(page) == [posing]
    assert search_pages([page], "12345678", "number") == []
    assert search_pages([page], "jane roe", "exact") == [posing]


@pytest.mark.parametrize("page", [b"", b"nonsense", PAGES[0][:-1], PAGES[0][:-32], b"\xff" + PAGES[0]])
def test_bytes_that_are_no_page_are_refused(page: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_page(page)
    with pytest.raises(Malformed):
        search_pages([page], "jane", "substring")


def test_a_page_whose_blocks_disagree_is_refused() -> None:
    one, two = pack_page([JANE]), pack_page([JANE, JOHN])
    names = int.from_bytes(one[:4], "big")
    crossed = one[:4] + two[4:20] + one[20 : 20 + names] + two[20 + int.from_bytes(two[:4], "big") :]
    with pytest.raises(Malformed):
        unpack_page(crossed)
    with pytest.raises(Malformed):
        search_pages([crossed], "john", "sounds-like")
    with pytest.raises(Malformed):
        unpack_page(pack_page([JANE]).replace(b"[0,0]", b"[0,0,0]").replace(b"\0\0\0\x05", b"\0\0\0\x07"))


@given(st.lists(listings, max_size=64), words)
def test_whoever_is_found_by_a_part_of_a_name_has_it_and_nobody_who_has_it_is_missed(
    people: list[Listing], needle: str
) -> None:

    wanted = folded(needle).split()
    expected = [
        one for one in people if wanted and any(all(w in folded(n) for w in wanted) for n in one.names)
    ]
    assert search_pages([pack_page(people)], needle, "substring") == expected


def test_a_page_travels_as_a_sealed_field() -> None:
    place, box = Place("directory_pages", uuid4(), "entries", "bytes"), uuid4()
    blob = seal_field(b"f" * 32, PAGES[0], place, box, 1)
    page = open_field(b"f" * 32, blob, place, box, 1)
    assert isinstance(page, bytes)
    assert unpack_page(page) == [JANE, ZOE]
