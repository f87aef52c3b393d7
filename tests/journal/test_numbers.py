"""Numbers by which a store knows the last controller: greater than all earlier ones, whichever journal gave them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossfade.journal.numbers import is_of_same_move, next_number, next_token
from crossfade.stores.contract import MOVE_BITS, next_of_move

LASTS = st.integers(0, 1 << 62)


@given(LASTS)
def test_numbers_rise(last: int) -> None:
    assert next_number(last) > last


@given(st.integers(0, 1 << 50))
def test_tokens_rise_and_stay_of_their_move(last: int) -> None:
    first = next_token(last)
    second = next_token(first)
    assert last < first < second
    assert second < 1 << 63
    assert is_of_same_move(first, second)
    assert is_of_same_move(second, first)


@given(st.integers(0, 1 << 50))
def test_what_a_store_takes_over_itself_stays_of_its_move(last: int) -> None:
    token = next_token(last)
    assert next_of_move(token) > token
    assert is_of_same_move(next_of_move(token), token)


def test_a_new_journal_gives_later_tokens_of_another_move() -> None:
    old = next_token(next_token(0))
    new = next_token(0)
    while is_of_same_move(new, old):  # one of 4,096 by chance
        new = next_token(0)
    assert new > old - (5 << MOVE_BITS)
    assert not is_of_same_move(old, new)


def test_tokens_of_earlier_versions_are_nobody_elses() -> None:
    assert is_of_same_move(7, next_token(3))
    assert is_of_same_move(7, 3)


def test_no_token_is_of_no_move() -> None:
    assert not is_of_same_move(0, next_token(0))
    assert not is_of_same_move(0, 0)
