"""The programme's words for places and stays, as they are stored and shown."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Word(StrEnum):
    """A word of housing that reads on a page as it is stored, but for its hyphens and its first letter."""

    @property
    def label(self) -> str:
        """The word as it reads on a page."""
        return self.value.replace("-", " ").capitalize()


class HouseKind(Word):
    """The four kinds of place that the programme uses."""

    SAFE_HOUSE = "safe-house"
    SHELTER = "shelter"
    EMERGENCY = "emergency"
    TEMPORARY = "temporary"


class Need(StrEnum):
    """A need that a place can meet."""

    STEP_FREE = "step-free"
    GROUND_FLOOR = "ground-floor"
    CHILDREN = "children"
    PETS = "pets"
    SCHOOL_NEAR = "school-near"
    SINGLE_OCCUPANCY = "single-occupancy"
    KITCHEN = "kitchen"
    MEN_ONLY = "men-only"
    WOMEN_ONLY = "women-only"

    @property
    def label(self) -> str:
        """The need as it reads on a page."""
        return _NEED_LABELS[self]


_NEED_LABELS: Mapping[Need, str] = MappingProxyType({
    Need.STEP_FREE: "Step-free",
    Need.GROUND_FLOOR: "Ground floor",
    Need.CHILDREN: "Children welcome",
    Need.PETS: "Pets welcome",
    Need.SCHOOL_NEAR: "School near",
    Need.SINGLE_OCCUPANCY: "Single occupancy",
    Need.KITCHEN: "Kitchen",
    Need.MEN_ONLY: "Men only",
    Need.WOMEN_ONLY: "Women only",
})  # fmt: skip


class Standing(Word):
    """What the programme has decided about a place; stored, and changed only by an act."""

    PROSPECTIVE = "prospective"
    VETTED = "vetted"
    COMPROMISED = "compromised"
    RETIRED = "retired"


class Status(Word):
    """What a place is on one day; derived from its standing and its claims, never stored."""

    PROSPECTIVE = "prospective"
    AVAILABLE = "available"
    HELD = "held"
    OCCUPIED = "occupied"
    RESTING = "resting"
    COMPROMISED = "compromised"
    RETIRED = "retired"


class StayState(Word):
    """Where a stay is between the first hold and its end."""

    HELD = "held"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    DEPARTED = "departed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    DID_NOT_ARRIVE = "did-not-arrive"

    @property
    def words(self) -> str:
        """The state as it reads inside a sentence."""
        return self.value.replace("-", " ")


LIVE = frozenset({StayState.HELD, StayState.CONFIRMED, StayState.ARRIVED})

NEXT_STATES: Mapping[StayState, frozenset[StayState]] = MappingProxyType({
    StayState.HELD: frozenset({StayState.CONFIRMED, StayState.CANCELLED}),
    StayState.CONFIRMED: frozenset({StayState.ARRIVED, StayState.CANCELLED, StayState.DID_NOT_ARRIVE}),
    StayState.ARRIVED: frozenset({StayState.DEPARTED}),
    StayState.DEPARTED: frozenset({StayState.CLOSED}),
    StayState.CLOSED: frozenset(),
    StayState.CANCELLED: frozenset(),
    StayState.DID_NOT_ARRIVE: frozenset(),
})  # fmt: skip

NEXT_STANDINGS: Mapping[Standing, frozenset[Standing]] = MappingProxyType({
    Standing.PROSPECTIVE: frozenset({Standing.VETTED, Standing.COMPROMISED, Standing.RETIRED}),
    Standing.VETTED: frozenset({Standing.COMPROMISED, Standing.RETIRED}),
    # A place comes back only through a new vetting, never straight into use.
    Standing.COMPROMISED: frozenset({Standing.PROSPECTIVE, Standing.RETIRED}),
    Standing.RETIRED: frozenset({Standing.PROSPECTIVE, Standing.COMPROMISED}),
})  # fmt: skip


class StayReason(Word):
    """Why a stay was cancelled or nobody arrived."""

    HOLD_EXPIRED = "hold-expired"
    NO_LONGER_NEEDED = "no-longer-needed"
    OTHER_PLACE_FOUND = "other-place-found"
    DECLINED_BY_PERSON = "declined-by-person"
    THREAT_NEAR = "threat-near"
    HOUSE_COMPROMISED = "house-compromised"
    TRANSPORT_FAILED = "transport-failed"
    NOT_REACHED = "not-reached"
    ENTERED_IN_ERROR = "entered-in-error"


class OverstayReason(Word):
    """Why people stay in a place beyond the last day agreed."""

    NEXT_PLACE_NOT_READY = "next-place-not-ready"
    TRANSPORT_DELAYED = "transport-delayed"
    ILLNESS = "illness"
    THREAT_ON_THE_WAY = "threat-on-the-way"
    COURT_DATE_MOVED = "court-date-moved"


class VoidReason(Word):
    """Why a place is closed for some days."""

    DEEP_CLEAN = "deep-clean"
    REPAIRS = "repairs"
    SAFETY_WORKS = "safety-works"
    INCIDENT_COOLING_OFF = "incident-cooling-off"
    PENDING_HANDBACK = "pending-handback"
    HELD_BY_ORDER = "held-by-order"
