"""Whatever is done to officers, households and namings, the seals are those of the matrix after each act."""

import random
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.cast import Cast
from tests.officers.returning import certify, end_access, enrol, ident, invite_again
from tests.programme import OpenedCase, open_case
from vault.access import comparing, seals
from vault.access.models import Assignment
from vault.access.policy import Role
from vault.cases.models import Person
from vault.officers.models import Officer, OfficerState

MOVING = ("ines", "ivo", "cal", "sol", "dee")
ROLES = (Role.INSPECTOR, Role.CLERK, Role.LIAISON, Role.DEPUTY, Role.COORDINATOR, Role.FINANCE)


class Acts:
    """Random acts on two cases and five officers, each done through the pages."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast, self.random = cast, random.Random(seed)
        self.cases = [open_case(cast, named=["ines"]), open_case(cast, named=["cal"])]
        self.told: list[str] = []

    def state(self, name: str) -> tuple[OfficerState, Role]:
        with self.cast.stage.vault.reading() as db:
            officer = db.get_one(Officer, ident(self.cast, name))
            return officer.state, officer.role

    def people(self, case: OpenedCase) -> list[UUID]:
        with self.cast.stage.vault.reading() as db:
            return list(db.scalars(select(Person.id).where(Person.case == case.id).order_by(Person.number)))

    def name(self, name: str, case: OpenedCase) -> int:
        answers = {"officer": str(ident(self.cast, name))}
        if self.state(name)[1] is Role.LIAISON:
            answers["person"] = str(self.random.choice(self.people(case)))
        return self.cast["ada"].post(f"/cases/{case.id}/officers/name", **answers).status_code

    def unname(self, name: str, case: OpenedCase) -> int:
        subjects = [case.id, *self.people(case)]
        with self.cast.stage.vault.reading() as db:
            live = db.scalars(
                select(Assignment)
                .where(Assignment.officer == ident(self.cast, name), Assignment.ended_at.is_(None))
                .where(Assignment.subject_id.in_(subjects))
            ).all()
        if not live:
            return 0
        path = f"/cases/{case.id}/officers/{self.random.choice(live).id}/remove"
        return self.cast["ada"].post(path).status_code

    def add_person(self, _name: str, case: OpenedCase) -> int:
        path = f"/cases/{case.id}/people/add"
        return self.cast["ada"].post(path, position="child").status_code

    def enrol_again(self, name: str, _case: OpenedCase) -> int:
        role = self.random.choice([self.state(name)[1], *ROLES])
        self.told[-1] += f" as {role}"
        code = invite_again(self.cast, name, str(role.value))
        if self.random.random() < 0.7:
            enrol(self.cast, name, code)
        return 200

    def certify(self, name: str, _case: OpenedCase) -> int:
        if self.state(name)[0] is not OfficerState.ENROLLED:
            return 0
        certify(self.cast, name)
        return 303

    def revoke(self, name: str, _case: OpenedCase) -> int:
        return end_access(self.cast, ident(self.cast, name), "max", "left").status_code

    def act(self) -> str:
        """Do one; what was done, for the report of a failure."""
        acts = [self.name] * 4 + [self.unname] * 2 + [self.enrol_again] * 2 + [self.certify] * 4
        done = self.random.choice([*acts, self.add_person, self.revoke])
        name, case = self.random.choice(MOVING), self.random.choice(self.cases)
        self.told.append(f"{done.__name__} {name} {case.code}")
        status = done(name, case)
        self.told[-1] += f" {status}"
        assert status in {0, 200, 303, 404, 409, 422}, self.told[-1]
        return self.told[-1]


def follow(cast: Cast, seed: int, count: int) -> None:
    acts = Acts(cast, seed)
    for _ in range(count):
        acts.act()
        with cast.stage.vault.reading() as db:
            missing, surplus = comparing.audit_seals(db)
        assert (missing, surplus) == ([], []), acts.told
    assert any(told.endswith(" 303") for told in acts.told)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_after_each_of_thirty_random_acts_nobody_holds_too_much_or_too_little(cast: Cast) -> None:
    follow(cast, 3, 30)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_after_each_of_a_hundred_random_acts_nobody_holds_too_much_or_too_little(
    cast: Cast, seed: int
) -> None:
    follow(cast, seed, 100)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_seal_that_the_matrix_does_not_give_and_one_that_is_gone_are_both_told(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    with cast.stage.vault.writing() as db:
        ours = db.scalars(
            select(seals.SealRow)
            .where(seals.SealRow.holder == ident(cast, "ines"))
            .order_by(seals.SealRow.id)
        ).first()
        assert ours is not None
        db.delete(ours)
    with cast.stage.vault.writing() as db:
        box = db.scalars(
            select(seals.Lockbox).where(seals.Lockbox.subject == f"person:{case.witness}")
        ).first()
        assert box is not None
        who = cast["ada"].actor
        keys = seals.KeyCase(db, who, cast.stage.vault.trust)
        seals.seal_onward(db, keys, who, box, ident(cast, "ivo"), cast.stage.clock.now)
    with cast.stage.vault.reading() as db:
        missing, surplus = comparing.audit_seals(db)
    assert [fault.holder for fault in missing] == [ident(cast, "ines")]
    assert [fault.holder for fault in surplus] == [ident(cast, "ivo")]
