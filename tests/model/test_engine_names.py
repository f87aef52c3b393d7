"""The names of fields in SQL: all distinct, and visible and typeable for a person."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.model.names import engine_names, fold, visible

UNSEEN = ["\ufeff", "\u200b", "\u200d", "\u200f", "\u202e", "\u2060", "\u00ad", "\u00a0", "\u2028", "\t", "\n", "\x1b",
          "\x7f", "\x85", "\ufe0f", "\u3164", "\u2800", "\U000e0061", "\ue000"]  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NAMES = st.text(LETTERS | st.sampled_from([*UNSEEN, *"aA#ßé "]), max_size=5)


@given(st.lists(NAMES, max_size=12))
@example(["name", "\ufeffname", "name\u200b", "na\u200bme", "NAME"])
@example(["\u200b", "", "\ufeff", "#"])
def test_no_two_names_are_one_and_all_can_be_seen(names: list[str]) -> None:
    chosen = engine_names(names)
    assert chosen.keys() == set(names)
    assert len(set(map(fold, chosen.values()))) == len(chosen)
    for name in chosen.values():
        assert visible(name) == name != ""
        assert all(unicodedata.category(c)[0] not in "CZ" or c == " " for c in name)


@given(st.lists(NAMES, max_size=8))
def test_the_order_of_the_fields_makes_no_difference(names: list[str]) -> None:
    assert engine_names(names) == engine_names(sorted(names, reverse=True)) == engine_names(names + names)


@given(NAMES)
def test_a_name_that_is_plain_is_left_alone(name: str) -> None:
    alone = engine_names([name])[name]
    assert (alone == name) == (bool(name) and "#" not in name and visible(name) == name)


@pytest.mark.parametrize("char", UNSEEN)
def test_what_cannot_be_seen_is_left_out_and_marked(char: str) -> None:
    chosen = engine_names([f"a{char}b", "ab"])
    assert chosen["ab"] == "ab"
    assert chosen[f"a{char}b"].startswith("ab#")


@pytest.mark.parametrize("name", ["first name", "größe", "価格", "имя", "שם", "ab-c_d$", "a.b", "😀"])
def test_names_of_all_scripts_are_left_alone(name: str) -> None:
    assert engine_names([name]) == {name: name}
