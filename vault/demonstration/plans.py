"""Which cases and referrals there are: fixed numbers in every state, with invented households."""

from dataclasses import dataclass
from datetime import date

from vault.demonstration.invented import Inventor
from vault.vocabulary import CaseState, Flag, Position, ReferralState

ARRIVALS = {
    CaseState.CLOSED: (0, 0, 1, 1),
    CaseState.ENDING: (0, 1, 2),
    CaseState.ACTIVE: (0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 7),
    CaseState.DECLINED: (1, 2, 4, 6),
    CaseState.AGREED: (6, 7, 7),
    CaseState.OFFERED: (7, 8, 8),
    CaseState.CERTIFIED: (8, 8, 9),
}
"""On which working day, from 0 to 9, the referrals of the forty cases came, by how the cases stand now.

Of those who declined the first is closed at last.
"""

URGENT = {
    (CaseState.CLOSED, 3),
    (CaseState.ACTIVE, 4),
    (CaseState.ACTIVE, 12),
    (CaseState.OFFERED, 1),
}
"""Cases that began at night, because somebody was in danger at once."""

_FAMILY = (Position.PARTNER, Position.CHILD, Position.CHILD, Position.PARENT)


@dataclass(frozen=True)
class Kin:
    """One more member of the household."""

    position: Position
    minor: bool
    name: str
    born: date


@dataclass(frozen=True)
class CasePlan:
    """One case as the script knows it beforehand."""

    number: int
    target: CaseState
    rank: int
    arrives: int
    urgent: bool
    prosecutor: str
    inspectors: tuple[str, ...]
    has_clerk: bool
    is_supervised: bool
    flags: tuple[Flag, ...]
    witness: str
    born: date
    defendant: str
    kin: tuple[Kin, ...]

    @property
    def household(self) -> int:
        """People with the witness."""
        return 1 + len(self.kin)

    @property
    def life(self) -> int:
        """A number among the cases that were ever active, those first that are ended or ending."""
        ended, ending = len(ARRIVALS[CaseState.CLOSED]), len(ARRIVALS[CaseState.ENDING])
        return self.rank + {CaseState.CLOSED: 0, CaseState.ENDING: ended}.get(self.target, ended + ending)


def _kin(invented: Inventor, witness: str, size: int, today: date) -> tuple[Kin, ...]:
    surname = witness.rsplit(maxsplit=1)[-1]
    found = []
    for position in _FAMILY[: size - 1]:
        minor = position is Position.CHILD
        name = f"{invented.given()} {surname}"
        found.append(Kin(position, minor, name, invented.birth(minor, today)))
    return tuple(found)


def _inspectors(number: int, target: CaseState) -> tuple[str, ...]:
    if target is CaseState.CERTIFIED and number % 2:
        return ()  # Nobody is named yet: it waits on the coordinator's desk.
    if number % 9 == 0:
        return ("ines", "ivo")
    return ("ines",) if number % 2 else ("ivo",)


def case_plans(invented: Inventor, today: date) -> list[CasePlan]:
    """The forty cases, in the order of their referrals."""
    targets = [(arrives, rank, state) for state in ARRIVALS for rank, arrives in enumerate(ARRIVALS[state])]
    plans = []
    for number, (arrives, rank, target) in enumerate(sorted(targets, key=lambda found: found[0])):
        witness = f"{invented.given()} {invented.surname()}"
        size = invented.chance.choice((1, 1, 1, 2, 2, 2, 3, 4, 5))
        kin = _kin(invented, witness, size, today)
        flags = [Flag.GANG] if number % 3 == 0 else []
        flags += [Flag.CHILD] if number % 11 == 5 else []
        plans.append(
            CasePlan(
                number=number,
                target=target,
                rank=rank,
                arrives=arrives,
                urgent=(target, rank) in URGENT,
                prosecutor="pru" if number % 3 == 2 else "pat",
                inspectors=_inspectors(number, target),
                has_clerk=number % 5 != 4,
                is_supervised=number % 10 == 3,
                flags=tuple(flags),
                witness=witness,
                born=invented.birth(Flag.CHILD in flags, today),
                defendant=invented.name(),
                kin=kin,
            )
        )
    return plans


WITHOUT_CASE = (
    (ReferralState.DECLINED, 1, 1),
    (ReferralState.DECLINED, 3, 2),
    (ReferralState.DECLINED, 5, 3),
    (ReferralState.DECLINED, 7, 1),
    (ReferralState.CERTIFIED, 8, 3),
    (ReferralState.CRITICAL, 8, 2),
    (ReferralState.AT_RISK, 9, 1),
    (ReferralState.RECEIVED, 9, 0),
    (ReferralState.RECEIVED, 9, 0),
)
"""Referrals that led to no case: the state they stand in, the day they came, and the decisions made."""
