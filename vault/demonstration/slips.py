"""What does not go through: refusals, mistyped passwords and codes, an account that locked."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.events import Event, record_apart
from vault.access.policy import Permission
from vault.cases import actions as cases
from vault.cases.models import Case, known_to
from vault.demonstration.script import Story, Turn, act, look
from vault.demonstration.stage import CALLER
from vault.demonstration.world import World
from vault.errors import RoleMayNot, VaultError
from vault.officers import admission, signing_in
from vault.officers.proofs import ProofRefused
from vault.referrals import actions as referrals
from vault.referrals.models import Referral

LOCKING = 5


def _try(turn: Turn, route: str, subjects: list[str], attempt: Callable[[Session, Actor], object]) -> None:
    """Attempt something; when a rule refuses it, the refusal is recorded as the guard records it."""
    who, now = turn.who, turn.now()
    try:
        with turn.reading() as db:
            attempt(db, who)
    except VaultError as error:
        facts = {"route": route, "why": type(error).__name__}
        record_apart(
            turn.stage.vault,
            Event.REFUSED,
            who=who,
            now=now,
            subjects=subjects,
            outcome="refused",
            facts=facts,
        )


def _get_case(case: UUID) -> Callable[[Session, Actor], object]:
    return lambda db, who: cases.get(db, who, case)


def _need(permission: Permission) -> Callable[[Session, Actor], None]:
    def attempt(_db: Session, who: Actor) -> None:
        if not who.may(permission):
            raise RoleMayNot("Your role does not include this. If you need it, ask the coordinator.")

    return attempt


def _case_for(world: World, inspector: str) -> UUID:
    """A case on which this inspector is not named."""
    with world.stage.vault.reading() as db:
        mine = known_to(world.stage.seats[inspector].who).order_by(None).with_only_columns(Case.id)
        known = set(db.scalars(mine))
    return next(case for _, case in sorted(world.cases.items()) if case not in known)


def tell_refusals(world: World) -> Story:
    """Curiosity, mistakes and old bookmarks."""
    days = world.days
    for day, hour, name in ((2, 10.7, "ivo"), (4, 15.9, "ines"), (8, 11.2, "ivo")):
        turn = yield look(days.at(day, hour), name)
        case = _case_for(world, name)
        _try(turn, "cases.show", [f"case:{case}"], _get_case(case))
    turn = yield look(days.at(3, 16.2), "max")
    _try(turn, "cases.list-cases", [], _need(Permission.SEE_CASES))
    turn = yield look(days.at(5, 9.8), "fin")
    _try(turn, "cases.list-cases", [], _need(Permission.SEE_CASES))
    turn = yield look(days.at(6, 14.9), "pru")
    pat = world.officer("pat")
    with turn.reading() as db:
        theirs = db.scalars(select(Referral.id).where(Referral.prosecutor == pat)).first()
    if theirs is not None:
        subject = f"referral:{theirs}"
        _try(turn, "referrals.show", [subject], lambda db, who: referrals.get(db, who, theirs))
    turn = yield look(days.at(9, 15.1), "cal")
    _try(turn, "cases.ask-to-open", [f"case:{_case_for(world, 'cal')}"], _need(Permission.MANAGE_CASE))


def tell_mistypings(world: World) -> Story:
    """Wrong passwords, a name that nobody has, and a telephone whose clock had stopped."""
    vault, days = world.stage.vault, world.days
    for day, hour, who, typed in ((1, 8.3, "max", "cal"), (5, 8.4, "max", "admin"), (8, 8.2, "max", "pat")):
        turn = yield look(days.at(day, hour), who)
        with suppress(ProofRefused):
            signing_in.give_password(vault, typed, "not the passphrase", CALLER, turn.now())
    turn = yield look(days.at(6, 9.1), "max")
    _lock(world, turn, "sol")
    turn = yield act(days.at(6, 9.6), "max")
    officer = admission.get(turn.db, world.officer("sol"))
    admission.release(turn.db, turn.who, officer, turn.now())


def _lock(world: World, turn: Turn, name: str) -> None:
    """Five wrong codes in a row lock the account."""
    seat = world.stage.seats[name]
    for _ in range(LOCKING):
        now = turn.now()
        found = world.stage.give_password(seat, now)
        with suppress(ProofRefused):
            signing_in.give_code(world.stage.vault, found, "not one", CALLER, now)
