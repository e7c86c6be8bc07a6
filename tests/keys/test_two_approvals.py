"""Nothing is recovered or destroyed but by one who asks and two others who approve, a deputy among them."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import (
    admit,
    admit_deciders,
    approve,
    ask_destruction,
    ask_recovery,
    closed_case,
    decide,
    state_of,
)
from tests.patience import wait_for_locks
from tests.programme import open_case
from vault.access.policy import Compartment, Role
from vault.cases.models import Case
from vault.errors import NotKnown, RuleForbids
from vault.keys import acts
from vault.keys.holdings import DIRECTORY_SUBJECT
from vault.keys.models import Ground, KeyAct, KeyActDecision, KeyActKind
from vault.officers import admission, revoking
from vault.verification import verify

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def check(cast: Cast, act: UUID) -> None:
    """Raise unless the request could be carried out now."""
    with cast.stage.vault.reading() as db:
        acts.check_approved(db, db.get_one(KeyAct, act), KeyActKind.RECOVERY, cast.stage.vault.now())


@ONLY_SQLITE
def test_who_asked_and_who_gets_the_keys_never_decide_and_nobody_twice(cast: Cast) -> None:
    admit_deciders(cast)
    act = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    with pytest.raises(RuleForbids, match="You asked for this"):
        decide(cast, act, "dora", approves=True)
    with pytest.raises(RuleForbids, match="would come to you"):
        decide(cast, act, "ada", approves=True)
    decide(cast, act, "dee", approves=True)
    with pytest.raises(RuleForbids, match="decided already"):
        decide(cast, act, "dee", approves=True)
    with pytest.raises(RuleForbids, match="Two approvals"):
        check(cast, act)
    decide(cast, act, "abel", approves=True)
    assert state_of(cast, act) == "approved"
    check(cast, act)
    with pytest.raises(RuleForbids, match="settled: approved by two"):
        decide(cast, act, "dee", approves=False)


@ONLY_SQLITE
def test_two_coordinators_are_not_enough_and_a_revoked_deputy_does_not_count(cast: Cast) -> None:
    admit_deciders(cast)
    subject = f"case:{open_case(cast, []).id}"
    act = ask_recovery(cast, "dora", subject, Compartment.FINANCE, "fin")
    decide(cast, act, "ada", approves=True)
    with pytest.raises(RuleForbids, match="must be a deputy’s"):
        decide(cast, act, "abel", approves=True)
    assert state_of(cast, act) == "asked"
    decide(cast, act, "dee", approves=True)
    assert state_of(cast, act) == "approved"

    other = ask_recovery(cast, "abel", subject, Compartment.FINANCE, "fin")
    decide(cast, other, "dora", approves=True)
    vault, max_ = cast.stage.vault, cast["max"].actor
    with vault.writing() as db:
        dora = admission.get_by_name(db, "dora")
        revoking.revoke(db, max_, dora, revoking.Ground.LEFT, "", vault.now())
    decide(cast, other, "ada", approves=True)
    assert state_of(cast, other) == "asked"
    decide(cast, other, "dee", approves=True)
    assert state_of(cast, other) == "approved"


@ONLY_SQLITE
def test_one_no_ends_a_request_and_who_asked_may_take_it_back(cast: Cast) -> None:
    admit_deciders(cast)
    vault = cast.stage.vault
    refused = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    decide(cast, refused, "dee", approves=False)
    assert state_of(cast, refused) == "refused"
    with pytest.raises(RuleForbids, match="settled: refused"):
        decide(cast, refused, "abel", approves=True)
    taken_back = approve(cast, ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada"), "dee", "abel")
    for name, words in (
        ("dee", "Only the officer who asked"),
        ("dora", None),
        ("dora", "settled: withdrawn"),
    ):
        with vault.writing() as db:
            who = cast[name].actor
            row = acts.held(db, who, taken_back)
            if words is None:
                acts.withdraw(db, who, row, vault.now())
            else:
                with pytest.raises(RuleForbids, match=words):
                    acts.withdraw(db, who, row, vault.now())
    with pytest.raises(RuleForbids, match="settled: withdrawn"):
        check(cast, taken_back)


@ONLY_SQLITE
def test_an_approval_older_than_seven_days_is_worth_nothing(cast: Cast) -> None:
    admit_deciders(cast)
    act = approve(cast, ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada"), "dee", "abel")
    cast.stage.clock.forward(days=7, seconds=-60)
    check(cast, act)
    cast.stage.clock.forward(seconds=61)
    with pytest.raises(RuleForbids, match="more than seven days old"):
        check(cast, act)


@ONLY_SQLITE
def test_an_approval_that_waited_longer_than_seven_days_for_a_second_one_does_not_count(cast: Cast) -> None:
    admit_deciders(cast)
    act = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    decide(cast, act, "dee", approves=True)
    cast.stage.clock.forward(days=8)
    for name in tuple(cast):
        del cast[name]  # Everybody signs in again after so long.
    decide(cast, act, "abel", approves=True)
    assert state_of(cast, act) == "asked"
    admit(cast, "dolf", "Dolf Dyer", Role.DEPUTY)
    decide(cast, act, "dolf", approves=True)
    assert state_of(cast, act) == "approved"
    check(cast, act)


@ONLY_SQLITE
@pytest.mark.parametrize("is_revoked", [True, False])
def test_an_approval_falls_with_the_access_or_the_role_of_who_gave_it(cast: Cast, is_revoked: bool) -> None:
    admit_deciders(cast)
    vault, max_ = cast.stage.vault, cast["max"].actor
    act = approve(cast, ask_recovery(cast, "ada", DIRECTORY_SUBJECT, None, "abel"), "dee", "dora")
    check(cast, act)
    with vault.writing() as db:
        dora = admission.get_by_name(db, "dora")
        if is_revoked:
            revoking.revoke(db, max_, dora, revoking.Ground.LEFT, "", vault.now())
        else:
            admission.invite_again(db, max_, dora, Role.INSPECTOR, vault.now())
    with pytest.raises(RuleForbids, match="somebody who gave one has left"):
        check(cast, act)
    assert "do not stand any more" in cast["ada"].get(f"/keys/acts/{act}").text
    assert "Fetch the file" not in cast["ada"].get("/desk").text


@ONLY_SQLITE
def test_a_state_that_was_only_written_into_the_row_approves_nothing(cast: Cast) -> None:
    admit_deciders(cast)
    act = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    assert Thief(cast.stage).run("UPDATE key_acts SET state = 'approved' WHERE id = ?", act) == 1
    with pytest.raises(RuleForbids, match="Two approvals are needed first"):
        check(cast, act)
    for path in ("/desk", "/keys/acts", f"/keys/acts/{act}"):
        assert cast["dora"].get(path).status_code == 200
    assert verify(cast.stage.vault, lambda _count: None).findings == (
        f"Row key_acts/{act}: it is not as entry {_asked(cast)} left it.",
    )


def _asked(cast: Cast) -> int:
    """The entry that told of the last request."""
    with cast.stage.vault.reading() as db:
        size = cast.stage.vault.ledger.head(db).size
        return max(
            n for n in range(size) if cast.stage.vault.ledger.entry(db, n).entry.event == "recovery-asked"
        )


@ONLY_SQLITE
def test_what_may_not_be_asked_is_refused_in_words(cast: Cast) -> None:
    vault, case = cast.stage.vault, open_case(cast, [])
    with pytest.raises(RuleForbids, match="Close the case first"):
        ask_destruction(cast, case.id, "ada")
    ended = closed_case(cast)
    with pytest.raises(RuleForbids, match="A coordinator asks"):
        ask_destruction(cast, ended.id, "dee")
    with pytest.raises(RuleForbids, match="never opens that part"):
        ask_recovery(cast, "dee", f"case:{case.id}", Compartment.COVER, "fin")
    with pytest.raises(RuleForbids, match="never opens that part"):
        ask_recovery(cast, "dee", f"case:{case.id}", None, "aud")
    ask_destruction(cast, ended.id, "ada")
    with pytest.raises(RuleForbids, match="asked for already"):
        ask_destruction(cast, ended.id, "ada")
    ada, ines = cast["ada"].actor, cast["ines"].actor
    with vault.writing() as db:
        row = db.get_one(Case, ended.id)
        with pytest.raises(RuleForbids, match="one of the grounds"):
            acts.ask_destruction(db, ada, row, Ground.DRILL, "No.", vault.now())
    with vault.reading() as db:
        (act,) = db.scalars(select(KeyAct.id))
        with pytest.raises(NotKnown):
            acts.get(db, ines, act)


def _at_once(*does: Callable[[], None]) -> list[BaseException | None]:
    """Do several things at the same moment; what each of them raised."""
    ready, raised = threading.Barrier(len(does)), list[BaseException | None]([None] * len(does))

    def run(number: int) -> None:
        ready.wait()
        try:
            does[number]()
        except BaseException as error:
            raised[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(does))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_approvals_at_the_same_moment_make_two_and_the_same_one_twice_makes_one(cast: Cast) -> None:
    admit_deciders(cast)
    wait_for_locks(cast.stage)
    vault = cast.stage.vault
    act = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    dee, abel, dora = (cast[name].actor for name in ("dee", "abel", "dora"))

    def yes(who: object) -> None:
        with vault.writing() as db:
            acts.decide(db, who, acts.held(db, who, act), True, vault.now())  # type: ignore[arg-type]

    assert _at_once(lambda: yes(dee), lambda: yes(abel)) == [None, None]
    assert state_of(cast, act) == "approved"
    again = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    act = again
    raised = _at_once(lambda: yes(dee), lambda: yes(dee))
    assert sorted(type(error).__name__ for error in raised) == ["NoneType", "RuleForbids"]

    def take_back() -> None:
        with vault.writing() as db:
            acts.withdraw(db, dora, acts.held(db, dora, again), vault.now())

    raised = _at_once(lambda: yes(abel), take_back)
    assert raised[1] is None
    assert raised[0] is None or isinstance(raised[0], RuleForbids)
    assert state_of(cast, again) == "withdrawn"
    with vault.reading() as db:
        kept = db.scalars(select(KeyActDecision).where(KeyActDecision.act == again)).all()
        assert len(kept) == (2 if raised[0] is None else 1)
