"""CASE over a place whose values the survey has listed covers it if it names them all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import MetaData

from crossfade.mapping.coverage.partial import partly_covered
from crossfade.mapping.coverage.uncovered import uncovered
from crossfade.mapping.language.compile import compile_program
from crossfade.model.program import ROOT_TABLE
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.model.target import TargetSchema
from crossfade.records.rows.vocabulary import POSTGRESQL
from crossfade.transform.engine import Engine, EngineError

EMPTY = TargetSchema("postgresql", (), (), (), MetaData, "")


def shape(nulls: int = 0, values: tuple[str, ...] = ("new", "paid", "sent")) -> Shape:
    def node(name: str, types: Mapping[str, TypeStats]) -> Node:
        return Node(name, name, types, vocabulary=POSTGRESQL)

    state = {"mood": TypeStats(9, distinct=3, values=values), "null": TypeStats(nulls)}
    number = {"integer": TypeStats(9, distinct=2, values=("-1", "2"))}
    fields = (node("id", {"integer": TypeStats(9)}), node("n", number), node("s", state))
    root = Node("", "", {"object": TypeStats(9)}, fields=fields, vocabulary=POSTGRESQL)
    return Shape("e", 9, root, own_key=(("id",),))


def said(expression: str, of: Shape | None = None) -> dict[str, str]:
    """Path -> the finding, of all that is not mapped in full."""
    shapes = {"e": of or shape()}
    mapping = f"SELECT x.id AS id, x.n AS n, {expression} AS v FROM e AS x"
    program = compile_program({"t": mapping}, shapes, ())
    found = [*uncovered(program, shapes, ()), *partly_covered(program, shapes, EMPTY, ())]
    return {f.place.removeprefix("e."): f"{f.kind}: {f.message}" for f in found}


@pytest.mark.parametrize(
    "expression",
    [
        "CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 WHEN 'sent' THEN 3 END",
        "CASE WHEN x.s = 'new' THEN 'N' WHEN (x.s = 'paid') THEN 'P' WHEN x.s IN ('sent') THEN 'S' END",
        "CASE x.s WHEN 'new' THEN true WHEN 'paid' THEN false ELSE NULL END",
        "CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 WHEN 'sent' THEN 3 WHEN 'gone' THEN 3 END",
        "CAST(CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 ELSE 3 END AS VARCHAR)",
    ],
)
def test_it_covers_what_it_tells_apart(expression: str) -> None:
    expected = {} if "ELSE NULL" not in expression else said("CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 ELSE 2 END")
    assert {*said(expression)} == {*expected}


def test_a_value_that_it_misses_is_named() -> None:
    assert said("CASE x.s WHEN 'new' THEN 1 WHEN 'sent' THEN 3 END") == {
        "s": "uncovered: not mapped: 9 moods, 0 nulls: used only in a condition in t.v: CASE has no WHEN for 'paid'"
    }


def test_values_that_become_one_are_a_part() -> None:
    assert said("CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 WHEN 'sent' THEN 2 END") == {
        "s": "in_part: only the result of CASE reaches t.v"
    }
    assert said("CASE x.s WHEN 'new' THEN 1 ELSE 2 END") == {
        "s": "in_part: only the result of CASE, whose ELSE is for 'paid', 'sent' reaches t.v"
    }
    whole = "CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 ELSE 3 END"
    assert said(whole) == {}
    assert said(whole, shape(nulls=1)) == {
        "s": "in_part: only the result of CASE, whose ELSE is for 'sent' reaches t.v"
    }


def test_numbers_have_values_too() -> None:
    both = "CASE x.n WHEN -1 THEN 'a' WHEN 2 THEN 'b' END"
    shapes = {"e": shape()}
    program = compile_program({"t": f"SELECT x.id AS id, x.s AS s, {both} AS v FROM e AS x"}, shapes, ())
    assert list(uncovered(program, shapes, ())) == []


@pytest.mark.parametrize(
    "expression",
    [
        "CASE WHEN x.s = 'new' AND x.n = 2 THEN 1 END",
        "CASE WHEN x.s = 'new' THEN 1 WHEN x.n = 2 THEN 2 END",
        "CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN x.n WHEN 'sent' THEN 3 END",
        "CASE WHEN x.s > 'new' THEN 1 END",
    ],
)
def test_other_cases_are_conditions_as_ever(expression: str) -> None:
    assert said(expression) == {"s": "uncovered: not mapped: 9 moods, 0 nulls: used only in a condition in t.v"}


def test_what_nobody_listed_is_a_condition() -> None:
    assert {*said("CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 END", shape(values=()))} == {"s"}


def results(expression: str, *values: str | None) -> list[Any]:
    shapes = {"e": shape()}
    (branch,) = compile_program({"t": f"SELECT x.id AS id, {expression} AS v FROM e AS x"}, shapes, ()).branches
    count = len(values)
    table = pa.table({"#row": range(count), "id": range(count), "s": pa.array(values, pa.string())})
    with closing(Engine()) as engine:
        return [row["v"] for row in engine.run(branch.sql, {ROOT_TABLE: table}).to_pylist()]


def test_a_value_that_came_later_is_an_error_and_not_null() -> None:
    every = "CASE x.s WHEN 'new' THEN 1 WHEN 'paid' THEN 2 WHEN 'sent' THEN 3 END"
    assert results(every, "sent", None, "new") == [3, None, 1]
    with pytest.raises(EngineError, match="no result for the new value lost"):
        results(every, "lost")
    assert results(every.replace(" END", " ELSE NULL END"), "lost") == [None]
    assert results("CASE x.s WHEN 'new' THEN 1 END", "lost") == [None]


def test_a_join_fetches_by_the_column_with_the_most_values() -> None:
    shapes = {"e": shape(), "r": replace(shape(), entity="r")}
    for on in ("r.s = x.s AND r.id = x.id", "r.id = x.id AND r.s = x.s", "r.s = x.s AND r.n = 2 AND x.id = r.id"):
        mapping = f"SELECT x.id AS id, r.s AS v FROM e AS x LEFT JOIN r AS r ON {on}"
        (branch,) = compile_program({"t": mapping}, shapes, ()).branches
        assert [lookup.path for lookup in branch.lookups] == [("id",)]
