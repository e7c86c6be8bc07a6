"""Everybody at their desk on a simulated clock: signing in and out, giving codes, as the pages would."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pyotp

from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.reading import is_stepped_up
from vault.database import RecordedSession
from vault.demonstration.cast import Login
from vault.officers import admission, proofs, sessions, signing_in
from vault.officers.failing import Caller
from vault.officers.models import SignedInSession
from vault.officers.sessions import Found
from vault.running import RunningVault

CALLER = Caller("192.0.2.7", "Firefox on Linux")  # an address kept for examples (RFC 5737)
LONGEST = timedelta(hours=11)
"""Whoever works longer signs in anew, before the session ends by itself."""
_SATURDAY = 5
_HOURS_INTO_THE_DAY, _EVENING = 10, 19


class Clock:
    """The simulated time: it is moved by the script and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The simulated time now."""
        return self._now

    def to(self, moment: datetime) -> datetime:
        """Move to a moment, or one second on when it has passed already."""
        self._now = max(moment, self._now + timedelta(seconds=1))
        return self._now


class Fortnight:
    """The ten working days before today, and what is at most some minutes ago, on the unit's own clock."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self.now, self.zone = now, zone
        self.today = now.astimezone(zone).date()
        before = (self.today - timedelta(days=back) for back in range(14, 0, -1))
        self.days = [day for day in before if day.weekday() < _SATURDAY]

    def at(self, day: int, hour: float) -> datetime:
        """An hour of a working day, counted from 0 to 9; later days are the last one."""
        return self.on(self.days[min(day, len(self.days) - 1)], hour)

    def on(self, day: date, hour: float) -> datetime:
        """An hour of a calendar day."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(hours=hour)
        return local.astimezone(UTC)

    def ago(self, minutes: float) -> datetime:
        """Some minutes before the demonstration was asked for."""
        return self.now - timedelta(minutes=minutes)

    def at_work(self, minutes: float) -> datetime:
        """So long ago, or so long before the last evening when nobody has worked for long at this hour.

        Whoever makes a demonstration at night would otherwise find everybody looking at an odd hour.
        """
        hour = self.now.astimezone(self.zone).hour
        if _HOURS_INTO_THE_DAY <= hour < _EVENING:
            return self.ago(minutes)
        day = self.today if hour >= _EVENING else self.today - timedelta(days=1)
        return self.on(day, _EVENING) - timedelta(minutes=minutes)

    def day_of(self, moment: datetime) -> date:
        """The unit's calendar day of a moment."""
        return moment.astimezone(self.zone).date()


@dataclass
class Seat:
    """One officer: what they sign in with, their unlocked keys, and their session while they are at work."""

    login: Login
    found: Found
    live: Actor | None = None
    session: UUID | None = None
    since: datetime | None = None
    used: int = 0

    @property
    def officer(self) -> UUID:
        """The officer's id."""
        return self.found.officer.id

    @property
    def who(self) -> Actor:
        """The officer as they act now."""
        if self.live is None:
            raise RuntimeError(f"{self.login.name} has not signed in")
        return self.live


class Stage:
    """A running vault on the simulated clock, everybody's seat, the shares, and the script's own chance."""

    def __init__(
        self,
        vault: RunningVault,
        clock: Clock,
        fortnight: Fortnight,
        seats: Mapping[str, Seat],
        shares: Sequence[str],
        seed: int,
    ) -> None:
        self.vault, self.clock, self.fortnight = vault, clock, fortnight
        self.seats = dict(seats)
        self.shares = shares
        self.chance = random.Random(seed)  # nosec B311 - it invents facts; keys come from elsewhere

    @property
    def zone(self) -> ZoneInfo:
        """The unit's time zone."""
        return self.fortnight.zone

    def fresh_code(self, seat: Seat) -> str:
        """The officer's next unused code; time moves on to it when the last one was used just now."""
        step = max(int(self.clock().timestamp()) // proofs.STEP_SECONDS, seat.used + 1)
        start = datetime.fromtimestamp(step * proofs.STEP_SECONDS, UTC)
        if start > self.clock():
            self.clock.to(start)
        seat.used = step
        return pyotp.TOTP(seat.login.totp_secret).generate_otp(step)

    def give_password(self, seat: Seat, now: datetime) -> Found:
        """Begin a session that is asked for its second factor, with the entry that a right password makes.

        The passphrase was checked when the seat was taken; stretching it again for every morning would make
        the demonstration twice as slow and tell nothing else.
        """
        vault, digest = self.vault, proofs.address_digest(self.vault.root, CALLER.address)
        with vault.writing() as db:
            self.stay_at_work(db, now)
            officer, identity = admission.get(db, seat.officer), seat.found.identity
            row, _ = sessions.start(
                db, vault.root, vault.settings, officer, identity, "password", CALLER.device, now
            )
            subjects, facts = [f"officer:{officer.id}"], {"from": digest[:8]}
            record(db, Event.PASSWORD_GIVEN, who=None, now=now, subjects=subjects, facts=facts)
        return Found(row, officer, identity)

    def sign_in(self, name: str) -> None:
        """Give password and second factor and begin a session, unless there is one."""
        seat, vault = self.seats[name], self.vault
        if seat.live is not None:
            if seat.since is not None and self.clock() - seat.since < LONGEST:
                return
            self._sign_out(seat)
        code = self.fresh_code(seat)
        now = seat.since = self.clock()
        cookie = signing_in.give_code(vault, self.give_password(seat, now), code, CALLER, now)
        known = signing_in.recognise(vault, cookie, now)
        if known is None:
            raise RuntimeError("the session that was just begun is not there")
        seat.session, seat.live = known[0].row.id, known[1]

    def stay_at_work(self, db: RecordedSession, now: datetime) -> None:
        """Whoever is at work has loaded a page meanwhile, so that no session has run out by idleness."""
        for seat in self.seats.values():
            if seat.session is not None:
                db.get_one(SignedInSession, seat.session).seen_at = now

    def step_up(self, name: str) -> Actor:
        """Give the second factor again unless it is good for another minute."""
        seat = self.seats[name]
        if seat.session is None:
            raise RuntimeError(f"{name} has not signed in")
        if not is_stepped_up(self.vault, seat.who, self.clock() + timedelta(minutes=1)):
            code = self.fresh_code(seat)
            now = self.clock()
            signing_in.step_up(self.vault, seat.who, seat.session, code, CALLER, now)
            seat.live = replace(seat.who, stepped_up_at=now)
        return seat.who

    def sign_out_all(self) -> None:
        """Everybody goes home."""
        for seat in self.seats.values():
            if seat.live is not None:
                self.clock.to(self.clock() + timedelta(seconds=self.chance.randint(5, 50)))
                self._sign_out(seat)

    def _sign_out(self, seat: Seat) -> None:
        if seat.live is not None and seat.session is not None:
            signing_in.sign_out(self.vault, seat.live, seat.session, self.clock())
            seat.live, seat.session = None, None
