"""The recovery key comes back from any three of its five shares, and never as another key."""

from itertools import combinations, permutations

import pytest
from shamir_mnemonic.wordlist import WORDLIST

from crypto.errors import NotRecovered
from crypto.identity import Identity
from crypto.public import NO_SIGNING
from crypto.recovery import combine, create_recovery, recovery_public, split

RECOVERY, SHARES = create_recovery()
PUBLIC = recovery_public(RECOVERY)


def test_a_new_recovery_key_has_five_shares_of_33_words() -> None:
    assert len(set(SHARES)) == 5
    assert all(len(share.split()) == 33 for share in SHARES)
    assert PUBLIC.signing == NO_SIGNING
    assert create_recovery()[0].seed != RECOVERY.seed


@pytest.mark.parametrize("three", list(combinations(range(5), 3)))
def test_any_three_shares_give_the_key_back(three: tuple[int, ...]) -> None:
    assert combine([SHARES[number] for number in three], PUBLIC).seed == RECOVERY.seed


def test_shares_are_read_in_any_order_and_however_they_are_typed() -> None:
    for order in permutations(range(3)):
        typed = [f"  {SHARES[number].upper()} \n".replace(" ", "  ") for number in order]
        assert combine(typed, PUBLIC).seed == RECOVERY.seed


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5])
def test_too_few_and_too_many_shares_are_refused(count: int) -> None:
    with pytest.raises(NotRecovered):
        combine(SHARES[:count], PUBLIC)


def test_a_share_given_twice_is_refused_in_words() -> None:
    with pytest.raises(NotRecovered, match="same share was given twice"):
        combine([SHARES[0], SHARES[1], SHARES[0].upper()], PUBLIC)


@pytest.mark.parametrize("at", range(33))
def test_a_wrong_word_anywhere_is_refused_without_being_quoted(at: int) -> None:
    words = SHARES[0].split()
    for wrong in (WORDLIST[(WORDLIST.index(words[at]) + 1) % 1024], "unlisted"):
        share = " ".join([*words[:at], wrong, *words[at + 1 :]])
        with pytest.raises(NotRecovered) as refused:
            combine([share, SHARES[1], SHARES[2]], PUBLIC)
        assert "unlisted" not in str(refused.value)


def test_missing_words_and_swapped_words_are_refused() -> None:
    words = SHARES[0].split()
    swapped = [*words[:10], words[11], words[10], *words[12:]]
    for share in ("", words[0], " ".join(words[:-1]), " ".join([*words, words[0]]), " ".join(swapped)):
        with pytest.raises(NotRecovered):
            combine([share, SHARES[1], SHARES[2]], PUBLIC)


def test_shares_of_different_splittings_are_refused() -> None:
    again = split(RECOVERY)
    assert combine(again[:3], PUBLIC).seed == RECOVERY.seed
    with pytest.raises(NotRecovered):
        combine([again[0], SHARES[1], SHARES[2]], PUBLIC)


def test_shares_of_another_key_are_refused_though_they_fit_together() -> None:
    other = Identity.from_seed(b"o" * 32)
    with pytest.raises(NotRecovered, match="another recovery key"):
        combine(split(other)[:3], PUBLIC)
