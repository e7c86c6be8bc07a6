"""The ids of many entries: the first copy is found wherever its original stands, whatever their order."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from audit.names import Names

FEW = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), max_size=12)


def name(number: int) -> bytes:
    return str(UUID(int=number << 90 | 7 << 76 | number)).encode()


def first_copy(bundles: list[list[int]]) -> tuple[int, int] | None:
    """As a plain set finds it: the bundle and the position in it."""
    seen: set[int] = set()
    for at, bundle in enumerate(bundles):
        for position, number in enumerate(bundle):
            if number in seen:
                return at, position
            seen.add(number)
    return None


def found_copy(bundles: list[list[int]]) -> tuple[int, int] | None:
    names = Names()
    for at, bundle in enumerate(bundles):
        rising = bundle == sorted(set(bundle))
        position = names.add(b"".join(map(name, bundle)), rising)
        if position is not None:
            return at, position
    return None


@given(FEW)
def test_the_first_copy_is_the_one_that_a_plain_set_finds(bundles: list[list[int]]) -> None:
    assert found_copy(bundles) == first_copy(bundles)


@given(st.permutations(range(24)), st.integers(1, 24))
def test_ids_in_any_order_are_no_copies(order: list[int], width: int) -> None:
    assert found_copy([order[at : at + width] for at in range(0, 24, width)]) is None


def test_a_copy_of_an_id_deep_in_an_early_bundle_is_found_in_a_rising_one() -> None:
    bundles = [list(range(at, at + 10)) for at in range(0, 200, 10)]
    assert found_copy([*bundles, [13, 200, 201]]) == (20, 0)
    assert found_copy([*bundles, [200, 201, 13]]) == (20, 2)
