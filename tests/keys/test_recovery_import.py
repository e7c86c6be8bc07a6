"""What comes back from the offline machine is taken in only as asked for, and makes no key too many."""

import json
from base64 import b64encode
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import func, select

from crypto.encoding import enc
from crypto.errors import NotRecovered
from crypto.recovery import combine
from crypto.recovery_files import ANSWER, RecoveryRequest, open_answer
from crypto.sealing import seal_message
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_recovery, state_of
from tests.keys.offline import shares
from tests.programme import OpenedCase, open_case
from vault.access import renewal, seals
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment
from vault.access.recovering import recovery_request
from vault.cases import actions, naming
from vault.errors import NotKnown, RuleForbids
from vault.keys import acts, recoveries
from vault.keys.models import KeyAct

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def approved(cast: Cast, subject: str, compartment: Compartment | None, for_officer: str) -> UUID:
    """A recovery that Dora asked for and that Dee and Abel approved."""
    return approve(cast, ask_recovery(cast, "dora", subject, compartment, for_officer), "dee", "abel")


def export(cast: Cast, act: UUID, who: str) -> RecoveryRequest:
    """What the asker carries to the offline machine."""
    vault, asker = cast.stage.vault, cast[who].actor
    return RecoveryRequest.from_text(recoveries.export(vault, asker, act, vault.now())[0])


def answer(cast: Cast, request: RecoveryRequest) -> str:
    """What the offline machine makes of it."""
    return request.answer(combine(shares(cast)[:3], request.recovery.public))


def take_in(cast: Cast, act: UUID, who: str, text: str) -> int:
    """An officer takes the answer in."""
    vault, actor = cast.stage.vault, cast[who].actor
    with vault.writing() as db:
        return recoveries.take_in(db, actor, vault.trust, acts.held(db, actor, act), text, vault.now())


def counted(cast: Cast) -> int:
    """How many seals there are."""
    with cast.stage.vault.reading() as db:
        return db.scalar(select(func.count()).select_from(SealRow)) or 0


def faults(cast: Cast) -> object:
    """What is missing and what is too much, by the matrix."""
    with cast.stage.vault.reading() as db:
        return audit_seals(db)


def take_away(cast: Cast, case: OpenedCase, compartment: Compartment) -> None:
    """Every seal of one lockbox but the recovery key's is gone, as after a disaster."""
    with cast.stage.vault.reading() as db:
        box = db.scalars(
            select(Lockbox.id).where(Lockbox.case == case.id, Lockbox.compartment == compartment)
        ).one()
    assert Thief(cast.stage).run("DELETE FROM seals WHERE key_id = ? AND holder_kind <> 'recovery'", box) > 0


def test_only_the_part_asked_for_is_let_out_and_exactly_what_is_missing_is_made(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines", "cal"])
    open_case(cast, ["ines"])
    take_away(cast, case, Compartment.CASEWORK)
    act = approved(cast, f"case:{case.id}", Compartment.CASEWORK, "ada")
    request = export(cast, act, "dora")
    assert [each.name.compartment for each in request.seals] == ["casework"]
    assert request.seals[0].name.subject == f"case:{case.id}"
    before = counted(cast)
    assert take_in(cast, act, "ada", answer(cast, request)) == 1
    assert counted(cast) == before + 3  # the coordinators' role key, Ines and Cal
    assert faults(cast) == ([], [])
    with cast.stage.vault.reading() as db:
        due = db.scalars(select(Lockbox).where(Lockbox.rekey_due_at.is_not(None))).all()
        # Both referrals wait since their prosecutor left them; of the case nothing else does.
        assert [box.compartment for box in due if box.case == case.id] == [Compartment.CASEWORK]
    assert state_of(cast, act) == "done"


def test_nothing_is_made_where_nothing_is_missing(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines"])
    act = approved(cast, f"case:{case.id}", None, "ada")
    request, before = export(cast, act, "dora"), counted(cast)
    assert take_in(cast, act, "ada", answer(cast, request)) == len(request.seals) == 9
    assert counted(cast) == before
    assert faults(cast) == ([], [])


def test_a_role_is_let_out_only_what_the_matrix_gives_it(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines"])
    let_out = {}
    for name in ("ines", "cal", "fin", "dee", "sol"):
        asker = "abel" if name == "dee" else "dora"
        act = ask_recovery(cast, asker, f"case:{case.id}", None, name)
        approve(cast, act, *(("ada", "dora") if name == "dee" else ("dee", "abel")))
        try:
            request = export(cast, act, asker)
            let_out[name] = {each.name.compartment for each in request.seals}
        except RuleForbids as error:
            let_out[name] = {error.message}
    assert let_out == {
        "ines": {"identity", "cover", "location", "threat", "casework", "health", "supervision"},
        "cal": {"intake"},
        "sol": {"The matrix gives this officer nothing of it, so there is nothing to recover."},
        "fin": {"finance"},
        "dee": {"intake", "threat", "finance"},
    }


def test_who_is_no_longer_named_or_holds_no_role_key_takes_nothing_in(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case = cast.stage.vault, open_case(cast, ["ines"])
    act = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ines")
    text = answer(cast, export(cast, act, "dora"))
    with pytest.raises(NotKnown):
        take_in(cast, act, "ada", text)
    ines = cast["ines"].actor
    ada = cast["ada"].actor
    with vault.writing() as db:
        row = actions.get(db, ada, case.id)
        (assignment,) = seals.live_assignments(db, row.subject, ines.officer)
        naming.unname_officer(db, ada, row, assignment.id, vault.now())
    with pytest.raises(RuleForbids, match="Your role does not hold"):
        take_in(cast, act, "ines", text)
    other = approved(cast, f"case:{case.id}", Compartment.THREAT, "ada")
    text = answer(cast, export(cast, other, "dora"))
    statement = "DELETE FROM seals WHERE key_kind = 'circle' AND holder = ?"
    assert Thief(cast.stage).run(statement, ada.officer) > 0
    with pytest.raises(RuleForbids, match="do not hold your role’s key yet"):
        take_in(cast, other, "ada", text)
    assert state_of(cast, other) == "approved"


def test_the_answer_to_another_request_and_a_second_import_are_refused(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, [])
    first = approved(cast, f"case:{case.id}", Compartment.THREAT, "ada")
    second = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ada")
    text = answer(cast, export(cast, first, "dora"))
    with pytest.raises(NotRecovered, match="answers another request"):
        take_in(cast, second, "ada", text)
    with pytest.raises(NotRecovered, match="or it was changed"):
        take_in(cast, second, "ada", text.replace(str(first), str(second)))
    assert take_in(cast, first, "ada", text) == 1
    with pytest.raises(RuleForbids, match="settled: done"):
        take_in(cast, first, "ada", text)


def test_keys_that_were_not_asked_for_or_are_not_right_are_refused_and_nothing_is_kept(cast: Cast) -> None:
    admit_deciders(cast)
    case, other = open_case(cast, []), open_case(cast, [])
    act = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ada")
    elsewhere = approved(cast, f"case:{other.id}", Compartment.HEALTH, "ada")
    request, foreign = export(cast, act, "dora"), export(cast, elsewhere, "dora")
    before = counted(cast)
    with pytest.raises(NotRecovered, match="did not ask for"):
        take_in(cast, act, "ada", answer(cast, replace(foreign, act=act)))
    # The right lockbox, and somebody else's key in it: anybody can seal a message to Ada.
    (each,) = request.seals
    record = each.name.id.bytes + each.name.epoch.to_bytes(4, "big") + b"k" * 32
    context = enc("vault/recovery-parts/v1", act, request.officer.id, request.officer.key_version)
    sealed = b64encode(seal_message(record, request.officer.public, context)).decode()
    forged = json.dumps({"format": ANSWER, "act": str(act), "parts": sealed})
    with pytest.raises(NotRecovered, match="not the one that was sealed here"):
        take_in(cast, act, "ada", forged)
    assert counted(cast) == before
    assert state_of(cast, act) == "approved"


def test_a_shred_part_or_a_seal_swapped_in_the_database_shows_at_the_import(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, [])
    act = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ada")
    request = export(cast, act, "dora")
    text, thief = answer(cast, request), Thief(cast.stage)
    box = request.seals[0].name.id
    with cast.stage.vault.reading() as db:
        part = db.scalars(select(ShredPart).where(ShredPart.lockbox == box)).one()
    thief.run("UPDATE shred_parts SET part = ? WHERE id = ?", b"s" * 32, part.id)
    with pytest.raises(NotRecovered, match="not the one that was sealed here"):
        take_in(cast, act, "ada", text)
    thief.run("UPDATE shred_parts SET part = ? WHERE id = ?", part.part, part.id)
    statement = "UPDATE seals SET commitment = ? WHERE key_id = ? AND holder_kind = 'recovery'"
    thief.run(statement, b"c" * 32, box)
    with pytest.raises(NotRecovered, match="not the one that was sealed here"):
        take_in(cast, act, "ada", text)
    # A seal that was altered before is not let out at all.
    again = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ada")
    with pytest.raises(RuleForbids, match="nothing to recover"):
        export(cast, again, "dora")
    thief.run(statement, request.seals[0].seal.commitment, box)
    assert take_in(cast, act, "ada", text) == 1


def test_what_has_a_newer_key_by_now_is_passed_over(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case = cast.stage.vault, open_case(cast, [])
    act = approved(cast, f"case:{case.id}", Compartment.HEALTH, "ada")
    text = answer(cast, export(cast, act, "dora"))
    ada = cast["ada"].actor
    with vault.writing() as db:
        box = db.scalars(
            select(Lockbox).where(Lockbox.case == case.id, Lockbox.compartment == Compartment.HEALTH)
        ).one()
        renewal.rekey(db, ada, vault.trust, box, KeyCase(db, ada, vault.trust), vault.now())
    with pytest.raises(NotRecovered, match="newer key by now"):
        take_in(cast, act, "ada", text)


def test_a_request_widened_on_its_way_has_other_words_than_those_who_approved_read(cast: Cast) -> None:
    admit_deciders(cast)
    vault, case = cast.stage.vault, open_case(cast, ["ines"])
    act = approved(cast, f"case:{case.id}", Compartment.FINANCE, "fin")
    with vault.reading() as db:
        row = db.get_one(KeyAct, act)
        assert recoveries.words_of_request(vault, db, row) == ()
        everything = recovery_request(
            db, vault.trust, act, cast["ada"].actor.officer, "", list(db.scalars(select(Lockbox)))
        )
    request = export(cast, act, "dora")
    widened = replace(request, seals=everything.seals)
    opened = open_answer(answer(cast, widened), act, request.officer, cast["fin"].actor.identity)
    assert len(opened) > len(request.seals) == 1  # Nothing but the words keeps it from being answered.
    with vault.reading() as db:
        words = tuple(recoveries.words_of_request(vault, db, row))
    assert words == request.words() != widened.words()
