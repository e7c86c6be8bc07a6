"""What finding, holding and keeping a place asks."""

import re
from typing import Any, ClassVar
from uuid import UUID

from wtforms.validators import StopValidation

from housing.places import towns
from housing.separation import ConflictKind
from housing.words import HouseKind, Need, OverstayReason, StayReason, VoidReason
from vault.forms import Choice, Choices, Day, Line, Money, Question, VaultForm, Version, Whole, Words, Yes


class Degrees(Question):
    """A latitude or longitude in decimal degrees, as a `float`."""

    kind = "line"

    def __init__(self, label: str, least: float, most: float, **wiring: Any) -> None:
        super().__init__(label, **wiring)
        self.least, self.most = least, most

    def read(self, text: str) -> float:
        if not re.fullmatch(r"[-−]?[0-9]{1,3}(\.[0-9]{1,8})?", text):
            raise ValueError("Enter decimal degrees, like 41.7637.")
        value = float(text.replace("−", "-"))
        if not self.least <= value <= self.most:
            raise ValueError(f"Enter a number from {self.least:g} to {self.most:g}.")
        return value


class HoldForm(VaultForm):
    """The days and people for which beds are kept."""

    case = Choice("Case", UUID, as_list=True)
    from_on = Day("First day")
    nights = Whole("Nights", 1, 365, default=14, hint="They leave on the day after the last night.")
    party = Whole("People", 1, 20, default=1, hint="Everybody of the household who comes.")
    single = Yes("Nobody else may be in the place")
    miles = Whole(
        "Miles to keep from every danger area",
        0,
        200,
        default=10,
        optional=True,
        hint="Counted from the edge of each danger area of the case.",
    )


class SearchForm(HoldForm):
    """What a household needs of a place."""

    kind = Choices("Kind of place", HouseKind, optional=True, hint="Tick none for any kind.")
    needs = Choices("The place must have", Need, optional=True)
    excluded = Choices("The place must not have", Need, optional=True)

    def validate_excluded(self, field: Any) -> None:
        """Nothing is both wanted and unwanted."""
        if set(field.data) & set(self.needs.data):
            raise StopValidation("Untick what is also ticked under “The place must have”.")


class StayForm(VaultForm):
    """Something that is recorded of one stay."""

    version = Version()


class ArrivalForm(StayForm):
    """When the household came."""

    on = Day("Day of arrival")


class DepartureForm(StayForm):
    """When the household left."""

    on = Day("Day of departure")


class ExtensionForm(StayForm):
    """A later day of leaving."""

    until_on = Day("New day of leaving", hint="The day on which they leave, which is still theirs.")


class OverstayForm(ExtensionForm):
    """A later day of leaving than was agreed, and why."""

    reason = Choice("Why do they stay longer?", OverstayReason, as_list=True)


class ReasonForm(StayForm):
    """Why a stay comes to nothing."""

    reason = Choice("Why?", StayReason, as_list=True)
    offered: ClassVar[tuple[StayReason, ...]] = ()

    def __init__(self, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.reason.options = [(reason.value, reason.label) for reason in self.offered]


class CancelForm(ReasonForm):
    """Why a stay is called off."""

    offered = (
        StayReason.NO_LONGER_NEEDED,
        StayReason.OTHER_PLACE_FOUND,
        StayReason.DECLINED_BY_PERSON,
        StayReason.THREAT_NEAR,
        StayReason.TRANSPORT_FAILED,
        StayReason.ENTERED_IN_ERROR,
    )


class NonArrivalForm(ReasonForm):
    """Why nobody came."""

    offered = (
        StayReason.DECLINED_BY_PERSON,
        StayReason.NOT_REACHED,
        StayReason.TRANSPORT_FAILED,
        StayReason.THREAT_NEAR,
        StayReason.OTHER_PLACE_FOUND,
    )


class PlainForm(VaultForm):
    """What is known of a place without opening anything."""

    kind = Choice("Kind of place", HouseKind)
    beds = Whole("Beds", 1, 200)
    rooms = Whole("Rooms", 1, 200)
    needs = Choices("What the place has", Need, optional=True)
    nightly_cost = Money("Cost of a night", hint="0 when the place costs nothing.")


class ConfirmForm(PlainForm):
    """What was found to be true of a place today."""

    version = Version()


class WhereForm(VaultForm):
    """Where a place is: the area for the search, the address for those who go there."""

    area = Line("Area", 120, hint="Coarse enough to say aloud, such as “Shoreline east”.")
    centre = Choice(
        "Nearest town", str, as_list=True, hint="Distances to danger areas are counted from its centre."
    )
    near = Words("What is near", 600, hint="School, clinic, bus line, police.")
    street = Line("Street and number", 160)
    town = Line("Town", 80)
    postcode = Line("ZIP code", 10)
    latitude = Degrees("Latitude", -90, 90, hint="From the map, like 41.7637.")
    longitude = Degrees("Longitude", -180, 180, hint="West of Greenwich is negative, like -72.6851.")
    access = Words("Keys, codes and how to get in", 1000)
    landlord = Line("Landlord or agency", 160)

    def __init__(self, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.centre.options = [(name, name) for name in sorted(towns())]


class AddressForm(WhereForm):
    """A new area and address of a place."""

    version = Version()


class HouseForm(PlainForm, WhereForm):
    """A new place."""

    code = Line("Code", 12, hint="Short and telling nothing, such as H-014.")

    def validate_code(self, field: Any) -> None:
        """A code is fit to stand in every list."""
        if not re.fullmatch(r"[A-Z]{1,3}-[0-9]{1,6}", field.data):
            raise StopValidation("Use capital letters, a hyphen and a number, like H-014.")


class VoidForm(VaultForm):
    """The days on which a place is closed."""

    from_on = Day("First day closed")
    until_on = Day("Last day closed")
    reason = Choice("Why is it closed?", VoidReason, as_list=True)


class CompromiseForm(VaultForm):
    """The last question before a place is closed for good."""

    sure = Yes(
        "The address is known or may be known to somebody who must not know it",
        optional=False,
        ask="Tick the box to show that this is what happened.",
    )


class SeparationForm(VaultForm):
    """Two cases that must not meet."""

    case = Choice("Case", UUID, as_list=True)
    other = Choice("Must never be placed with", UUID, as_list=True)
    kind = Choice("Why?", ConflictKind, as_list=True)

    def __init__(self, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.kind.options = [
            (ConflictKind.SEPARATED.value, "On the separation list"),
            (ConflictKind.SAME_PROSECUTION.value, "Witnesses of the same prosecution"),
        ]
