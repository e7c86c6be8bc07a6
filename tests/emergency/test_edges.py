"""At the edges of an emergency: an altered row, a case destroyed meanwhile, two who end it at once."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.emergency.errands import answer, ask, entries, give, grant_of, later, open_it, request_of
from tests.emergency.test_give import let_pat_in, opened_by, seals_of, seals_to
from tests.keys.renewing import findings, renew
from tests.officers.returning import come_back
from tests.programme import OpenedCase, open_case
from vault.access import seals
from vault.access.emergencies import end_grants
from vault.access.events import Event, record
from vault.access.models import EmergencyGrant, Lockbox
from vault.cases.models import Case
from vault.commands import cli
from vault.emergency import actions
from vault.emergency.models import RequestState, Verdict
from vault.keys.holdings import within

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("stage", ["postgresql"], indirect=True)


def destroy(cast: Cast, case: OpenedCase) -> None:
    """The records of a case are destroyed, without the days that must pass before."""
    ada, now = cast["ada"].actor, cast.stage.clock.now
    with cast.stage.vault.writing() as db:
        kept = db.get_one(Case, case.id)
        for box in seals.lock_boxes(db, within(db, kept.subject)):
            seals.destroy_lockbox(db, box, now)
        kept.destroyed_on = now.date()
        record(db, Event.CASE_DESTROYED, who=ada, now=now, subjects=[kept.subject])


def test_no_seal_stays_under_a_grant_that_was_made_longer_past_the_vault(cast: Cast) -> None:
    let_in, thief = let_pat_in(cast), Thief(cast.stage)
    far = let_in.grant.ends_at + timedelta(days=365)
    value = far.strftime("%Y-%m-%d %H:%M:%S.%f") if thief.is_sqlite else far
    assert thief.run("UPDATE emergency_grants SET ends_at = ? WHERE id = ?", value, let_in.grant.id) == 1
    later(cast, let_in.grant.ends_at + timedelta(minutes=1), "ada", "pat")
    assert seals_of(cast, "pat")
    cast["ada"].get("/desk")
    assert seals_of(cast, "pat") == []
    cast["ada"].get("/desk")
    assert len(entries(cast, "emergency-ended")) == 1, "it is told once"
    assert open_it(cast, let_in.request, "pat").status_code == 403
    assert renew(cast) > 0
    assert opened_by(cast, "pat") == set()
    assert any("did not keep it" in line for line in findings(cast)), "the row stays as it was found"
    assert any("not as entry" in line for line in findings(cast))


@ONLY_SQLITE
def test_the_nightly_sweep_takes_such_seals_though_nobody_comes(cast: Cast) -> None:
    let_in, stage = let_pat_in(cast), cast.stage
    Thief(stage).run("UPDATE emergency_grants SET code = ? WHERE id = ?", b"", let_in.grant.id)
    told = CliRunner().invoke(cli, ["officer", "sweep", "--data", str(stage.settings.data)])
    assert told.exit_code == 0, told.output
    assert seals_to(cast, let_in.grant.officer) == []


@ONLY_SQLITE
def test_a_planted_grant_takes_no_seal_from_who_holds_it_by_name(cast: Cast) -> None:
    let_in, thief = let_pat_in(cast), Thief(cast.stage)
    ines = cast["ines"].actor.officer
    before = len(seals_to(cast, ines))
    thief.run("UPDATE emergency_grants SET officer = ? WHERE id = ?", ines, let_in.grant.id)
    assert end_grants(cast.stage.vault, cast.stage.clock.now) == 0
    assert len(seals_to(cast, ines)) == before
    assert entries(cast, "emergency-ended") == []


@ONLY_SQLITE
def test_nothing_is_given_of_a_case_that_was_destroyed_meanwhile_and_it_is_refused_all_the_same(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    request = ask(cast, "pat", case.code, "location")
    destroy(cast, case)
    answer(cast, request, "ada", answer="give")
    assert grant_of(cast, request) is None
    assert answer(cast, request, "ada", answer="refuse", words="It is gone.").status_code == 303
    assert request_of(cast, request).state is RequestState.REFUSED


@ONLY_SQLITE
def test_a_refusal_without_a_reason_is_not_taken_and_what_was_typed_is_kept(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    request = ask(cast, "pat", case.code, "location")
    silent = answer(cast, request, "ada", answer="refuse", words=" ")
    assert silent.status_code == 422
    assert "Write below in a few words why you refuse." in silent.text
    long = answer(cast, request, "ada", answer="refuse", words="He would not say why. " * 99)
    assert (long.status_code, "He would not say why." in long.text) == (422, True)
    assert request_of(cast, request).state is RequestState.ASKED


@ONLY_SQLITE
def test_a_use_is_reviewed_though_the_case_was_destroyed_since(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    request = ask(cast, "pat", case.code, "location")
    grant = give(cast, request, "ada")
    destroy(cast, case)
    later(cast, grant.ends_at, "dee")
    assert answer(cast, request, "dee", verdict="justified", words="It was right.").status_code == 303
    assert request_of(cast, request).verdict is Verdict.JUSTIFIED
    assert len(entries(cast, "emergency-reviewed")) == 1


@ONLY_SQLITE
def test_who_enrols_again_is_let_in_on_nothing_by_what_was_given_to_their_old_key(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    come_back(cast, "pat", "prosecutor")
    assert cast.stage.clock.now < let_in.grant.ends_at
    assert len(entries(cast, "emergency-ended")) == 1
    renew(cast)
    assert seals_of(cast, "pat") == []
    assert open_it(cast, let_in.request, "pat").status_code == 404
    pat = cast["pat"].actor.officer
    assert pat not in {look.officer for look in entries(cast, "opened")}
    assert findings(cast) == ()


@ON_POSTGRESQL
def test_what_the_clock_ended_while_an_officer_pressed_the_button_is_ended_and_told_once(cast: Cast) -> None:
    let_in = let_pat_in(cast)
    vault, ada, pat = cast.stage.vault, cast["ada"].actor, let_in.grant.officer
    before, over = let_in.grant.ends_at - timedelta(seconds=1), let_in.grant.ends_at
    with vault.writing() as db:
        request = actions.held(db, ada, let_in.request)
        read = db.scalars(select(EmergencyGrant)).one()  # It is still open when the act looks.
        assert end_grants(vault, over) == 1
        assert read.ended_at is None
        actions.end(db, ada, vault.trust, request, before)
    assert len(entries(cast, "emergency-ended")) == 1
    assert seals_to(cast, pat) == []
    with vault.reading() as db:
        assert db.scalars(select(EmergencyGrant.ended_at)).one() == over
        assert len(db.scalars(select(Lockbox.id).where(Lockbox.rekey_due_at.is_not(None))).all()) == 1
