"""Searching the ledger: questions hold together, each through an index; a refused one shows no code."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from tests.cast import Cast, Stage
from tests.oversight.test_read import newest, plain
from tests.programme import open_case
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason
from vault.oversight.finding import Wanted

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def searched(cast: Cast, subjects: list[str], reason: Reason) -> int:
    """An entry about several subjects; its index."""
    return record_apart(
        cast.stage.vault,
        Event.OPENED,
        who=cast["ines"].actor,
        now=cast.stage.clock.now,
        subjects=subjects,
        compartment=Compartment.HOUSE_ADDRESS,
        fields=["house.street"],
        reason=reason,
    ).index


def found(cast: Cast, **wanted: Any) -> list[int]:
    vault = cast.stage.vault
    filters = dict.fromkeys(vars(Wanted())) | wanted
    with vault.reading() as db:
        both = [
            [woven.index for woven in vault.ledger.find(db, **filters, before_index=None, limit=50)],
            vault.ledger.count(db, **filters),
        ]
    assert len(both[0]) == both[1]
    return both[0]  # type: ignore[no-any-return]


def test_several_subjects_and_questions_hold_together(cast: Cast) -> None:
    case, house, other = f"case:{uuid4()}", f"house:{uuid4()}", f"house:{uuid4()}"
    both = searched(cast, [case, house], Reason.VISIT)
    alone = searched(cast, [case, other], Reason.PLACEMENT)
    assert found(cast, subject=case) == [alone, both]
    assert found(cast, subject=(case, house)) == [both]
    assert found(cast, subject=(case, house, other)) == []
    assert found(cast, subject=(case, other), reason="placement", compartment="house-address") == [alone]
    assert found(cast, subject=(case, other), reason="visit") == []
    assert found(cast, subject=(case,), outcome="refused") == []


@ON_SQLITE
def test_case_and_place_are_asked_for_together_and_the_reading_names_both(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    page = aud.get("/ledger").text
    assert case.code in page
    answer = aud.get(f"/ledger?case={case.id}&outcome=done&event=case-opened&reason=")
    assert "Ada Amsel opened a case" in plain(answer.text)
    assert newest(cast)["event"] == "case-opened"


@ON_SQLITE
def test_a_refused_question_shows_the_form_again_without_the_code_of_any_case(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    for query in ("since=yesterday", "event=made-up", f"case={uuid4()}", "since=2026-11-23&until=2026-11-22"):
        answer = aud.get(f"/ledger?{query}&outcome=refused")
        assert answer.status_code == 422
        assert case.code not in answer.text
        assert str(case.id) not in answer.text
        assert '<option value="refused" selected>' in answer.text


QUESTIONS = {
    "officer": {"officer": uuid4()},
    "event": {"event": "opened"},
    "subject": {"subject": f"case:{uuid4()}"},
    "compartment": {"compartment": "identity"},
    "reason": {"reason": "visit"},
    "refused": {"outcome": "refused"},
    "session": {"session": "0a1b2c3d"},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_is_answered_through_an_index(stage: Stage, question: str) -> None:
    asked: list[tuple[str, Any]] = []
    engine = stage.vault.database.engine

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        filters = dict.fromkeys(vars(Wanted())) | QUESTIONS[question]
        with stage.vault.reading() as db:
            stage.vault.ledger.find(db, **filters, before_index=None, limit=50)  # type: ignore[arg-type]
    finally:
        event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = [one for one in asked if "ledger_entries" in one[0]]
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # Tables of a test are small, and a small table is read whole unless that is made dear.
            connection.execute(text("SET enable_seqscan = off"))
            connection.execute(text("SET enable_bitmapscan = off"))
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
            plan = "\n".join(rows)
            assert "Seq Scan on ledger_entries" not in plan, plan
            assert f"ledger_entries_{question}" in plan or question in {"subject", "refused"}, plan
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            plan = "\n".join(str(row[3]) for row in rows)
            assert "SEARCH ledger_entries USING" in plan, plan
            assert "TEMP B-TREE" not in plan, plan
    if question == "refused":
        assert "ledger_entries_amiss" in plan, plan
