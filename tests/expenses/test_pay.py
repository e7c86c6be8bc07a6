"""From approved rent to a reconciled payment, each act by another officer and each on the ledger."""

from tests.cast import Cast
from tests.expenses.errands import approve, ask, decide, draft, pay, send, sheet, told
from tests.programme import open_case
from vault.vocabulary import PaymentState


def test_rent_is_asked_for_approved_paid_receipted_and_reconciled_and_the_ledger_tells_it(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    cal, dee, fin = cast["cal"], cast["dee"], cast["fin"]
    payment = ask(cal, case.id)
    approve(dee, payment)
    assert sheet(cast, payment).payment.state is PaymentState.APPROVED
    assert pay(fin, payment).status_code == 303
    page = f"/payments/{payment}"
    assert send(fin, page, f"{page}/receipt", receipt_number="R-5550101").status_code == 303
    assert send(fin, page, f"{page}/reconciliation", statement="900").status_code == 303
    done = sheet(cast, payment)
    assert done.payment.state is PaymentState.RECONCILED
    assert (done.budget.paid, done.budget.committed, done.budget.left) == (900_00, 0, 3_100_00)
    entries = told(cast, payment, "done")
    assert [entry.event for entry in entries] == [
        "payment-drafted",
        "payment-requested",
        "payment-decided",
        "payment-made",
        "payment-receipted",
        "payment-reconciled",
    ]
    assert [entry.officer for entry in entries] == [
        *[cal.actor.officer] * 2,
        dee.actor.officer,
        *[fin.actor.officer] * 3,
    ]
    assert entries[2].facts["approved-cents"] == entries[3].facts["cents"] == 900_00


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


def test_two_tabs_that_pay_the_same_request_pay_it_once(cast: Cast) -> None:
    case = open_case(cast, named=[])
    fin = cast["fin"]
    payment = ask(cast["ada"], case.id)
    approve(cast["dee"], payment)
    path = f"/payments/{payment}/payment"
    version = str(sheet(cast, payment).payment.version)
    fin.get(path)
    assert fin.post(path, number="TR-1", paid_on="2026-11-23", version=version).status_code == 422
    assert fin.post(path, number="TR-1001", paid_on="2026-11-23", version=version).status_code == 303
    told_so = fin.post(path, number="TR-1002", paid_on="2026-11-23", version=version)
    assert told_so.status_code == 409
    assert "TR-1002" in told_so.text
    assert sheet(cast, payment).payment.payment_number == "TR-1001"


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
