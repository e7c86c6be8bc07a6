"""From approved rent to a reconciled payment, each act by another officer and each on the ledger."""

import pytest

from tests.cast import Cast
from tests.expenses.errands import approve, ask, decide, draft, pay, send, sheet
from tests.programme import open_case
from vault.vocabulary import PaymentState

# What these tests prove does not depend on the engine; test_rent.py walks the whole way on both.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_what_is_not_approved_cannot_be_paid(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ada, dee, fin = cast["ada"], cast["dee"], cast["fin"]
    drafted = draft(ada, case.id, category="phone")
    submitted = ask(ada, case.id, category="transport")
    returned, denied = ask(ada, case.id), ask(ada, case.id, category="clothing")
    assert decide(dee, returned, "return").status_code == 303
    assert decide(dee, denied, "deny").status_code == 303
    fin.get("/payments")
    for payment, status in ((drafted, 404), (submitted, 409), (returned, 409), (denied, 409)):
        version = str(sheet(cast, payment).payment.version)
        answers = {"number": "TR-1001", "paid_on": "2026-11-23", "version": version}
        assert fin.post(f"/payments/{payment}/payment", **answers).status_code == status
        assert sheet(cast, payment).payment.paid_on is None


def test_a_payment_is_never_made_twice_and_a_treasury_number_never_used_twice(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ada, dee, fin = cast["ada"], cast["dee"], cast["fin"]
    first, second = ask(ada, case.id), ask(ada, case.id, category="food-and-subsistence")
    approve(dee, first)
    approve(dee, second)
    assert pay(fin, first).status_code == 303
    again = pay(fin, first, number="TR-004418", version="4")
    assert again.status_code == 409
    same_number = pay(fin, second, number="tr-004417")
    assert same_number.status_code == 409
    assert "under this number" in same_number.text
    assert [sheet(cast, p).payment.payment_number for p in (first, second)] == ["TR-004417", None]


def test_a_payment_before_its_approval_or_to_come_or_under_a_name_is_refused(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    approve(cast["dee"], payment)
    for answers, status in (
        ({"paid_on": "2026-11-22"}, 409),
        ({"paid_on": "2026-11-24"}, 409),
        ({"paid_on": ""}, 422),
        ({"number": "JANE ROE"}, 422),
        ({"number": "JANEROE"}, 422),
        ({"number": "TR-004417 Jane"}, 422),
    ):
        assert pay(cast["fin"], payment, **answers).status_code == status, answers
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED


def test_a_statement_that_differs_by_a_cent_is_not_reconciled(cast: Cast) -> None:
    case = open_case(cast, named=[])
    fin = cast["fin"]
    payment = ask(cast["ada"], case.id)
    approve(cast["dee"], payment)
    pay(fin, payment)
    page = f"/payments/{payment}"
    early = send(fin, page, f"{page}/reconciliation", statement="900", version="4")
    assert early.status_code == 409
    send(fin, page, f"{page}/receipt", receipt_number="R-5550101")
    assert send(fin, page, f"{page}/reconciliation", statement="900.01").status_code == 409
    assert sheet(cast, payment).payment.state is PaymentState.RECEIPTED


def test_only_finance_pays(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    payment = ask(cast["cal"], case.id)
    approve(cast["dee"], payment)
    for name in ("ada", "cal", "dee", "ines", "pat", "sol", "aud", "max"):
        officer = cast[name]
        assert officer.get(f"/payments/{payment}/payment").status_code == 403
        assert officer.get(f"/payments/{payment}/voucher").status_code == 403


def test_the_voucher_carries_the_case_code_and_the_amount_and_nothing_else(cast: Cast) -> None:
    case = open_case(cast, named=[])
    payment = ask(cast["ada"], case.id)
    fin = cast["fin"]
    assert fin.get(f"/payments/{payment}/voucher").status_code == 409
    approve(cast["dee"], payment, line_1="850")
    page = fin.get(f"/payments/{payment}/voucher").text
    shown = page[page.index('<dl class="vault-facts">') : page.index("</dl>")]
    assert case.code in shown
    assert "$850.00" in shown
    assert shown.count("<dt>") == 2
    for secret in ("Juniper", "J L Services", "roof", "Rent", "900155501"):
        assert secret not in page
