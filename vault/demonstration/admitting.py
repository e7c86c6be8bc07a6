"""The founding of the demonstration's vault and the admission of its cast, act by act as in life."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyotp

from vault.access.policy import Role
from vault.demonstration.cast import CAST, FIRST, FOUNDERS, GONE, UNUSED, Login, Member, passphrase
from vault.demonstration.reviewing import founded_on, tell_quiet_year
from vault.demonstration.stage import CALLER, Clock, Fortnight, Seat, Stage
from vault.officers import admission, proofs, signing_in
from vault.officers.founding import Founder, found
from vault.officers.sessions import Found
from vault.running import RunningVault
from vault.settings import Settings


@dataclass(frozen=True, repr=False)
class Enrolled:
    """A new officer between enrolment and certification."""

    login: Login
    found: Found


def _known(vault: RunningVault, cookie: str) -> Found:
    known = signing_in.recognise(vault, cookie, vault.now())
    if known is None:
        raise RuntimeError("the session that was just begun is not there")
    return known[0]


def _first_seats(settings: Settings, clock: Clock) -> tuple[RunningVault, dict[str, Seat], tuple[str, ...]]:
    """Found the vault, for its shares too; the founders give their passwords for the first time."""
    members = [member for member in CAST if member.name in FOUNDERS]
    founders = [Founder(m.name, m.full_name, m.role, passphrase()) for m in members]
    result = found(settings, founders, clock())
    vault = RunningVault.start(settings, clock)
    seats = {}
    for founder, given in zip(founders, result.officers, strict=True):
        now = clock.to(clock() + timedelta(minutes=2))
        cookie = signing_in.give_password(vault, founder.name, founder.password, CALLER, now)
        login = Login(founder.name, founder.full_name, founder.role, founder.password, given.totp_secret)
        seats[founder.name] = Seat(login, _known(vault, cookie))
    return vault, seats, result.shares


def _enrol(stage: Stage, member: Member) -> Enrolled:
    """The administrator opens the account; its officer enrols with the one-time code."""
    vault, clock = stage.vault, stage.clock
    with vault.writing() as db:
        now = clock.to(clock() + timedelta(seconds=40))
        _, code = admission.add(db, stage.seats["max"].who, member.name, member.full_name, member.role, now)
    password, now = passphrase(), clock.to(clock() + timedelta(seconds=50))
    cookie, _ = signing_in.begin_enrolment(vault, member.name, code, password, CALLER, now)
    here = _known(vault, cookie)
    with vault.reading() as db:
        secret = proofs.shown_second_factor(db, vault.root, here.officer.id, here.identity)
    now = clock.to(clock() + timedelta(seconds=20))
    signing_in.finish_enrolment(vault, here, pyotp.TOTP(secret).at(now), CALLER, now)
    return Enrolled(Login(member.name, member.full_name, member.role, password, secret), here)


def _admit_all(stage: Stage, members: Sequence[Member], progress: Callable[[int], None]) -> None:
    """Enrol these with the administrator, certify them, and let them have their seats."""
    for name in FOUNDERS:
        stage.sign_in(name)
    newcomers = []
    for member in members:
        newcomers.append(_enrol(stage, member))
        progress(1)
    clock = stage.clock
    with stage.vault.writing() as db:
        for newcomer in newcomers:
            officer = admission.get(db, newcomer.found.officer.id)
            now = clock.to(clock() + timedelta(seconds=45))
            admission.certify_officer(db, stage.seats["ada"].who, stage.vault.trust, officer, now)
    stage.sign_out_all()
    for newcomer in newcomers:
        step = int(clock().timestamp()) // proofs.STEP_SECONDS
        stage.seats[newcomer.login.name] = Seat(newcomer.login, newcomer.found, used=step)


def admit(settings: Settings, fortnight: Fortnight, seed: int, progress: Callable[[int], None]) -> Stage:
    """Found a vault eleven months ago, let them go by, and admit everybody on the first morning.

    `progress` is told of each officer.
    """
    clock = Clock(fortnight.on(founded_on(fortnight), 9.0))
    vault, seats, shares = _first_seats(settings, clock)
    stage = Stage(vault, clock, fortnight, seats, shares, seed)
    early = [member for member in (*CAST, UNUSED) if member.name in FIRST or member is UNUSED]
    _admit_all(stage, early, progress)
    tell_quiet_year(stage)
    clock.to(fortnight.at(0, 7.5))
    late = [member for member in (*CAST, GONE) if member.name not in stage.seats]
    _admit_all(stage, late, progress)
    if {seat.login.role for seat in stage.seats.values()} != set(Role):
        raise RuntimeError("the cast lacks a role")
    return stage
