"""Once a year somebody asks of each officer whether they still need their access, nobody of themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, select

from tests.cast import CAST, Cast, Stage
from tests.emergency.errands import entries
from tests.officers.returning import ident
from tests.programme import open_case
from vault.access.models import EmergencyGrant
from vault.access.policy import Compartment
from vault.access_review import actions, listing
from vault.access_review.models import AccessReviewAnswer, ReviewAnswer
from vault.officers import admission
from vault.oversight.alarms import AlarmKind, at_a_glance

on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def begun(cast: Cast) -> str:
    """Ada begins a review; the address of its list."""
    answer = cast["ada"].post("/access-review/begin")
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def keep(cast: Cast, who: str, path: str, about: str) -> int:
    return cast[who].post(f"{path}/officers/{ident(cast, about)}", answer="keep").status_code


def events(stage: Stage) -> list[tuple[str, bool]]:
    """What the ledger tells of reviews: the event, and whether it has details."""
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
        told = [stage.vault.ledger.entry(db, index) for index in range(size)]
    return [(one.entry.event, one.details is not None) for one in told if "review" in one.entry.event]


def test_everybody_is_answered_about_and_a_coordinator_by_the_deputy(cast: Cast) -> None:
    path = begun(cast)
    others = [name for name in CAST if name != "ada"]
    assert {keep(cast, "ada", path, name) for name in others} == {303}
    assert keep(cast, "ada", path, "ada") == 409
    assert cast["ada"].post(f"{path}/finish").status_code == 409
    assert "Somebody else answers about you" in cast["ada"].get("/desk").text
    assert "1 officer left for you to answer about" in cast["dee"].get("/desk").text
    assert keep(cast, "dee", path, "ines") == 403
    assert keep(cast, "dee", path, "dee") == 409
    assert keep(cast, "dee", path, "ada") == 303
    assert cast["ada"].post(f"{path}/finish").status_code == 303
    told = [name for name, _ in events(cast.stage)]
    assert told == ["access-review-begun", *["access-reviewed"] * len(CAST), "access-review-finished"]
    page = cast["dee"].get(path).text
    assert all(full_name in page for full_name, _ in CAST.values())
    assert keep(cast, "ada", path, "ines") == 404, "its answers stay as they are"


def test_an_end_needs_a_reason_that_only_auditors_read_and_waits_until_access_ends(cast: Cast) -> None:
    path, ivo = begun(cast), ident(cast, "ivo")
    page = cast["ada"].post(f"{path}/officers/{ivo}", answer="end")
    assert page.status_code == 422
    assert "Write below why the access shall end." in page.text
    said = cast["ada"].post(f"{path}/officers/{ivo}", answer="end", reasons="Moved to the tax office")
    assert said.status_code == 303
    assert ("access-reviewed", True) in events(cast.stage)
    for name in ("ada", "max"):
        assert "end the access of Ivo Ironside" in cast[name].get("/desk").text
    with cast.stage.vault.reading() as db:
        assert [officer.id for officer in actions.still_to_end(db)] == [ivo]
        rows = db.scalars(select(AccessReviewAnswer)).all()
        assert "tax office" not in repr([vars(row) for row in rows])
    assert keep(cast, "ada", path, "ivo") == 303, "another answer takes the place of the first"
    with cast.stage.vault.reading() as db:
        assert actions.still_to_end(db) == []


@on_sqlite
def test_an_end_is_not_forgotten_when_the_officer_whom_it_concerns_begins_another_review(cast: Cast) -> None:
    path, ada = begun(cast), ident(cast, "ada")
    assert {keep(cast, "ada", path, name) for name in CAST if name != "ada"} == {303}
    given = {"answer": "end", "reasons": "She opened what she had no need of"}
    assert cast["dee"].post(f"{path}/officers/{ada}", **given).status_code == 303
    assert cast["ada"].post(f"{path}/finish").status_code == 303
    again = begun(cast)
    with cast.stage.vault.reading() as db:
        assert [officer.id for officer in actions.still_to_end(db)] == [ada]
    assert "end the access of Ada Amsel" in cast["max"].get("/desk").text
    cast.stage.clock.forward(minutes=1)
    assert keep(cast, "dee", again, "ada") == 303, "only an answer after it takes its place"
    with cast.stage.vault.reading() as db:
        assert actions.still_to_end(db) == []


@on_sqlite
def test_an_answer_about_oneself_is_refused_and_the_refusal_is_an_entry(cast: Cast) -> None:
    path = begun(cast)
    assert keep(cast, "ada", path, "ada") == 409
    (refusal,) = entries(cast, "refused")
    assert refusal.officer == ident(cast, "ada")
    assert f"officer:{ident(cast, 'ada')}" in refusal.subjects


@on_sqlite
def test_who_comes_meanwhile_or_changes_roles_is_answered_about_too(cast: Cast) -> None:
    path = begun(cast)
    for name in CAST:
        assert keep(cast, "dee" if name == "ada" else "ada", path, name) == 303
    vault, keeper, now = cast.stage.vault, cast["max"].actor, cast.stage.clock.now
    with vault.writing() as db:
        admission.add(db, None, "nel", "Nel Newcomb", CAST["ines"][1], now)
        ivo = admission.get(db, ident(cast, "ivo"))
        admission.invite_again(db, keeper, ivo, CAST["cal"][1], now)
    refused = cast["ada"].post(f"{path}/finish")
    assert refused.status_code == 409
    assert "Still to answer about: 2" in refused.text
    assert {keep(cast, "ada", path, name) for name in ("nel", "ivo")} == {303}
    assert cast["ada"].post(f"{path}/finish").status_code == 303


@on_sqlite
def test_there_is_one_review_at_a_time_and_it_can_be_taken_up_later(cast: Cast) -> None:
    path = begun(cast)
    assert keep(cast, "ada", path, "ines") == 303
    assert cast["ada"].post("/access-review/begin").status_code == 409
    cast.stage.clock.forward(days=3)
    cast["ada"].sign_in()
    assert path in cast["ada"].get("/access-review").text
    assert "left for you to answer about" in cast["ada"].get("/desk").text


@on_sqlite
def test_a_review_that_is_late_is_on_the_desk_and_an_alarm(cast: Cast) -> None:
    vault = cast.stage.vault
    vault.settings = replace(vault.settings, access_review_days=60)
    assert "Begin it" not in cast["ada"].get("/desk").text
    cast.stage.clock.forward(days=40)
    assert "Begin it" in cast["ada"].sign_in().get("/desk").text
    with cast.stage.vault.reading() as db:
        found = at_a_glance(cast.stage.vault, db, cast.stage.clock.now)
        assert AlarmKind.ACCESS_REVIEW not in {alarm.kind for alarm in found}
    cast.stage.clock.forward(days=25)
    assert AlarmKind.ACCESS_REVIEW.label in cast["aud"].sign_in().get("/desk").text.replace("&#39;", "'")
    path = begun_again(cast)
    for name in CAST:
        assert keep(cast, "dee" if name == "ada" else "ada", path, name) == 303
    assert cast["ada"].post(f"{path}/finish").status_code == 303
    with cast.stage.vault.reading() as db:
        found = at_a_glance(cast.stage.vault, db, cast.stage.clock.now)
        assert AlarmKind.ACCESS_REVIEW not in {alarm.kind for alarm in found}


def begun_again(cast: Cast) -> str:
    """The same after everybody's sessions have ended."""
    for name in ("ada", "dee"):
        cast[name].sign_in()
    return begun(cast)


@contextmanager
def statements(stage: Stage) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    found: list[str] = []

    def note(*told: object) -> None:
        found.append(str(told[2]))

    engine = stage.vault.database.engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)


@on_sqlite
def test_the_list_says_what_each_has_and_asks_no_more_however_many_officers_there_are(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    stage, path = cast.stage, begun(cast)
    review, ada = UUID(path.rsplit("/", 1)[1]), cast["ada"].actor

    def look() -> tuple[dict[str, listing.Row], int]:
        with statements(stage) as asked, stage.vault.reading() as db:
            rows = listing.rows(db, ada, actions.get(db, review))
        return {row.officer.name: row for row in rows}, len(asked)

    rows, before = look()
    assert (rows["ines"].named_on, rows["ivo"].named_on) == ("1 case", "Nothing")
    assert [rows[name].named_on for name in ("ada", "pat", "max")] == [
        "All, by role",
        "Their own",
        "No record",
    ]
    assert (rows["ines"].proves_by, rows["ines"].keys) == ("App", "Certified")
    assert rows["ada"].last_signed_in is not None
    assert rows["dee"].last_signed_in is None
    assert (rows["ada"].may_answer, rows["ines"].may_answer) == (False, True)
    with stage.vault.database.engine.begin() as connection:
        connection.execute(
            insert(EmergencyGrant).values(
                id=uuid4(), request=uuid4(), officer=ident(cast, "ivo"), case=uuid4(), lockboxes=[],
                compartment=Compartment.THREAT, granted_by=ada.officer, granted_at=stage.clock.now,
                ends_at=stage.clock.now, code=b"",
            )
        )  # fmt: skip
    rows, _ = look()
    assert rows["ivo"].named_on == "Nothing, and one in an emergency"
    with stage.vault.writing() as db:
        for number in range(20):
            admission.add(db, None, f"new{number}", f"New {number}", CAST["ines"][1], stage.clock.now)
    rows, after = look()
    assert (len(rows), after) == (len(CAST) + 20, before)
    assert rows["new3"].keys == "Invited, not yet enrolled"


@on_sqlite
def test_an_answer_is_not_left_in_the_page_or_given_by_a_deputy_for_others(cast: Cast) -> None:
    path = begun(cast)
    page = cast["dee"].get(f"{path}/officers/{ident(cast, 'ines')}").text
    assert "Somebody else answers about this officer" in page
    page = cast["dee"].get(f"{path}/officers/{ident(cast, 'ada')}").text
    assert ReviewAnswer.KEEP.label in page
    assert cast["dee"].post("/access-review/begin").status_code == 403
