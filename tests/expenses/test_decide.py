"""Who approves how much: tiers, two officers, one's own request, the ceiling, and two tabs at once."""

import re

import pytest

from tests.cast import Cast
from tests.expenses.errands import approve, ask, decide, draft, send, sheet, submit, told
from tests.programme import open_case
from vault.access.policy import Role
from vault.vocabulary import PaymentState

# What these tests prove does not depend on the engine; test_rent.py walks the whole way on both.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_below_250_the_coordinator_approves_what_the_clerk_asked(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id, amount="249.99")
    approve(cast["ada"], payment)
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED


def test_from_250_the_coordinator_is_told_that_the_deputy_decides(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id, amount="250")
    answer = decide(cast["ada"], payment, "approve", version="2", line_1="250")
    assert answer.status_code == 409
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED
    assert told(cast, payment, "refused")[-1].facts["why"] == "RuleForbids"
    approve(cast["dee"], payment)


def test_a_partial_grant_does_not_bring_a_request_under_the_coordinators_limit(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id, amount="300")
    assert decide(cast["ada"], payment, "approve", version="2", line_1="249").status_code == 409
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED


def test_split_claims_for_the_same_days_are_weighed_together(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    first = ask(cast["cal"], case.id, amount="240")
    second = ask(cast["cal"], case.id, amount="241")
    for payment, amount in ((first, "240"), (second, "241")):
        assert decide(cast["ada"], payment, "approve", version="2", line_1=amount).status_code == 409
    assert "overlaps" in cast["dee"].get(f"/payments/{second}").text


def test_nobody_decides_on_what_they_asked_for(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id, amount="100")
    for answer in ("approve", "return", "deny"):
        refused = decide(cast["ada"], payment, answer, version="2", line_1="100")
        assert refused.status_code == 409
        assert "You asked for this payment" in refused.text
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED
    approve(cast["dee"], payment)


def test_above_1000_a_second_officer_who_did_not_ask_confirms_the_deputys_amounts(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    ada, dee = cast["ada"], cast["dee"]
    payment = ask(cast["cal"], case.id, amount="1,000.01")
    assert decide(ada, payment, "approve", version="2", line_1="1000.01").status_code == 409
    approve(dee, payment, line_1="950")
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED
    assert decide(dee, payment, "approve", version="3").status_code == 409
    page = ada.get(f"/payments/{payment}/decision").text
    assert 'name="line_1"' not in page
    approve(ada, payment, line_1="1000.01")
    done = sheet(cast, payment)
    assert done.payment.state is PaymentState.IN_PART
    assert done.approved == 950_00
    assert [decision.role for decision in done.decisions] == [Role.DEPUTY, Role.COORDINATOR]


def test_above_1000_the_coordinator_who_asked_is_not_the_second_officer(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id, amount="1,500")
    approve(cast["dee"], payment)
    assert decide(cast["ada"], payment, "approve", version="3").status_code == 409
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED


def test_a_second_approval_is_still_awaited_when_the_claims_beside_it_are_denied(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    ada, dee = cast["ada"], cast["dee"]
    beside = ask(cast["cal"], case.id, amount="200")
    payment = ask(cast["cal"], case.id)
    approve(dee, payment)
    assert decide(dee, beside, "deny").status_code == 303
    waiting = sheet(cast, payment)
    assert (waiting.payment.state, waiting.weight, waiting.signatures) == (PaymentState.SUBMITTED, 900_00, 2)
    approve(ada, payment)
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED


def test_each_line_is_decided_for_itself(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ada = cast["ada"]
    payment = draft(ada, case.id)
    added = send(
        ada,
        f"/payments/{payment}",
        f"/payments/{payment}/lines",
        category="utility-deposit",
        amount="80",
        first_day="2026-11-23",
        last_day="2026-11-23",
    )
    assert added.status_code == 303
    assert submit(ada, payment).status_code == 303
    too_much = decide(cast["dee"], payment, "approve", line_2="80.01")
    assert too_much.status_code == 409
    nothing = decide(cast["dee"], payment, "approve", line_1="0", line_2="0")
    assert nothing.status_code == 409
    approve(cast["dee"], payment, line_1="0")
    done = sheet(cast, payment)
    assert done.payment.state is PaymentState.IN_PART
    assert [line.approved_cents for line in done.lines] == [0, 80_00]


def test_a_returned_request_is_changed_and_submitted_again_and_its_first_round_does_not_count(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["cal"])
    cal, ada, dee = cast["cal"], cast["ada"], cast["dee"]
    payment = ask(cal, case.id, amount="1,200")
    approve(dee, payment)
    assert decide(ada, payment, "return").status_code == 303
    assert sheet(cast, payment).payment.state is PaymentState.RETURNED
    assert submit(cal, payment).status_code == 303
    again = sheet(cast, payment)
    assert again.signed == []
    assert [line.approved_cents for line in again.lines] == [None]
    approve(dee, payment)
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED
    approve(ada, payment)
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED


def test_a_denied_request_holds_no_money_and_is_not_submitted_again(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    assert decide(cast["dee"], payment, "deny").status_code == 303
    ada = cast["ada"]
    ada.get("/payments")
    assert ada.post(f"/payments/{payment}/submit", version="3").status_code == 409
    assert sheet(cast, payment).budget.left == 4_000_00


def test_an_approval_over_the_ceiling_is_refused_until_the_deputy_renews_it(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    dee = cast["dee"]
    for category, amount in (("rent", "1000"), ("moving-and-storage", "1000"), ("transport", "1000")):
        approve(dee, ask(cast["cal"], case.id, category=category, amount=amount))
    last = ask(cast["cal"], case.id, category="clothing", amount="1000.00")
    approve(dee, last)
    over = ask(cast["cal"], case.id, category="phone", amount="10")
    assert "more than what is left" in dee.get(f"/payments/{over}").text
    refused = decide(dee, over, "approve")
    assert refused.status_code == 409
    assert "support ceiling" in refused.text
    page = f"/cases/{case.id}/support"
    renewed = send(dee, page, page, ceiling="4,500", period_ends_on="2027-01-15")
    assert renewed.status_code == 303, renewed.text
    approve(dee, over)
    assert sheet(cast, over).budget.left == 490_00


def test_only_the_deputy_renews_and_never_below_what_is_promised(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    approve(cast["dee"], ask(cast["cal"], case.id))
    page = f"/cases/{case.id}/support"
    answers = {"ceiling": "899.99", "period_ends_on": "2026-12-31"}
    assert send(cast["dee"], page, page, **answers).status_code == 409
    ada = cast["ada"]
    ada.get(page)
    version = {"version": re.search(r'name="version" value="(\d+)"', cast["dee"].get(page).text)[1]}  # type: ignore[index]
    assert ada.post(page, **(answers | version | {"ceiling": "9000", "code": ada.code()})).status_code == 409
    cal = cast["cal"]
    cal.get(page)
    assert cal.post(page, **answers).status_code == 403
    fin = cast["fin"]
    assert "$4,000.00" in fin.get(page).text


def test_deciding_asks_for_the_code_and_a_wrong_one_decides_nothing(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    dee = cast["dee"]
    dee.stage.clock.forward(minutes=6)
    path = f"/payments/{payment}/decision"
    assert 'name="code"' in dee.get(path).text
    answers = {"answer": "approve", "line_1": "900", "reasons": "Kept words.", "version": "2"}
    for code in ("", "000000"):
        answer = dee.post(path, **answers, code=code)
        assert answer.status_code == 422
        assert "Kept words." in answer.text
    assert sheet(cast, payment).payment.state is PaymentState.SUBMITTED
    assert dee.post(path, **answers, code=dee.code()).status_code == 303


def test_the_second_of_two_tabs_is_told_and_keeps_its_words(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    dee = cast["dee"]
    approve(dee, payment)
    late = decide(dee, payment, "deny", version="2", line_1="900", reasons="Words of the second tab.")
    assert late.status_code == 409
    assert "Words of the second tab." in late.text
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED


def test_roles_without_payments_are_refused_and_the_refusal_is_told(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    for name in ("ines", "pat", "sol", "aud", "max"):
        officer = cast[name]
        for path in ("/payments", f"/payments/{payment}", f"/payments/{payment}/decision"):
            assert officer.get(path).status_code == 403
        refusals = [e for e in told(cast, payment, "refused") if e.officer == officer.actor.officer]
        assert len(refusals) == 2
