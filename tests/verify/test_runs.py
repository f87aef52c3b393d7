"""Whether no key can occur twice, by the order of the keys."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.verify import runs
from crossfade.verify.runs import Runs


def keys(*columns: list[Any]) -> pa.Table:
    return pa.table(list(columns), names=[f"k{i}" for i in range(len(columns))])


def runs_of(*parts: pa.Table) -> Runs:
    found = Runs()
    for part in parts:
        found.add(part)
    return found


def test_nothing_is_not_there_twice() -> None:
    assert Runs().apart


def test_keys_that_rise_from_part_to_part_are_one_run() -> None:
    found = runs_of(keys(["a", "b"]), keys(["c"]), keys(["d", "é"]))
    assert found.ends == [(("a",), ("é",))]
    assert found.apart


def test_chunks_may_come_in_any_order() -> None:
    found = runs_of(keys([7, 9]))
    found.join(runs_of(keys([1, 3]), keys([4, 5])))
    assert found.apart


@pytest.mark.parametrize(
    "part",
    [
        keys([1, 1]),
        keys([2, 1]),
        keys([1, None]),
        keys([None, 1]),
        keys([1, 1], ["b", "a"]),
        keys([1, 1], ["a", "a"]),
        keys([True, False]),
    ],
)
def test_keys_that_do_not_rise_tell_nothing(part: pa.Table) -> None:
    assert not runs_of(part).apart


def test_runs_that_meet_tell_nothing() -> None:
    assert not runs_of(keys([1, 5]), keys([5, 6])).apart
    assert not runs_of(keys([1, 5]), keys([2, 3])).apart


def test_compound_keys_rise_column_by_column() -> None:
    assert runs_of(keys([1, 1, 2], ["a", "b", "a"])).apart


def test_one_part_that_tells_nothing_spoils_all() -> None:
    found = runs_of(keys([1, 2]))
    found.join(runs_of(keys([9, 8])))
    assert not found.apart


def test_too_many_runs_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_MOST", 3)
    assert runs_of(*(keys([number]) for number in (9, 7, 5))).apart
    assert not runs_of(*(keys([number]) for number in (9, 7, 5, 3))).apart


@given(parts=st.lists(st.lists(st.tuples(st.integers(0, 9), st.text("ab", max_size=2)), max_size=4), max_size=5))
def test_it_is_never_certain_of_what_is_not_so(parts: list[list[tuple[int, str]]]) -> None:
    found = runs_of(*(keys([n for n, _ in part], [t for _, t in part]) for part in parts))
    rows = [row for part in parts for row in part]
    assert not found.apart or len(set(rows)) == len(rows)


def test_a_shuffled_table_of_rising_parts_is_certain() -> None:
    parts = [keys(list(range(at, at + 10))) for at in range(0, 1000, 10)]
    random.Random(1).shuffle(parts)
    found = Runs()
    for part in parts:
        found.join(runs_of(part))
    assert found.apart
