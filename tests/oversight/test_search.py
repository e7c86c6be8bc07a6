"""Searching the ledger: questions hold together, each through an index; a refused one shows no code."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert, text

from audit import tables
from audit.entries import Entry, timestamp
from audit.finding import Filters
from tests.cast import Cast, Stage
from tests.oversight.test_read import newest, plain, queries
from tests.programme import open_case
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason

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
    filters = Filters(**wanted)
    with vault.reading() as db:
        both = [
            [woven.index for woven in vault.ledger.find(db, filters, before_index=None, limit=50)],
            vault.ledger.count(db, filters),
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


QUESTIONS: dict[str, dict[str, Any]] = {
    "officer": {"officer": uuid4()},
    "event": {"event": "opened"},
    "subject": {"subject": f"case:{uuid4()}"},
    "compartment": {"compartment": "identity"},
    "reason": {"reason": "visit"},
    "refused": {"outcome": "refused"},
    "session": {"session": "0a1b2c3d"},
}


def asked_of_the_ledger(stage: Stage, question: dict[str, Any]) -> tuple[str, Any]:
    """The statement in which the ledger asks the database for entries, and its parameters."""
    asked: list[tuple[str, Any]] = []
    engine = stage.vault.database.engine

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        filters = Filters(**question)
        with stage.vault.reading() as db:
            stage.vault.ledger.find(db, filters, before_index=None, limit=50)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    (found,) = [one for one in asked if "ledger_entries" in one[0]]
    return found


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_is_answered_through_an_index(stage: Stage, question: str) -> None:
    engine = stage.vault.database.engine
    statement, parameters = asked_of_the_ledger(stage, QUESTIONS[question])
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


DAY = datetime(2025, 3, 1, tzinfo=UTC)
OF_A_LONG_LEDGER = {**QUESTIONS, "day": {"since": DAY, "until": DAY + timedelta(days=1)}}
LEAF = Entry(
    id=UUID(int=1),
    at=DAY,
    event="opened",
    officer=None,
    session=None,
    subjects=(),
    compartment=None,
    fields=(),
    reason=None,
    outcome="done",
    rows={},
    facts={},
    details=None,
).canonical()


def fill(stage: Stage, first: int, number: int) -> None:
    """Rows of entries of several officers, days and outcomes, far behind the others; one leaf says all."""
    officers, begins = [str(uuid4()) for _ in range(12)], datetime(2025, 1, 1, tzinfo=UTC)
    rows = [
        {
            "index": first + place,
            "id": uuid4(),
            "leaf": LEAF,
            "leaf_hash": place.to_bytes(32, "big"),
            "at": timestamp(begins + timedelta(minutes=5 * place)),
            "event": ("opened", "signed-in", "record-changed", "note-added")[place % 4],
            "officer": officers[place % 12],
            "session": f"{place // 20:08x}",
            "compartment": ("identity", "location", "health", None)[place % 4],
            "reason": ("visit", "court", "review", None)[place % 4],
            "outcome": "refused" if place % 97 == 0 else "done",
        }
        for place in range(number)
    ]
    about = [{"index": first + place, "subject": f"case:{UUID(int=place % 800)}"} for place in range(number)]
    with stage.vault.database.engine.begin() as connection:
        connection.execute(insert(tables.entries), rows)
        connection.execute(insert(tables.subjects), about)
        connection.exec_driver_sql("ANALYZE")


def plan_of(stage: Stage, question: dict[str, Any]) -> str:
    """How the engine itself, asked for no favours, answers a question."""
    statement, parameters = asked_of_the_ledger(stage, question)
    engine = stage.vault.database.engine
    explain = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


def asked_for(cast: Cast, pages: list[str]) -> list[int]:
    aud = cast["aud"]
    aud.get("/ledger")
    return [queries(cast, lambda path=path: aud.get(path).status_code) for path in pages]  # type: ignore[misc]


@pytest.mark.soak
def test_a_hundred_thousand_entries_are_searched_through_an_index_and_with_as_many_questions(
    cast: Cast,
) -> None:
    stage = cast.stage
    pages = ["/ledger", "/ledger?outcome=refused", "/ledger?event=opened&reason=visit"]
    pages += ["/ledger?since=2025-01-02", "/ledger?since=2025-01-02&until=2025-01-02"]
    fill(stage, 1_000_000, 600)
    few = asked_for(cast, pages)
    fill(stage, 2_000_000, 100_000)
    for question, asked in OF_A_LONG_LEDGER.items():
        plan = plan_of(stage, asked)
        assert "Seq Scan on ledger_entries" not in plan, (question, plan)
        assert "SCAN ledger_entries" not in plan, (question, plan)
    assert asked_for(cast, pages) == few
    assert "2,099,999" in cast["aud"].get("/ledger").text
