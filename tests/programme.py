"""Short ways, through the pages, to the states that tests begin from."""

from dataclasses import dataclass
from uuid import UUID

from crypto.passwords import PasswordCost
from tests.cast import CHEAP, PASSWORD, Cast, Officer
from vault.access.policy import Role
from vault.cases.models import Case, Person
from vault.officers import admission, proofs
from vault.officers.models import OfficerState
from vault.referrals.models import Referral

REFERRAL = {
    "witness": "Jane Roe",
    "contact": "555-0101, never at home",
    "household": "2",
    "docket": "CR-26-0001",
    "felony": "Murder",
    "defendants": "John Doe, on bail",
    "harm": ["threat", "intimidation"],
    "basis": "has-occurred",
    "flags": ["gang"],
    "narrative": "Jane Roe saw the shooting and was followed home.",
}


@dataclass(frozen=True)
class OpenedCase:
    """A case that was opened through the pages."""

    id: UUID
    code: str
    referral: UUID
    witness: UUID


def send_referral(cast: Cast) -> UUID:
    """Pat refers Jane Roe; the referral's id."""
    sent: UUID = cast.in_scene(("referral",), _send_referral)
    return sent


def _send_referral(cast: Cast) -> UUID:
    pat = cast["pat"]
    pat.get("/referrals/send")
    answer = pat.post("/referrals/send", **REFERRAL)
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def open_case(cast: Cast, named: list[str]) -> OpenedCase:
    """Ada certifies Pat's referral, opens the case and names these officers."""
    opened: OpenedCase = cast.in_scene(("case", *named), lambda cast: _open_case(cast, named))
    return opened


def _open_case(cast: Cast, named: list[str]) -> OpenedCase:
    referral = send_referral(cast)
    ada = cast["ada"]
    ada.get(f"/referrals/{referral}")
    for version, outcome in enumerate(("yes", "yes", "services-with-relocation"), 1):
        answer = ada.post(
            f"/referrals/{referral}/decide", outcome=outcome, reasons="Compelling need.", version=str(version)
        )
        assert answer.status_code == 303, answer.text
    answer = ada.post(f"/referrals/{referral}/open-case", ceiling="4000", days="30")
    assert answer.status_code == 303, answer.text
    case_id = UUID(answer.location.rsplit("/", 1)[1])
    for name in named:
        answer = ada.post(f"/cases/{case_id}/officers/name", officer=str(cast[name].actor.officer))
        assert answer.status_code == 303, answer.text
    with cast.stage.vault.reading() as db:
        case = db.get_one(Case, case_id)
        witness = db.query(Person).filter_by(case=case_id).one()
        assert db.get_one(Referral, referral).state == "certified"
    return OpenedCase(case_id, case.code, referral, witness.id)


def newcomer(cast: Cast, role: Role) -> Officer:
    """An officer of the role who is named on nothing and never was."""
    name, vault, ada = f"new-{role.value}", cast.stage.vault, cast["ada"].actor
    cost = PasswordCost.from_text(CHEAP)
    with vault.writing() as db:
        officer, _ = admission.add(db, None, name, f"New {role.label}", role, vault.now())
        keys, _ = admission.give_keys(db, vault.root, officer, PASSWORD.format(name), cost)
        cast.stage.secrets[name] = proofs.new_second_factor(db, vault.root, officer.id, keys)
        officer.state, officer.enrolment_hash = OfficerState.ENROLLED, None
        admission.certify_officer(db, ada, vault.trust, officer, vault.now())
    return Officer(cast.stage, name).sign_in()
