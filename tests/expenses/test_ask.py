"""Asking for money: what is kept plain, what is sealed, and what the rules refuse before anybody decides."""

from uuid import UUID

import pytest
from sqlalchemy import text

from tests.cast import TOKEN, Cast
from tests.expenses.errands import RENT, approve, ask, decide, draft, send, sheet, submit, told
from tests.programme import open_case
from vault.access.models import Assignment
from vault.expenses.views import TO_PAY
from vault.vocabulary import PaymentState

# What these tests prove does not depend on the engine; test_rent.py walks the whole way on both.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)

SECRETS = (
    "Juniper",
    "J L Services",
    "900155501",
    "A roof before the trial",
    "As the agreement says",
    "R-5550101",
)


def test_the_payee_and_the_reasons_are_read_only_through_a_recorded_opening(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id)
    approve(cast["dee"], payment)
    for name in ("cal", "ada", "dee"):
        officer = cast[name]
        closed = officer.get(f"/payments/{payment}").text
        assert not any(secret in closed for secret in SECRETS)
        officer.get(f"/payments/{payment}/open")
        shown = officer.post(f"/payments/{payment}/open", reason="payment")
        assert shown.status_code == 200
        for secret in SECRETS[:5]:
            assert secret in shown.text
        assert "Recorded as entry" in shown.text
        entry = told(cast, payment, "done")[-1]
        assert (entry.event, entry.officer, entry.reason) == ("opened", officer.actor.officer, "payment")
        assert "paymentrequest.payee" in entry.fields


def test_who_pays_opens_the_payee_and_not_why_the_money_is_needed(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    approve(cast["dee"], payment)
    fin = cast["fin"]
    fin.get(f"/payments/{payment}/open")
    shown = fin.post(f"/payments/{payment}/open", reason="payment")
    assert shown.status_code == 200
    assert [secret in shown.text for secret in SECRETS[:5]] == [True, True, True, False, False]
    assert "Why it is needed" not in shown.text
    entry = told(cast, payment, "done")[-1]
    assert set(entry.fields) == {f"paymentrequest.{name}" for name in TO_PAY}


def test_an_opening_without_a_reason_shows_and_records_nothing(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    before = len(told(cast, payment, "done"))
    fin = cast["fin"]
    fin.get(f"/payments/{payment}/open")
    answer = fin.post(f"/payments/{payment}/open", reason="")
    assert answer.status_code == 422
    assert "Juniper" not in answer.text
    assert len(told(cast, payment, "done")) == before


def test_no_payee_and_no_reason_lies_open_in_the_tables(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    approve(cast["dee"], payment)
    with cast.stage.vault.database.engine.connect() as db:
        for table in ("payment_requests", "payment_lines", "payment_decisions", "ledger_entries"):
            rows = db.execute(text(f"SELECT * FROM {table}")).all()
            assert rows
            kept = b"".join(v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row)
            assert not any(secret.encode() in kept for secret in SECRETS), table


def test_the_clerk_knows_only_requests_of_cases_they_are_named_on(cast: Cast) -> None:
    mine = open_case(cast, named=["cal"])
    payment = ask(cast["ada"], mine.id)
    cal = cast["cal"]
    assert cal.get(f"/payments/{payment}").status_code == 200
    with cast.stage.vault.reading() as db:
        named = db.query(Assignment).filter_by(subject_id=mine.id).one()
    ada = cast["ada"]
    ada.get(f"/cases/{mine.id}")
    assert ada.post(f"/cases/{mine.id}/officers/{named.id}/remove").status_code == 303
    for path in ("/payments/{}", "/payments/{}/open", "/payments/{}/payee"):
        gone, missing = cal.get(path.format(payment)), cal.get(path.format(UUID(int=7)))
        assert gone.status_code == missing.status_code == 404
        assert TOKEN.sub("", gone.text) == TOKEN.sub("", missing.text)
    assert cal.get(f"/cases/{mine.id}/payments/new").status_code == 404
    assert mine.code not in cal.get("/payments").text
    assert mine.code not in cal.get("/payments/new").text


def test_a_draft_is_unknown_to_who_decides_and_who_pays(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = draft(cast["cal"], case.id)
    for name in ("dee", "fin"):
        assert cast[name].get(f"/payments/{payment}").status_code == 404
    assert cast["ada"].get(f"/payments/{payment}").status_code == 200


def test_only_who_drafted_a_request_changes_and_submits_it(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = draft(cast["cal"], case.id)
    ada, path = cast["ada"], f"/payments/{payment}"
    ada.get(path)
    line = sheet(cast, payment).lines[0].id
    assert ada.post(f"{path}/submit", version="1").status_code == 409
    assert ada.post(f"{path}/lines/{line}/remove", version="1").status_code == 409
    claim = {key: RENT[key] for key in ("category", "amount", "first_day", "last_day")}
    assert (
        ada.post(f"{path}/lines", version="1", **(claim | {"category": "food-and-subsistence"})).status_code
        == 409
    )
    payee = {key: RENT[key] for key in ("payee", "payee_alias", "bank_details", "justification")}
    assert ada.post(f"{path}/payee", version="1", **payee).status_code == 409
    kept = sheet(cast, payment)
    assert (kept.payment.state, kept.payment.version, len(kept.lines)) == (PaymentState.DRAFT, 1, 1)


def test_what_is_submitted_can_no_longer_be_changed_by_its_author(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    cal = cast["cal"]
    payment = ask(cal, case.id)
    path = f"/payments/{payment}"
    claim = {key: RENT[key] for key in ("amount", "first_day", "last_day")}
    assert cal.post(f"{path}/lines", version="2", category="phone", **claim).status_code == 409
    line = sheet(cast, payment).lines[0].id
    assert cal.post(f"{path}/lines/{line}/remove", version="2").status_code == 409
    assert sheet(cast, payment).asked == 900_00


def test_a_line_changed_in_another_tab_is_seen_before_the_request_is_submitted(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    cal = cast["cal"]
    payment = draft(cal, case.id)
    path = f"/payments/{payment}"
    line = sheet(cast, payment).lines[0].id
    cal.get(path)
    assert cal.post(f"{path}/lines/{line}/remove", version="1").status_code == 303
    assert cal.post(f"{path}/submit", version="1").status_code == 409
    assert cal.post(f"{path}/submit", version="2").status_code == 409
    assert sheet(cast, payment).payment.state is PaymentState.DRAFT


def test_the_payee_of_a_draft_is_replaced_under_seal(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    cal = cast["cal"]
    payment = draft(cal, case.id)
    path = f"/payments/{payment}/payee"
    assert "Juniper" not in cal.get(path).text
    payee = {key: RENT[key] for key in ("payee_alias", "bank_details", "justification")}
    assert send(cal, path, path, payee="Alder Court", **payee).status_code == 303
    cal.get(f"/payments/{payment}/open")
    shown = cal.post(f"/payments/{payment}/open", reason="payment").text
    assert "Alder Court" in shown
    assert "Juniper" not in shown


NONSENSE: list[dict[str, str]] = [
    {"amount": "0"},
    {"amount": "-5"},
    {"amount": "1e3"},
    {"amount": "1.005"},
    {"amount": "1000000.01"},
    {"first_day": "2026-12-02", "last_day": "2026-12-01"},
    {"category": "bribes"},
    {"payee": ""},
    {"justification": ""},
    {"payee": "x" * 161},
]


def test_a_claim_that_makes_no_sense_is_refused_and_nothing_is_kept(cast: Cast) -> None:
    case = open_case(cast, named=[])
    page = f"/cases/{case.id}/payments/new"
    for answers in NONSENSE:
        refused = send(cast["ada"], page, page, **(RENT | answers))
        assert refused.status_code in {409, 422}, answers
        assert "There is a problem" in refused.text
    with cast.stage.vault.database.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM payment_requests")).scalar() == 0


def test_claims_outside_the_support_period_are_not_submitted(cast: Cast) -> None:
    case = open_case(cast, named=[])
    for answers, words in (
        ({"last_day": "2026-12-24"}, "support period"),
        ({"first_day": "2026-11-22"}, "before the case was opened"),
    ):
        payment = draft(cast["ada"], case.id, **answers)
        refused = submit(cast["ada"], payment)
        assert refused.status_code == 409
        assert words in refused.text
        assert sheet(cast, payment).payment.state is PaymentState.DRAFT


def test_the_same_claim_is_not_submitted_twice_unless_the_first_was_denied(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    first = ask(cast["cal"], case.id)
    second = draft(cast["ada"], case.id)
    refused = submit(cast["ada"], second)
    assert refused.status_code == 409
    assert "claimed already" in refused.text
    assert decide(cast["dee"], first, "deny").status_code == 303
    assert submit(cast["ada"], second).status_code == 303


def test_what_waits_stands_first_on_the_list_of_the_officer_whose_turn_it_is(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id)
    code = sheet(cast, payment).payment.code

    def waiting(name: str) -> bool:
        page = cast[name].get("/payments").text
        return f">{code}<" in page[: page.index("All requests")]

    assert [name for name in ("cal", "ada", "dee", "fin") if waiting(name)] == ["dee"]
    approve(cast["dee"], payment)
    assert [name for name in ("cal", "ada", "dee", "fin") if waiting(name)] == ["fin"]
    assert f">{code}<" in cast["cal"].get("/payments?state=approved").text
    assert f">{code}<" not in cast["cal"].get("/payments?state=denied").text
    assert cast["cal"].get("/payments?state=nonsense&page=-1").status_code in {200, 422}


def test_one_account_in_two_cases_is_found_without_being_shown(cast: Cast) -> None:
    cases = [open_case(cast, named=[]) for _ in range(3)]
    accounts = ("021000021 900155501", "021000021-900155501", "021000021 900155509")
    payments = [
        ask(cast["ada"], case.id, bank_details=account) for case, account in zip(cases, accounts, strict=True)
    ]
    fin = cast["fin"]
    fin.get(f"/payments/{payments[0]}")
    page = fin.post(f"/payments/{payments[0]}/accounts").text
    codes = [sheet(cast, payment).payment.code for payment in payments]
    assert codes[1] in page
    assert codes[2] not in page
    assert "900155501" not in page
    entry = told(cast, payments[0], "done")[-1]
    assert entry.event == "accounts-compared"
    assert {f"case:{case.id}" for case in cases} <= set(entry.subjects)
    alone = fin.post(f"/payments/{payments[2]}/accounts").text
    assert "No other case pays into this account" in alone


def test_opened_payees_are_no_way_to_the_case_for_finance(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ask(cast["ada"], case.id)
    fin = cast["fin"]
    assert fin.get(f"/cases/{case.id}/support").status_code == 200
    assert fin.get(f"/cases/{case.id}").status_code == 403
