"""Every act of housing, under one name: on places, on stays, and on the days a place is closed.

Acts flush and never commit. Each checks its state first and raises one of `housing.errors` otherwise.
"""

from housing.claims import release_expired
from housing.houses import (
    AddressFacts,
    AreaFacts,
    CompromiseReport,
    PlainFacts,
    add_house,
    compromise,
    confirm_details,
    reconsider,
    retire,
    vet,
)
from housing.stays import arrive, cancel, close, confirm, depart, did_not_arrive, extend, hold, overstay
from housing.voids import end_void, void

__all__ = [
    "AddressFacts", "AreaFacts", "CompromiseReport", "PlainFacts",
    "add_house", "arrive", "cancel", "close", "compromise", "confirm", "confirm_details", "depart",
    "did_not_arrive", "end_void", "extend", "hold", "overstay", "reconsider", "release_expired", "retire",
    "vet", "void",
]  # fmt: skip
