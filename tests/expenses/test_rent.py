"""From asked-for rent to a reconciled payment on both engines, and what happens when two act at once."""

import threading

from tests.cast import Cast
from tests.expenses.errands import approve, ask, pay, send, sheet, told
from tests.patience import wait_for_locks
from tests.programme import open_case
from vault.errors import RuleForbids
from vault.expenses import actions, deciding
from vault.vocabulary import PaymentAnswer, PaymentState


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


def test_of_two_officers_who_use_the_last_money_at_the_same_moment_one_is_refused(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    page = f"/cases/{case.id}/support"
    dee = cast["dee"]
    renewed = send(dee, page, page, ceiling="200", period_ends_on="2026-12-22", code=dee.code())
    assert renewed.status_code == 303
    payments = [
        ask(cast["cal"], case.id, category=category, amount="150") for category in ("phone", "clothing")
    ]
    vault, now = cast.stage.vault, cast.stage.clock.now
    actors = [cast["dee"].actor, cast["ada"].actor]
    outcomes: list[str] = []
    gate = threading.Barrier(2)
    wait_for_locks(cast.stage)

    def approve_one(place: int) -> None:
        gate.wait()
        try:
            with vault.writing() as db:
                payment = actions.get(db, actors[place], payments[place])
                deciding.decide(
                    db, actors[place], vault.trust, payment, 2, PaymentAnswer.APPROVE, [150_00], "Due.", now
                )
            outcomes.append("approved")
        except RuleForbids:
            outcomes.append("refused")

    threads = [threading.Thread(target=approve_one, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "refused"]
    assert sheet(cast, payments[0]).budget.left == 50_00
