"""The auditor reads what happened, in order and with reasons, and never a record."""

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from tests.cast import Cast
from tests.programme import OpenedCase, open_case
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
PLANTED = "Zephyrine Quillfeather"


def plain(html: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"</?span[^>]*>", "", html))).replace(" .", ".")


def write_identity(cast: Cast, case: OpenedCase) -> None:
    ada, place = cast["ada"], f"/records/person/{case.witness}/identity"
    ada.get(f"{place}/change")
    page = ada.post(f"{place}/change", reason="case-work", code=ada.code())
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    saved = ada.post(f"{place}/save", legal_name=PLANTED, version=version[1])
    assert saved.status_code == 303, saved.text


def look(cast: Cast, name: str, case: OpenedCase, compartment: str, reason: str) -> int:
    officer, place = cast[name], f"/records/person/{case.witness}/{compartment}/open"
    officer.get(place)
    code = {"code": officer.code()} if compartment == "identity" else {}
    return officer.post(place, reason=reason, **code).status_code


def worked(cast: Cast) -> OpenedCase:
    """A case whose identity was written, looked at by Ines and refused to Ivo."""
    case = open_case(cast, named=["ines"])
    write_identity(cast, case)
    assert look(cast, "ines", case, "identity", "visit") == 200
    assert cast["ivo"].get(f"/records/person/{case.witness}/identity/open").status_code == 404
    return case


def pages_about(case: OpenedCase, mark: str) -> list[str]:
    return [
        "/ledger",
        f"/ledger?case={case.id}",
        f"/ledger/subjects/person/{case.witness}",
        f"/ledger/subjects/case/{case.id}",
        f"/ledger/sessions/{mark}",
        "/ledger/checkpoint",
        "/ledger/seals",
        "/ledger/matrix",
        "/ledger/export",
    ]


def size_of(cast: Cast) -> int:
    vault = cast.stage.vault
    with vault.reading() as db:
        return vault.ledger.head(db).size


def newest(cast: Cast) -> dict[str, object]:
    vault = cast.stage.vault
    with vault.reading() as db:
        woven = vault.ledger.entry(db, vault.ledger.head(db).size - 1)
    return {**woven.entry.facts, "kept-event": woven.entry.event, "kept-officer": woven.entry.officer}


def test_looks_refusals_and_changes_are_told_in_order_with_their_reasons(cast: Cast) -> None:
    case = worked(cast)
    page = plain(cast["aud"].get("/ledger").text)
    person, unknown = f"person 1 in {case.code}", "not there, or not theirs to know of"
    told = [
        f"Ivo Ironside was refused “cases, records, ask to open” on {person}: {unknown} — refused",
        f"Ines Inkpen opened Identity of {person} — reason: Preparing or making a visit",
        f"Ada Amsel changed Identity of {person}",
        f"Ada Amsel opened Identity of {person} — reason: Working on the case",
        f"Ada Amsel named Ines Inkpen on {case.code}",
        f"Ada Amsel opened a case: {case.code} and referral R-2026-0001",
        "Pat Pepper sent referral R-2026-0001",
    ]
    at = [page.find(sentence) for sentence in told]
    assert -1 not in at, told[at.index(-1)] + "\n" + page
    assert at == sorted(at)


@ON_SQLITE
def test_no_page_of_the_bench_shows_a_record(cast: Cast) -> None:
    case, aud = worked(cast), cast["aud"]
    mark = cast["ines"].actor.session
    assert mark is not None
    before = size_of(cast)
    pages = [*pages_about(case, mark), *(f"/ledger/{index}" for index in range(before))]
    for path in pages:
        answer = aud.get(path)
        assert answer.status_code == 200, path
        assert PLANTED not in answer.text
        assert "Quillfeather" not in answer.text
        assert "Jane Roe" not in answer.text
    assert PLANTED in cast["ada"].post(
        f"/records/person/{case.witness}/identity/open", reason="case-work", code=cast["ada"].code()
    ).text  # fmt: skip


@ON_SQLITE
def test_auditors_open_no_record_either(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    for path in ("/cases", f"/cases/{case.id}", f"/records/person/{case.witness}/identity/open"):
        assert aud.get(path).status_code == 403


@ON_SQLITE
def test_nobody_but_the_auditor_reads_the_ledger(cast: Cast) -> None:
    paths = [
        *("/ledger", "/ledger/0", "/ledger/checkpoint", "/ledger/seals", "/ledger/matrix", "/ledger/export"),
        *("/ledger/sessions/00000000", f"/ledger/subjects/house/{UUID(int=7)}"),
    ]
    for name in ("ada", "ines", "cal", "dee", "fin", "pat", "sol", "max"):
        for path in paths:
            assert cast[name].get(path).status_code == 403, (name, path)
            assert newest(cast)["why"] == "RoleMayNot"
        assert cast[name].post("/ledger/export").status_code == 403


@ON_SQLITE
def test_each_reading_is_on_the_ledger_with_what_was_asked(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    mark = cast["ada"].actor.session
    assert mark is not None
    for path, page in zip(
        pages_about(case, mark),
        ("ledger", "ledger", "subject", "subject", "session", "checkpoint", "seals", "matrix", None),
        strict=True,
    ):
        before = size_of(cast)
        assert aud.get(path).status_code == 200
        if page is not None:
            assert size_of(cast) == before + 1, path
            assert newest(cast) == newest(cast) | {
                "kept-event": "ledger-read",
                "kept-officer": aud.actor.officer,
                "page": page,
            }
    aud.get("/ledger?outcome=refused&since=2026-11-01&event=opened")
    asked = {"outcome": "refused", "since": "2026-11-01", "event": "opened", "kept-event": "ledger-read"}
    assert newest(cast) == newest(cast) | asked


def test_the_list_is_narrowed_by_each_question(cast: Cast) -> None:
    case, aud = worked(cast), cast["aud"]
    ines = cast["ines"].actor.officer
    opened = f"Ines Inkpen opened Identity of person 1 in {case.code}"
    for query in (
        f"officer={ines}",
        "event=opened",
        f"case={case.id}",
        "compartment=identity",
        "reason=visit",
        "outcome=done&event=opened",
        "since=2026-11-23&until=2026-11-23&event=opened",
    ):
        assert opened in plain(aud.get(f"/ledger?{query}").text), query
    for query in ("officer=" + str(cast["ivo"].actor.officer), "event=signed-in", "compartment=health"):
        assert opened not in plain(aud.get(f"/ledger?{query}").text), query
    for query in ("reason=court", "outcome=refused", "until=2026-11-22"):
        assert opened not in plain(aud.get(f"/ledger?{query}").text), query


@ON_SQLITE
def test_a_question_that_cannot_be_answered_is_said_and_shows_nothing(cast: Cast) -> None:
    nobody = UUID(int=7)
    for query in (
        *("officer=nobody", f"officer={nobody}", f"case={nobody}", f"house={nobody}", "event=made-up"),
        *("since=yesterday", "before=-1", "since=2026-11-23&until=2026-11-22"),
    ):
        answer = cast["aud"].get(f"/ledger?{query}")
        assert answer.status_code == 422, query
        assert "There is a problem" in answer.text
        assert "/ledger/0" not in answer.text


@ON_SQLITE
def test_words_in_the_address_are_neither_used_nor_repeated(cast: Cast) -> None:
    page = cast["aud"].get("/ledger?name=Quillfeather&_external=1&_scheme=gopher").text
    assert "Quillfeather" not in page
    assert "gopher" not in page


@ON_SQLITE
def test_pages_follow_one_another_without_a_gap(cast: Cast) -> None:
    aud = cast["aud"]
    for _ in range(120):
        record_apart(cast.stage.vault, Event.SIGNED_IN, who=None, now=cast.stage.clock.now, subjects=[])
    before = size_of(cast)
    path, seen = "/ledger", list[int]()
    while path:
        page = aud.get(path).text
        seen += [int(number.replace(",", "")) for number in re.findall(r'/ledger/\d+">([\d,]+)</a>', page)]
        older = re.search(r'href="(/ledger\?before=\d+)"', page)
        path = older[1] if older else ""
    assert [index for index in seen if index < before] == list(range(before - 1, -1, -1))


@ON_SQLITE
def test_a_session_is_told_as_a_story_in_order(cast: Cast) -> None:
    case = worked(cast)
    mark = cast["ines"].actor.session
    page = plain(cast["aud"].get(f"/ledger/sessions/{mark}").text)
    assert "A session of Ines Inkpen" in page
    in_order = [
        "Ines Inkpen signed in",
        "gave the second factor again",
        f"opened Identity of person 1 in {case.code}",
    ]
    at = [page.find(words) for words in in_order]
    assert -1 not in at
    assert at == sorted(at)
    assert "Ivo Ironside" not in page
    assert cast["aud"].get("/ledger/sessions/ffffffff").status_code == 404


def test_who_has_ever_seen_an_identity_counts_those_who_did_and_not_those_refused(cast: Cast) -> None:
    case = worked(cast)
    assert look(cast, "ines", case, "health", "visit") == 200
    page = plain(cast["aud"].get(f"/ledger/subjects/person/{case.witness}").text)
    assert f"Who has ever seen the identity of person 1 in {case.code}" in page
    assert "Ines Inkpen" in page
    assert "Ada Amsel" in page
    assert "Ivo Ironside" not in page
    assert "Health" not in page
    whole = plain(cast["aud"].get(f"/ledger/subjects/case/{case.id}").text)
    assert "Health" in whole


@ON_SQLITE
def test_who_has_ever_seen_an_address_is_told_by_the_openings_of_the_address(cast: Cast) -> None:
    house, vault, ines = uuid4(), cast.stage.vault, cast["ines"].actor
    for compartment, field in (
        (Compartment.HOUSE_AREA, "house.area"),
        (Compartment.HOUSE_ADDRESS, "house.street"),
    ):
        record_apart(
            vault,
            Event.OPENED,
            who=ines if compartment is Compartment.HOUSE_ADDRESS else cast["ivo"].actor,
            now=cast.stage.clock.now,
            subjects=[f"house:{house}"],
            compartment=compartment,
            fields=[field],
            reason=Reason.PLACEMENT,
        )
    page = plain(cast["aud"].get(f"/ledger/subjects/house/{house}").text)
    assert "Ines Inkpen" in page
    assert "Ivo Ironside" not in page
    assert cast["aud"].get(f"/ledger/subjects/house/{UUID(int=7)}").status_code == 404


def searched(cast: Cast, words: str) -> int:
    """An entry whose details hold what was searched for; its index."""
    receipt = record_apart(
        cast.stage.vault,
        Event.HOUSING_SEARCHED,
        who=cast["ines"].actor,
        now=cast.stage.clock.now,
        subjects=[],
        details={"searched-for": words, "kinds": ["shelter", "emergency"]},
    )
    return receipt.index


@ON_SQLITE
def test_details_open_for_the_auditor_and_for_nobody_else(cast: Cast) -> None:
    index = searched(cast, "near Elm Street")
    page = cast["aud"].get(f"/ledger/{index}").text
    assert "near Elm Street" in page
    assert "shelter, emergency" in page
    assert newest(cast) == newest(cast) | {"kept-event": "ledger-read", "page": "entry", "index": index}
    assert "Elm Street" not in cast["aud"].get("/ledger").text
    for name in ("ada", "max", "dee"):
        answer = cast[name].get(f"/ledger/{index}")
        assert answer.status_code == 403
        assert "Elm Street" not in answer.text


@ON_SQLITE
def test_details_do_not_open_when_the_reading_cannot_be_recorded(cast: Cast) -> None:
    index = searched(cast, "near Elm Street")
    aud = cast["aud"]
    cast.stage.vault.ledger.close()
    answer = aud.get(f"/ledger/{index}")
    assert answer.status_code == 503
    assert "Elm Street" not in answer.text


def altering(cast: Cast, table: str, change: str, **values: object) -> None:
    """Play somebody with write access to the database, who takes the triggers away first."""
    engine = cast.stage.vault.database.engine
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            named = connection.exec_driver_sql(
                f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
            ).all()
            for (name,) in named:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(text(change), values)


def damage(cast: Cast, index: int) -> None:
    """Put other bytes in the place of an entry."""
    change = 'UPDATE ledger_entries SET leaf = :leaf WHERE "index" = :index'
    altering(cast, "ledger_entries", change, leaf=b"{}", index=index)


def test_details_swapped_with_another_entrys_are_refused_and_said_to_be(cast: Cast) -> None:
    index = searched(cast, "near Elm Street")
    other = searched(cast, "near Oak Street")
    with cast.stage.vault.reading() as db:
        ids = [cast.stage.vault.ledger.entry(db, i).entry.id for i in (index, other)]
    texts = [i.hex if cast.stage.vault.database.engine.dialect.name == "sqlite" else str(i) for i in ids]
    altering(
        cast,
        "ledger_details",
        f"UPDATE ledger_details SET sealed = (SELECT sealed FROM ledger_details WHERE id = '{texts[1]}') "
        f"WHERE id = '{texts[0]}'",
    )
    page = cast["aud"].get(f"/ledger/{index}").text
    assert "not what was written" in page
    assert "Oak Street" not in page


@ON_SQLITE
def test_an_altered_entry_is_named_and_not_shown(cast: Cast) -> None:
    index = searched(cast, "near Elm Street")
    damage(cast, index)
    answer = cast["aud"].get("/ledger")
    assert answer.status_code == 500
    assert f"Entry {index}" in answer.text


@ON_SQLITE
def test_an_entry_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast["aud"].get("/ledger/999999").status_code == 404
    assert cast["aud"].get(f"/ledger/{10**30}").status_code == 404


def queries(cast: Cast, ask: Callable[[], int]) -> int:
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = cast.stage.vault.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert ask() == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len([statement for statement in statements if statement.startswith("SELECT")])


@ON_SQLITE
def test_the_pages_ask_as_often_for_ten_times_the_entries(cast: Cast) -> None:
    case, aud, ines = open_case(cast, named=["ines"]), cast["aud"], cast["ines"].actor
    paths = ["/ledger", f"/ledger/subjects/person/{case.witness}", f"/ledger/sessions/{ines.session}"]
    paths += ["/ledger/seals"]

    def add(number: int) -> None:
        for _ in range(number):
            record_apart(
                cast.stage.vault,
                Event.OPENED,
                who=ines,
                now=cast.stage.clock.now,
                subjects=[f"case:{case.id}", f"person:{case.witness}"],
                compartment=Compartment.IDENTITY,
                fields=["person.legal_name"],
                reason=Reason.VISIT,
            )

    add(4)
    aud.get(
        "/ledger"
    )  # Signing others in took minutes; what a session's first request then asks is not counted.
    few = [queries(cast, lambda path=path: aud.get(path).status_code) for path in paths]  # type: ignore[misc]
    add(36)
    open_case(cast, named=["ines", "cal"])
    aud.get("/ledger")
    many = [queries(cast, lambda path=path: aud.get(path).status_code) for path in paths]  # type: ignore[misc]
    assert many == few
