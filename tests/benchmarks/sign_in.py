"""Signing in beside the password's own cost, and what guard and matrix ask before a place is opened."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pyotp
from flask import g
from sqlalchemy import select

from crypto.passwords import SALT_LENGTH, PasswordCost, stretch
from tests.benchmarks.harness import Measured, Run, alternate, row
from tests.benchmarks.house import House
from tests.cast import PASSWORD, Clock
from vault.access.actor import Actor
from vault.access.guard import requires
from vault.access.models import Assignment, Lockbox
from vault.access.policy import Compartment, Permission
from vault.access.reading import check_may_open
from vault.app import create_app
from vault.officers import proofs, signing_in
from vault.officers.failing import Caller
from vault.officers.models import SignedInSession
from vault.officers.sessions import Found
from vault.running import RunningVault, wall_clock

AT_A_TIME = 2
"""So many officers at a time: one run of Argon2id has four lanes, which fill two cores by themselves."""
OFFICERS = ("cal", "dee", "fin", "pat")
"""Who signs in: nobody whose session another row goes on with."""


class Stepping(Clock):
    """A clock that stands a day back and that each round moves to the next code."""

    def __init__(self) -> None:
        super().__init__()
        self.now = wall_clock() - timedelta(days=1)


@contextmanager
def running(house: House, clock: Clock) -> Iterator[RunningVault]:
    """The house's vault in this process."""
    vault = RunningVault.start(house.settings, clock)
    try:
        yield vault
    finally:
        vault.close()


def sign_in(vault: RunningVault, secret: str, name: str) -> None:
    """Password and code, as the two pages of signing in take them."""
    caller, now = Caller("127.0.0.1", "a browser"), vault.now()
    cookie = signing_in.give_password(vault, name, PASSWORD.format(name), caller, now)
    known = signing_in.recognise(vault, cookie, now)
    assert known is not None
    signing_in.give_code(vault, known[0], pyotp.TOTP(secret).at(now), caller, now)


@row
def signing_in_beside_its_floor(run: Run) -> Iterator[Measured]:
    """Whole sign-ins, two at a time, beside as many runs of Argon2id and nothing else."""
    house, clock = run.house, Stepping()
    cost = PasswordCost.from_text(house.settings.password_cost)
    turns = itertools.cycle([OFFICERS[:AT_A_TIME], OFFICERS[AT_A_TIME:]])
    with running(house, clock) as vault, ThreadPoolExecutor(AT_A_TIME) as threads:

        def ours() -> None:
            clock.forward(seconds=30)
            list(threads.map(lambda name: sign_in(vault, house.secrets[name], name), next(turns)))

        def floor() -> None:
            list(
                threads.map(
                    lambda name: stretch(PASSWORD.format(name), bytes(SALT_LENGTH), cost),
                    OFFICERS[:AT_A_TIME],
                )
            )

        seconds, least = alternate(ours, floor, max(2, run.effort.pages // 10), 1, time.perf_counter)
    name = f"one of {AT_A_TIME} sign-ins at a time, by password and code"
    peer = f"Argon2id alone at the same cost, {AT_A_TIME} at a time"
    yield Measured(name, seconds / AT_A_TIME * 1e3, least / AT_A_TIME * 1e3, peer, "ms", 1.3, None)


def known_as(vault: RunningVault, name: str) -> tuple[Found, Actor]:
    """An officer as a request knows them."""
    with vault.reading() as db:
        officer, identity = proofs.check_password(db, vault.root, vault.settings, name, PASSWORD.format(name))
        version, now = officer.key_version, vault.now()
        who = Actor(officer.id, officer.full_name, officer.role, True, version, None, now, identity)
    return Found(SignedInSession(stage="live"), officer, identity), who


@row
def guard_and_matrix(run: Run) -> Iterator[Measured]:
    """All that is asked of a named inspector before the threat to her case opens, of the database as well."""
    with running(run.house, Clock()) as vault, vault.reading() as db:
        app = create_app(vault)
        boxes = db.scalars(select(Lockbox).where(Lockbox.case == run.house.case)).all()
        threat = [box for box in boxes if box.compartment == Compartment.THREAT]

        with app.test_request_context("/"):
            g.found, g.actor = known_as(vault, "ines")
            who, now = g.actor, vault.now()

            @requires(Permission.SEE_CASES)
            def opening() -> None:
                check_may_open(vault, db, who, threat, Compartment.THREAT, now)

            namings = select(Assignment).where(
                Assignment.officer == who.officer, Assignment.ended_at.is_(None)
            )
            rounds = run.effort.rounds // 3 + 1
            ours, peer = alternate(
                opening, lambda: db.scalars(namings).all(), rounds, run.effort.calls, time.thread_time
            )
    yield Measured(
        "guard and matrix of one request",
        ours * 1e3,
        peer * 1e3,
        "its question for namings alone",
        "ms",
        None,
        0.2,
    )
