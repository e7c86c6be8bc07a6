"""What can go wrong in housing, each said in a sentence that can be shown to an officer.

No message names an occupant, an address or any other sealed fact.
"""


class HousingError(Exception):
    """An act on a house or a stay that the rules of housing forbid; the message is for the officer."""


class NoBedFree(HousingError):
    """The beds asked for are not free on every one of the days asked for."""


class StayInTheWay(HousingError):
    """A closure cannot be written over a stay, its turnaround or another closure."""


class HouseClosed(HousingError):
    """The place is not vetted, or no longer, so nobody may be placed in it."""


class WrongState(HousingError):
    """The stay, closure or place is not in a state from which this act may follow."""


class StillOccupied(HousingError):
    """The people before have not been recorded as departed from the bed."""


class BadDates(HousingError):
    """The days asked for are out of order or out of the range that can be booked."""


class BadDetails(HousingError):
    """A fact about a place or a stay is missing or outside what is allowed."""


class BedsInUse(HousingError):
    """The number of beds cannot be lowered below what is already booked."""


class CodeTaken(HousingError):
    """Another place already has this code."""


class ChangedMeanwhile(HousingError):
    """Somebody else changed the place after the officer began to look at it."""
