"""The money rules hold for every amount, day and order of approvals."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.access.policy import Role
from vault.errors import RuleForbids
from vault.expenses import allowances
from vault.expenses.allowances import Authority, Budget, Claim
from vault.vocabulary import ExpenseCategory, PaymentState

DAY = date(2026, 11, 23)
days = st.dates(DAY - timedelta(days=400), DAY + timedelta(days=400))
cents = st.integers(1, allowances.LARGEST_CLAIM)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    first = draw(days)
    last = first + timedelta(days=draw(st.integers(0, 60)))
    return Claim(draw(st.sampled_from(ExpenseCategory)), draw(cents), first, last)


@pytest.mark.parametrize(
    ("weight", "first", "needed"),
    [
        (1, {Role.COORDINATOR, Role.DEPUTY}, 1),
        (249_99, {Role.COORDINATOR, Role.DEPUTY}, 1),
        (250_00, {Role.DEPUTY}, 1),
        (1_000_00, {Role.DEPUTY}, 1),
        (1_000_01, {Role.DEPUTY}, 2),
    ],
)
def test_the_tiers_begin_and_end_at_the_exact_cent(weight: int, first: set[Role], needed: int) -> None:
    assert allowances.first_signers(weight) == first
    assert allowances.signatures(weight) == needed


@given(cents, cents)
def test_a_larger_sum_never_needs_fewer_officers_or_lets_more_roles_decide(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert allowances.signatures(less) <= allowances.signatures(more)
    assert allowances.first_signers(less) >= allowances.first_signers(more)


@given(st.lists(claims(), min_size=1, max_size=6), st.lists(claims(), max_size=6))
def test_splitting_a_request_never_lightens_what_decides_who_approves(
    mine: list[Claim], others: list[Claim]
) -> None:
    whole = allowances.weigh(mine, others)
    assert whole >= sum(claim.cents for claim in mine)
    for apart in mine:
        rest = [claim for claim in mine if claim is not apart]
        same_thing = [claim for claim in rest if claim.overlaps(apart)]
        assert allowances.weigh([apart], [*rest, *others]) >= apart.cents + sum(c.cents for c in same_thing)


@given(claims(), claims())
def test_overlap_is_mutual_and_means_a_day_in_common_for_the_same_thing(one: Claim, other: Claim) -> None:
    def covered(claim: Claim) -> set[date]:
        return {claim.first + timedelta(days=n) for n in range((claim.last - claim.first).days + 1)}

    assert one.overlaps(other) == other.overlaps(one)
    assert one.overlaps(other) == (one.category is other.category and bool(covered(one) & covered(other)))


@given(st.lists(st.tuples(cents, st.integers(-5, allowances.LARGEST_CLAIM + 5)), min_size=1, max_size=8))
def test_only_amounts_between_nothing_and_what_was_asked_are_an_approval(
    pairs: list[tuple[int, int]],
) -> None:
    asked, granted = [a for a, _ in pairs], [g for _, g in pairs]
    allowed = all(0 <= g <= a for a, g in pairs) and any(granted)
    if not allowed:
        with pytest.raises(RuleForbids):
            allowances.granted_state(asked, granted)
        return
    expected = PaymentState.APPROVED if asked == granted else PaymentState.IN_PART
    assert allowances.granted_state(asked, granted) is expected


@given(cents)
def test_a_full_grant_is_approved_and_a_cent_less_is_in_part(amount: int) -> None:
    assert allowances.granted_state([amount, 100], [amount, 100]) is PaymentState.APPROVED
    assert allowances.granted_state([amount, 100], [amount - 1, 100]) is PaymentState.IN_PART


@pytest.mark.parametrize("amount", [0, -1, -900_00, allowances.LARGEST_CLAIM + 1])
def test_nothing_less_than_nothing_and_too_much_cannot_be_claimed(amount: int) -> None:
    with pytest.raises(RuleForbids):
        allowances.check_claim(Claim(ExpenseCategory.RENT, amount, DAY, DAY))


def test_a_claim_cannot_end_before_it_begins() -> None:
    with pytest.raises(RuleForbids):
        allowances.check_claim(Claim(ExpenseCategory.RENT, 1, DAY, DAY - timedelta(days=1)))


@given(*[st.integers(0, 10**9)] * 4, st.integers(0, 10**9))
def test_an_approval_within_the_ceiling_never_leaves_less_than_nothing(
    ceiling: int, waiting: int, committed: int, paid: int, granted: int
) -> None:
    budget = Budget(ceiling, waiting, committed, paid)
    assert budget.left + budget.committed + budget.paid == ceiling
    if granted <= budget.left:
        allowances.check_within_ceiling(budget, granted)
        assert Budget(ceiling, waiting, committed + granted, paid).left >= 0
    else:
        with pytest.raises(RuleForbids):
            allowances.check_within_ceiling(budget, granted)


def authority(*, closed_on: date | None = None, emergency: bool = False) -> Authority:
    return Authority(4_000_00, DAY, DAY + timedelta(days=30), closed_on, emergency)


def covered(claim: Claim, by: Authority, today: date) -> bool:
    try:
        allowances.check_covered(claim, by, today)
    except RuleForbids:
        return False
    return True


@given(days, st.integers(0, 60), st.booleans())
def test_a_claim_is_covered_exactly_when_all_its_days_are(first: date, length: int, emergency: bool) -> None:
    claim = Claim(ExpenseCategory.FOOD, 100, first, first + timedelta(days=length))
    begins = DAY - timedelta(days=14) if emergency else DAY
    expected = begins <= claim.first and claim.last <= DAY + timedelta(days=30)
    assert covered(claim, authority(emergency=emergency), DAY) == expected


@pytest.mark.parametrize(("since", "allowed"), [(0, True), (180, True), (181, False)])
def test_nothing_is_claimed_later_than_180_days_after_the_end(since: int, allowed: bool) -> None:
    claim = Claim(ExpenseCategory.FOOD, 100, DAY, DAY)
    assert covered(claim, authority(closed_on=DAY), DAY + timedelta(days=since)) == allowed


@given(st.lists(claims(), min_size=1, max_size=5, unique=True), st.data())
def test_a_claim_made_twice_is_refused_wherever_the_first_one_stands(
    mine: list[Claim], data: st.DataObject
) -> None:
    allowances.check_not_repeated(mine, [])
    again = data.draw(st.sampled_from(mine))
    with pytest.raises(RuleForbids):
        allowances.check_not_repeated(mine, [again])
    with pytest.raises(RuleForbids):
        allowances.check_not_repeated([*mine, again], [])


def test_an_officer_is_told_of_overspending_and_of_unspent_authority() -> None:
    ends = DAY + timedelta(days=10)
    assert "unspent" in " ".join(Budget(4_000_00, 0, 0, 900_00).warnings(ends, DAY))
    assert Budget(4_000_00, 0, 0, 3_500_00).warnings(ends, DAY) == []
    assert Budget(4_000_00, 0, 0, 900_00).warnings(DAY + timedelta(days=15), DAY) == []
    assert "more than what is left" in Budget(1_000_00, 600_00, 500_00, 0).warnings(ends, DAY)[0]
    assert "than the ceiling allows" in Budget(1_000_00, 0, 500_00, 501_00).warnings(ends, DAY)[0]
    assert "is over" in Budget(4_000_00, 0, 0, 0).warnings(DAY - timedelta(days=1), DAY)[0]


@pytest.mark.parametrize(
    ("ceiling", "ends", "allowed"),
    [
        (900_00, DAY, True),
        (899_99, DAY, False),
        (900_00, DAY + timedelta(days=180), True),
        (900_00, DAY + timedelta(days=181), False),
        (900_00, DAY - timedelta(days=1), False),
    ],
)
def test_a_renewal_keeps_what_is_promised_and_lasts_at_most_180_days(
    ceiling: int, ends: date, allowed: bool
) -> None:
    budget = Budget(4_000_00, 0, 400_00, 500_00)
    if allowed:
        allowances.check_renewal(ceiling, ends, budget, DAY)
    else:
        with pytest.raises(RuleForbids):
            allowances.check_renewal(ceiling, ends, budget, DAY)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("021000021 900155501", "021000021-900155501", True),
        ("Routing 021000021, account 900155501", "021000021/900155501", True),
        ("021000021 900155501", "021000021 900155502", False),
        ("", "", False),
        ("by check", "by check", False),
        ("12345", "12345", False),
    ],
)
def test_accounts_are_the_same_however_they_are_spaced(one: str, other: str, same: bool) -> None:
    assert allowances.same_account(one, other) is same
