"""Short ways to requests that are asked for, approved, and ready to be carried out."""

from uuid import UUID

from crypto.passwords import PasswordCost
from tests.cast import CHEAP, PASSWORD, Cast
from tests.programme import OpenedCase, open_case
from vault.access.policy import Compartment, Role
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.keys import acts
from vault.keys.models import Ground, KeyAct
from vault.officers import admission, proofs
from vault.officers.models import OfficerState
from vault.vocabulary import CaseState


def admit(cast: Cast, name: str, full_name: str, role: Role) -> None:
    """Admit one more officer, by the real acts."""
    stage, ada = cast.stage, cast["ada"].actor
    with stage.vault.writing() as db:
        officer, _ = admission.add(db, None, name, full_name, role, stage.vault.now())
        cost = PasswordCost.from_text(CHEAP)
        keys, _ = admission.give_keys(db, stage.vault.root, officer, PASSWORD.format(name), cost)
        stage.secrets[name] = proofs.new_second_factor(db, stage.vault.root, officer.id, keys)
        officer.state, officer.enrolment_hash = OfficerState.ENROLLED, None
        admission.certify_officer(db, ada, stage.vault.trust, officer, stage.vault.now())


def admit_deciders(cast: Cast) -> None:
    """A second deputy and a second coordinator, so that two can approve what a third asks."""
    admit(cast, "dora", "Dora Dingle", Role.DEPUTY)
    admit(cast, "abel", "Abel Acorn", Role.COORDINATOR)


def close(cast: Cast, case: UUID) -> None:
    """Walk a case to its end."""
    vault, dee = cast.stage.vault, cast["dee"].actor
    for state in (
        CaseState.OFFERED,
        CaseState.AGREED,
        CaseState.ACTIVE,
        CaseState.ENDING,
        CaseState.CLOSED,
    ):
        with vault.writing() as db:
            cases.move(db, dee, cases.get(db, dee, case), state, vault.now())


def closed_case(cast: Cast) -> OpenedCase:
    """A case with an inspector and a clerk on it, closed."""
    case = open_case(cast, ["ines", "cal"])
    close(cast, case.id)
    return case


def ask_destruction(cast: Cast, case: UUID, who: str) -> UUID:
    """Ask that the records of a closed case be destroyed."""
    vault, asker = cast.stage.vault, cast[who].actor
    with vault.writing() as db:
        row = db.get_one(Case, case)
        return acts.ask_destruction(db, asker, row, Ground.RETENTION_OVER, "It is time.", vault.now()).id


def ask_recovery(
    cast: Cast, who: str, subject: str, compartment: Compartment | None, for_officer: str
) -> UUID:
    """Ask that keys be recovered for an officer."""
    vault, to, asker = cast.stage.vault, cast[for_officer].actor.officer, cast[who].actor
    with vault.writing() as db:
        act = acts.ask_recovery(
            db, asker, subject, compartment, to, Ground.DRILL, "The yearly drill.", vault.now()
        )
        return act.id


def decide(cast: Cast, act: UUID, who: str, *, approves: bool) -> None:
    """One officer's yes or no."""
    vault, actor = cast.stage.vault, cast[who].actor
    with vault.writing() as db:
        acts.decide(db, actor, acts.held(db, actor, act), approves, vault.now())


def approve(cast: Cast, act: UUID, *names: str) -> UUID:
    """Each of these says yes."""
    for name in names:
        decide(cast, act, name, approves=True)
    return act


def state_of(cast: Cast, act: UUID) -> str:
    """How far a request has come."""
    with cast.stage.vault.reading() as db:
        return str(db.get_one(KeyAct, act).state.value)
