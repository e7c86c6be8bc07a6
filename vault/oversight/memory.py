"""What the rules for alerts see of an entry, and what they remember of the entries before it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from audit.entries import Entry, Fact
from vault.oversight.models import Rule

LEAST_DAY = 20
"""So many looks on one day are never an alert, whatever the officer's habit."""
TIMES_HABIT = 3
WORKED_DAYS = 30
USUAL_ON_DAYS = 3
"""An hour is usual for an officer who looked in it on so many of the last 30 days they worked."""
WITHIN = timedelta(minutes=15)
"""How long failures count together."""


@dataclass(frozen=True)
class Seen:
    """One entry as the rules see it; `local` is its time on the unit's clock."""

    index: int
    at: datetime
    local: datetime
    event: str
    officer: str | None
    outcome: str
    compartment: str | None
    subjects: tuple[str, ...]
    facts: Mapping[str, Fact]
    is_look: bool
    is_vouched: bool
    case_of: Mapping[str, str]

    @classmethod
    def of(
        cls, index: int, entry: Entry, local: datetime, is_vouched: bool, case_of: Mapping[str, str]
    ) -> "Seen":
        """An entry of the ledger; `case_of` gives people's cases. A look names fields and changes no row."""
        is_look = bool(entry.officer and entry.fields and not entry.rows and entry.outcome == "done")
        return cls(
            index=index,
            at=entry.at,
            local=local,
            event=entry.event,
            officer=str(entry.officer) if entry.officer else None,
            outcome=entry.outcome,
            compartment=entry.compartment,
            subjects=entry.subjects,
            facts=entry.facts,
            is_look=is_look,
            is_vouched=is_vouched,
            case_of=case_of,
        )

    def named(self, kind: str) -> list[str]:
        """The subjects of one kind."""
        return [subject for subject in self.subjects if subject.startswith(f"{kind}:")]

    def is_covered(self, named: Sequence[str]) -> bool:
        """Whether an officer named on these is named on every case and person of the entry."""
        cases = {self.case_of.get(person) for person in self.named("person") if person in named}
        return all(
            subject in named or self.case_of.get(subject) in named or subject in cases
            for subject in (*self.named("case"), *self.named("person"))
        )

    @property
    def accused(self) -> str | None:
        """The officer whom a failed sign-in or a lock is about."""
        return next((s.partition(":")[2] for s in self.named("officer")), self.officer)


def _milliseconds(seen: Seen) -> int:
    return round(seen.at.timestamp() * 1000)


@dataclass
class Recent:
    """Entries of the last minutes, as index and milliseconds."""

    entries: list[list[int]] = field(default_factory=list)

    def add(self, seen: Seen, within: timedelta) -> int:
        """Remember one more and return how many there are within the time."""
        self.forget(seen, within)
        self.entries.append([seen.index, _milliseconds(seen)])
        return len(self.entries)

    def forget(self, seen: Seen, within: timedelta) -> None:
        """Let go of what lies further back than the time."""
        now, span = _milliseconds(seen), within // timedelta(milliseconds=1)
        self.entries = [[index, at] for index, at in self.entries if abs(now - at) <= span]

    def take(self) -> int:
        """Forget them all, so that the next alert needs as many again; the first one's index."""
        first, self.entries = self.entries[0][0], []
        return first


@dataclass
class Habits:
    """What is remembered of one officer."""

    role: str = ""
    named: list[str] = field(default_factory=list)
    day: str = ""
    looks: int = 0
    hours: int = 0
    alarm_above: int = 0
    worked: list[list[int]] = field(default_factory=list)  # looks, and a bit for each hour, of each day
    night: str = ""
    nothing: list[int] = field(default_factory=list)
    refusals: Recent = field(default_factory=Recent)
    failures: Recent = field(default_factory=Recent)
    step_ups: Recent = field(default_factory=Recent)
    met: list[str] = field(default_factory=list)

    def begin(self, local: datetime) -> None:
        """A new day of the unit's clock; one that was set back begins no new day."""
        if (today := local.date().isoformat()) <= self.day:
            return
        if self.looks:
            self.worked = [*self.worked, [self.looks, self.hours]][-WORKED_DAYS:]
        self.day, self.looks, self.hours, self.nothing = today, 0, 0, []
        usual = median(looks for looks, _ in self.worked) if self.worked else 0
        self.alarm_above = max(LEAST_DAY, int(TIMES_HABIT * usual))

    @classmethod
    def kept(cls, part: Mapping[str, Any]) -> "Habits":
        """One officer's part again, from what was kept of it."""
        recents = {name: Recent(**part[name]) for name in ("refusals", "failures", "step_ups")}
        return cls(**{**part, **recents})

    def is_usual(self, hour: int) -> bool:
        """Whether the officer often looked in this hour of the day."""
        return sum(hours >> hour & 1 for _, hours in self.worked) >= USUAL_ON_DAYS


@dataclass
class Memory:
    """What the rules remember of everybody."""

    officers: dict[str, Habits] = field(default_factory=dict)
    flagged: list[str] = field(default_factory=list)
    addresses: dict[str, Recent] = field(default_factory=dict)

    def of(self, officer: str) -> Habits:
        """One officer's part."""
        return self.officers.setdefault(officer, Habits())

    def at_address(self, seen: Seen) -> Recent:
        """The failures from where this one came; those of other places that are too old are forgotten."""
        for recent in self.addresses.values():
            recent.forget(seen, WITHIN)
        self.addresses = {place: recent for place, recent in self.addresses.items() if recent.entries}
        return self.addresses.setdefault(str(seen.facts.get("from")), Recent())

    def shared(self) -> dict[str, Any]:
        """What belongs to no one officer, as JSON keeps it."""
        return {
            "flagged": self.flagged,
            "addresses": {place: recent.entries for place, recent in self.addresses.items()},
        }

    def each(self) -> dict[str, dict[str, Any]]:
        """Each officer's part, as JSON keeps it."""
        return {officer: asdict(habits) for officer, habits in self.officers.items()}

    @classmethod
    def kept(cls, shared: Mapping[str, Any], each: Mapping[str, Mapping[str, Any]]) -> "Memory":
        """The memory again, from what was kept of it."""
        return cls(
            {officer: Habits.kept(part) for officer, part in each.items()},
            list(shared.get("flagged", ())),
            {place: Recent(entries) for place, entries in shared.get("addresses", {}).items()},
        )


@dataclass(frozen=True)
class Finding:
    """An alert: by which rule, from which entry to which, about whom and what."""

    rule: Rule
    first_index: int
    last_index: int
    at: datetime
    officer: UUID | None
    subject: str | None
    number: int
    usual: int
