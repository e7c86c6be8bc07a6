"""Random acts on officers, households and keys, with a plain model of who may then open what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from crypto.identity import Identity
from crypto.passwords import PasswordCost
from housing.houses import AddressFacts, AreaFacts, HouseKind, PlainFacts
from tests.cast import CHEAP, Clock
from tests.keys.raw_opening import BoxRow, Reach, Tables, Walk, opened_boxes, read, text_of, unlock
from vault.access import comparing, renewal
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.models import Assignment, Lockbox
from vault.access.policy import MATRIX, Compartment, Hold, Role
from vault.cases import actions as cases
from vault.cases import naming
from vault.cases.models import Case, Note, Person
from vault.keys import acts, shredding
from vault.keys.models import Ground
from vault.officers import admission, revoking
from vault.officers.models import Officer, OfficerState
from vault.referrals import actions as referrals
from vault.referrals.actions import ReferralFacts
from vault.referrals.models import Referral
from vault.running import RunningVault
from vault.safehouses.keeping import add_house
from vault.vocabulary import (
    CaseState,
    DecisionOutcome,
    Harm,
    HarmBasis,
    NoteKind,
    Position,
)

COST = PasswordCost.from_text(CHEAP)
JOINING = (Role.INSPECTOR, Role.CLERK, Role.LIAISON, Role.DEPUTY, Role.FINANCE, Role.COORDINATOR)
NAMEABLE = {Role.INSPECTOR, Role.CLERK, Role.LIAISON}
MOST_OFFICERS, MOST_CASES, MOST_PEOPLE, MOST_HOUSES = 14, 4, 8, 2
AUDIT_EVERY, KEYCASE_EVERY = 5, 25
pick = st.integers(0, 10_000)


@dataclass
class Member:
    """An officer in the model: what they are now, and everything that ever was in their hands."""

    id: UUID
    name: str
    role: Role
    identity: Identity
    version: int
    state: OfficerState = OfficerState.ACTIVE
    held: Reach = field(default_factory=Reach)

    def actor(self) -> Actor:
        """The officer as acts know them."""
        return Actor(self.id, self.name, self.role, True, self.version, None, None, self.identity)


class KeyMachine(RuleBasedStateMachine):
    """Each rule is one act through the vault's own functions; each invariant asks the database alone."""

    steps = 0
    fresh: Callable[[], tuple[RunningVault, Clock, dict[str, Identity]]]

    def __init__(self) -> None:
        super().__init__()
        self.vault, self.clock, cast = self.fresh()
        self.walk, self.looks = Walk(), 0
        with self.vault.reading() as db:
            self.members = [
                Member(officer.id, officer.name, officer.role, cast[officer.name], officer.key_version)
                for officer in db.scalars(select(Officer).order_by(Officer.name))
            ]
        self.namings: set[tuple[UUID, Role, str]] = set()  # officer, role, subject
        self.cases: dict[UUID, list[UUID]] = {}  # case -> people
        self.texts: dict[tuple[str, UUID, str], tuple[str, str, str]] = {}  # field -> box and what it says
        self.houses = 0
        self.ada = self.member("ada").actor()

    def member(self, name: str) -> Member:
        """One of the cast."""
        return next(member for member in self.members if member.name == name)

    def teardown(self) -> None:
        """At the end everything that was written is still what it was."""
        tables = read(self.vault.database.engine)
        reach = self.walk.reach(tables, self.ada.officer, self.ada.identity.seed)
        for place in self.texts:
            self.check_text(tables, reach, place)
        self.vault.close()

    def passed(self) -> None:
        """One act is done; time goes on."""
        type(self).steps += 1
        self.clock.forward(seconds=61)

    def others(self, *states: OfficerState) -> list[Member]:
        """Officers who come and go: the ones whom every run needs stay."""
        staying = {"ada", "max", "aud", "pat", "dee", "new-deputy"}
        return [m for m in self.members if m.name not in staying and m.state in states]

    @initialize()
    def begin(self) -> None:
        """Every run has a household and a second deputy from its first act on."""
        self.join("new-deputy", Role.DEPUTY)
        self.open_case()

    # What is done to officers.

    @precondition(lambda self: len(self.members) < MOST_OFFICERS)
    @rule(role=st.sampled_from(JOINING))
    def admit(self, role: Role) -> None:
        """Somebody new is added, enrols and is certified."""
        self.join(f"new{len(self.members)}", role)
        self.passed()

    def join(self, name: str, role: Role) -> None:
        """Add, enrol and certify an officer."""
        with self.vault.writing() as db:
            officer, _ = admission.add(db, None, name, name.title(), role, self.clock())
            identity, _ = admission.give_keys(db, self.vault.root, officer, name * 5, COST)
            officer.state = OfficerState.ENROLLED
            admission.certify_officer(db, self.ada, self.vault.trust, officer, self.clock())
        self.members.append(Member(officer.id, name, role, identity, officer.key_version))

    @precondition(lambda self: self.others(OfficerState.ACTIVE))
    @rule(which=pick)
    def revoke(self, which: int) -> None:
        """An officer's access ends."""
        gone = self.others(OfficerState.ACTIVE)
        member = gone[which % len(gone)]
        with self.vault.writing() as db:
            who = self.member("max").actor()
            officer, ground = admission.get(db, member.id), revoking.Ground.LEFT
            revoking.revoke(db, who, officer, ground, "", self.clock())
        member.state = OfficerState.REVOKED
        self.namings = {naming for naming in self.namings if naming[0] != member.id}
        self.passed()

    @precondition(lambda self: self.others(OfficerState.ACTIVE, OfficerState.REVOKED))
    @rule(which=pick, role=st.none() | st.sampled_from(JOINING))
    def reset(self, which: int, role: Role | None) -> None:
        """An officer who lost everything, or changes roles, is asked to enrol again."""
        found = self.others(OfficerState.ACTIVE, OfficerState.REVOKED)
        member = found[which % len(found)]
        new = role or member.role
        with self.vault.writing() as db:
            who = self.member("max").actor()
            admission.invite_again(db, who, admission.get(db, member.id), new, self.clock())
        if new is not member.role:
            self.namings = {naming for naming in self.namings if naming[0] != member.id}
        member.role, member.state = new, OfficerState.INVITED
        self.passed()

    @precondition(lambda self: self.others(OfficerState.INVITED))
    @rule(which=pick)
    def return_(self, which: int) -> None:
        """Somebody who was asked to enrol again does, and is certified."""
        found = self.others(OfficerState.INVITED)
        member = found[which % len(found)]
        with self.vault.writing() as db:
            officer = admission.get(db, member.id)
            identity, _ = admission.give_keys(db, self.vault.root, officer, member.name * 5, COST)
            officer.state = OfficerState.ENROLLED
            admission.certify_officer(db, self.ada, self.vault.trust, officer, self.clock())
        member.identity, member.version = identity, officer.key_version
        member.state = OfficerState.ACTIVE
        self.passed()

    # What is done to households and houses.

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule()
    def open_case(self) -> None:
        """A referral is sent, certified, and becomes a case."""
        pat, now = self.member("pat").actor(), self.clock()
        text = f"narrative {uuid4()}"
        facts = ReferralFacts(
            (Harm.THREAT,),
            next(iter(HarmBasis)),
            (),
            1,
            False,
            *("Jane Roe", "CR-26-0001", "Murder", "John Doe", text),
            None,
            "555-0101",
        )
        with self.vault.writing() as db:
            referral = referrals.receive(db, pat, self.vault.trust, facts, now)
        self.texts["referrals", referral.id, "narrative"] = (f"referral:{referral.id}", "intake", text)
        self.namings.add((pat.officer, Role.PROSECUTOR, f"referral:{referral.id}"))
        self.check()
        outcomes = (DecisionOutcome.YES, DecisionOutcome.YES, DecisionOutcome.SERVICES)
        for outcome in outcomes:
            with self.vault.writing() as db:
                found = db.get_one(Referral, referral.id)
                referrals.decide(db, self.ada, self.vault.trust, found, outcome, "Compelling.", now)
        self.namings.discard((pat.officer, Role.PROSECUTOR, f"referral:{referral.id}"))
        with self.vault.writing() as db:
            found = db.get_one(Referral, referral.id)
            case = cases.open_case(
                db, self.ada, self.vault.trust, found, 400_000, date(2027, 6, 1), self.clock()
            )
            people = list(db.scalars(select(Person.id).where(Person.case == case.id)))
        self.cases[case.id] = people
        self.passed()

    def case(self, which: int) -> UUID:
        """One of the open cases."""
        return list(self.cases)[which % len(self.cases)]

    @precondition(lambda self: self.cases and sum(map(len, self.cases.values())) < MOST_PEOPLE)
    @rule(which=pick)
    def add_person(self, which: int) -> None:
        """A member of the household is added."""
        case = self.case(which)
        with self.vault.writing() as db:
            found = db.get_one(Case, case)
            person = cases.add_person(
                db, self.ada, self.vault.trust, found, Position.CHILD, True, self.clock()
            )
        self.cases[case].append(person.id)
        self.passed()

    @precondition(lambda self: self.houses < MOST_HOUSES)
    @rule()
    def keep_house(self) -> None:
        """A safe house is added."""
        self.houses += 1
        plain = PlainFacts(next(iter(HouseKind)), 4, 2, frozenset(), 9_000)
        area = AreaFacts("North", "a park", 41.8, -72.7)
        address = AddressFacts("1 Invented Lane", "Nowhere", "00000", 41.8, -72.7, "key box", "N. Body")
        with self.vault.writing() as db:
            add_house(db, self.ada, self.vault.trust, f"H-{self.houses}", plain, area, address, self.clock())
        self.passed()

    def nameable(self) -> list[Member]:
        """Active officers of roles that are named on cases."""
        return [m for m in self.others(OfficerState.ACTIVE) if m.role in NAMEABLE]

    @precondition(lambda self: self.cases and self.nameable())
    @rule(which=pick, whose=pick)
    def assign(self, which: int, whose: int) -> None:
        """An officer is named on a case, a liaison on a person."""
        found, case = self.nameable(), self.case(whose)
        member, people = found[which % len(found)], self.cases[case]
        person = people[whose % len(people)] if member.role is Role.LIAISON else None
        subject = f"person:{person}" if person else f"case:{case}"
        if (member.id, member.role, subject) in self.namings:
            return
        with self.vault.writing() as db:
            kept = db.get_one(Case, case)
            naming.name_officer(db, self.ada, self.vault.trust, kept, member.id, person, self.clock())
        self.namings.add((member.id, member.role, subject))
        self.passed()

    def removable(self) -> list[tuple[UUID, Role, str]]:
        """Namings on cases and people."""
        return sorted((n for n in self.namings if not n[2].startswith("referral:")), key=str)

    @precondition(lambda self: self.removable())
    @rule(which=pick)
    def remove(self, which: int) -> None:
        """An officer is taken off a case."""
        found = self.removable()
        named = found[which % len(found)]
        with self.vault.writing() as db:
            kind, _, ident = named[2].partition(":")
            live = select(Assignment).where(
                Assignment.officer == named[0],
                Assignment.kind == kind,
                Assignment.subject_id == UUID(ident),
                Assignment.ended_at.is_(None),
            )
            assignment = db.scalars(live).one()
            owner = UUID(ident) if kind == "case" else db.get_one(Person, UUID(ident)).case
            naming.unname_officer(db, self.ada, db.get_one(Case, owner), assignment.id, self.clock())
        self.namings.discard(named)
        self.passed()

    @precondition(lambda self: self.cases)
    @rule(which=pick)
    def write_note(self, which: int) -> None:
        """A case note is written."""
        case, text = self.case(which), f"note {uuid4()}"
        with self.vault.writing() as db:
            kept = db.get_one(Case, case)
            kind = next(iter(NoteKind))
            note = cases.add_note(db, self.ada, self.vault.trust, kept, kind, text, self.clock())
        self.texts[Note.__tablename__, note.id, "text"] = (f"case:{case}", "casework", text)
        self.passed()

    @precondition(lambda self: self.cases)
    @rule(which=pick)
    def write_health(self, which: int) -> None:
        """A person's record is changed."""
        people = [(case, person) for case, found in self.cases.items() for person in found]
        case, person = people[which % len(people)]
        text = f"health {uuid4()}"
        with self.vault.writing() as db:
            kept, row = db.get_one(Case, case), db.get_one(Person, person)
            values = {"medical": text, "treatment": None}
            cases.change_record(
                db, self.ada, self.vault.trust, kept, row, Compartment.HEALTH, values, self.clock()
            )
        self.texts["people", person, "medical"] = (f"person:{person}", "health", text)
        self.passed()

    @precondition(lambda self: len(self.cases) > 2)
    @rule(which=pick)
    def shred(self, which: int) -> None:
        """A declined case is destroyed, with two approvals."""
        case, now = self.case(which), self.clock()
        deputies = [self.member(name).actor() for name in ("dee", "new-deputy")]
        with self.vault.writing() as db:
            for state in (CaseState.OFFERED, CaseState.DECLINED):
                cases.move(db, self.ada, db.get_one(Case, case), state, now)
        with self.vault.writing() as db:
            kept = db.get_one(Case, case)
            act = acts.ask_destruction(db, self.ada, kept, Ground.RETENTION_OVER, "Over.", now)
        for who in deputies:
            with self.vault.writing() as db:
                acts.decide(db, who, acts.held(db, who, act.id), True, now)
        shredding.destroy(self.vault, self.ada, act.id, now)
        with self.vault.reading() as db:
            referral = db.get_one(Case, case).referral
        gone = {f"case:{case}", f"referral:{referral}", *(f"person:{p}" for p in self.cases.pop(case))}
        self.namings = {naming for naming in self.namings if naming[2] not in gone}
        self.texts = {place: text for place, text in self.texts.items() if text[0] not in gone}
        self.passed()

    # What is done to keys.

    @rule(limit=st.integers(1, 6))
    def renew_some(self, limit: int) -> None:
        """A few of the keys that are due are renewed."""
        renewal.renew_some(self.vault, self.ada, self.clock(), limit)
        self.passed()

    @rule()
    def renew(self) -> None:
        """Everything that is due is renewed; nothing that anybody took along opens what is theirs no more."""
        renewal.renew(self.vault, self.ada, lambda _count: None)
        with self.vault.reading() as db:
            waiting = renewal.due(db)
        assert (waiting.circles, waiting.lockboxes) == ([], 0)
        tables, _ = self.look()
        for member in self.members:
            allowed = self.expected(member, tables)
            taken = opened_boxes(tables, self.stolen(tables, member))
            assert taken <= allowed, f"{member.name} took along what opens more than their role"
        self.passed()

    def stolen(self, tables: Tables, member: Member) -> dict[tuple[UUID, int], bytes]:
        """What whoever kept every key they ever opened makes of the whole database."""
        parts = dict(member.held.parts)
        for (circle, version), seed in member.held.circles.items():
            for seal in tables.seals.get(circle, ()):
                if seal.holder_version == version:
                    parts |= self.walk.reach(tables, circle, seed).parts
        return parts

    # What must be true after each act.

    def expected(self, member: Member, tables: Tables) -> set[UUID]:
        """The lockboxes that the matrix and the namings give this officer."""
        if member.state is not OfficerState.ACTIVE:
            return set()
        named = {subject for officer, role, subject in self.namings if officer == member.id}
        return {
            box.id
            for box in tables.boxes.values()
            if not box.is_destroyed and self.is_given(box, member.role, named)
        }

    @staticmethod
    def is_given(box: BoxRow, role: Role, named: set[str]) -> bool:
        """One cell of the matrix, in the words of the page that it is printed on."""
        cell = MATRIX[Compartment(box.compartment)][role]
        own = box.subject in named
        if cell is Hold.NAMED and role is not Role.LIAISON:
            return own or f"case:{box.case}" in named
        return cell is Hold.ALL or (cell is not Hold.NEVER and own)

    def look(self) -> tuple[Tables, dict[UUID, Reach]]:
        """What each officer's seed leads to now; they keep all of it."""
        tables, reaches = read(self.vault.database.engine), {}
        for member in self.members:
            reach = self.walk.reach(tables, member.id, member.identity.seed)
            if member.state is OfficerState.ACTIVE:
                member.held.parts |= reach.parts
                member.held.circles |= {k: v for k, v in reach.circles.items() if member.role != "auditor"}
            reaches[member.id] = reach
        return tables, reaches

    @invariant()
    def check(self) -> None:
        """Each officer opens exactly what the model says, and what was written reads as it was."""
        tables, reaches = self.look()
        for member in self.members:
            opens = opened_boxes(tables, reaches[member.id].parts)
            given = self.expected(member, tables)
            assert opens == given, self.difference(member, tables, opens, given)
        self.looks += 1
        if self.texts:
            place = list(self.texts)[self.looks % len(self.texts)]
            self.check_text(tables, reaches[self.ada.officer], place)
        if self.looks % AUDIT_EVERY == 0:
            with self.vault.reading() as db:
                assert comparing.audit_seals(db) == ([], [])
        if self.looks % KEYCASE_EVERY == 0:
            self.check_keycases(tables)

    def difference(self, member: Member, tables: Tables, opens: set[UUID], given: set[UUID]) -> str:
        """What an officer opens too much or too little, in words."""
        named = [f"{tables.boxes[b].compartment} of {tables.boxes[b].subject}" for b in opens ^ given]
        return f"{member.name}, {member.role}: {sorted(named)}"

    def check_text(self, tables: Tables, reach: Reach, place: tuple[str, UUID, str]) -> None:
        """One field reads as it was written."""
        table, row, column = place
        subject, compartment, text = self.texts[place]
        box = next(
            b
            for b in tables.boxes.values()
            if (b.subject, b.compartment) == (subject, Compartment(compartment))
        )
        model = {"referrals": Referral, "people": Person, Note.__tablename__: Note}[table]
        with self.vault.reading() as db:
            blob = getattr(db.get_one(model, row), column).blob
        key = unlock(tables, reach.parts, box.id)
        assert key is not None
        assert text_of(key, table, row, column, blob) == text

    def check_keycases(self, tables: Tables) -> None:
        """The vault's own way to keys finds the same."""
        for member in self.members:
            if member.state is not OfficerState.ACTIVE:
                continue
            with self.vault.reading() as db:
                keys = KeyCase(db, member.actor(), self.vault.trust)
                boxes = list(db.scalars(select(Lockbox)))
                keys.fetch(boxes)
                opened = {box.id for box in boxes if keys._is_open(box)}
            assert opened == self.expected(member, tables)
