"""Housing writes its claims in savepoints: none of them may carry a change past the ledger."""

from uuid import UUID, uuid4

import pytest

from housing.models import House
from housing.separation import ConflictKind
from tests.cast import Cast
from tests.programme import open_case
from tests.safehouses.placing import add_house
from vault.database import UnrecordedChange
from vault.running import RunningVault
from vault.safehouses.models import Separation


def change_house(vault: RunningVault, house: UUID, inside: bool) -> None:
    """Change a place in a savepoint and record nothing; `inside` leaves the savepoint open."""
    with vault.writing() as db:
        if inside:
            db.begin_nested()
            db.get_one(House, house).rooms = 9
        else:
            with db.begin_nested():
                db.get_one(House, house).rooms = 9


@pytest.mark.parametrize("inside", [False, True], ids=["closed savepoint", "open savepoint"])
def test_a_change_made_in_a_savepoint_is_refused_without_its_entry(cast: Cast, inside: bool) -> None:
    house = add_house(cast, "H-014", 2)
    with pytest.raises(UnrecordedChange):
        change_house(cast.stage.vault, house, inside)
    with cast.stage.vault.reading() as db:
        assert db.get_one(House, house).rooms == 2


def test_a_separation_is_refused_without_its_entry(cast: Cast) -> None:
    case = open_case(cast, named=[])
    vault, now = cast.stage.vault, cast.stage.clock.now

    def act() -> None:
        with vault.writing() as db:
            db.add(
                Separation(id=uuid4(), case=case.id, other=case.id, kind=ConflictKind.SEPARATED, since=now)
            )

    with pytest.raises(UnrecordedChange, match="separations"):
        act()
