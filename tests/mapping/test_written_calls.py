"""Calls are compiled with all the arguments that they are written with, in their order, or they are a fault."""

from __future__ import annotations

import pytest
from bson import Int64

from crossfade.project import Discard
from mapping_world import World

WORLD = World({"e": [{"_id": 1, "s": "a-b", "n": Int64(3), "l": [1, 2]}]})


def faults(expression: str) -> list[str]:
    found = WORLD.faults(f"SELECT x._id AS id, {expression} AS v, x.s AS s, x.n AS n, x.l AS l FROM e AS x")
    return [one.reason for one in found]


@pytest.mark.parametrize(
    ("expression", "argument"),
    [
        ("date_trunc('day', TIMESTAMPTZ '2020-01-01 00:00:00Z', 'Europe/Berlin')", "'Europe/Berlin'"),
        ("to_char(TIMESTAMP '2020-01-01 00:00:00', 'YYYY-MM')", "'YYYY-MM'"),
        ("upper(date_trunc('day', TIMESTAMP '2020-01-01', 'UTC') || x.s)", "'UTC'"),
        ("list_transform(x.l, lambda z: left(x.s, z, 2))", "2"),
        ("regexp_replace(x.s, 'a', 'b', x.s)", "x.s"),
        ("jaro_winkler_similarity(x.s, 'b', 0.5)", "0.5"),
        ("position(x.s, 'b')", "'b'"),
        ("sha2(x.s, 512)", "512"),
        ("length(x.s, 'utf8')", "'utf8'"),
    ],
)
def test_an_argument_that_the_parser_drops_is_a_fault(expression: str, argument: str) -> None:
    said = [reason for reason in faults(expression) if "lost or moved" in reason]
    assert len(said) == 1
    assert f"the argument {argument} " in said[0]


@pytest.mark.parametrize(
    "expression",
    [
        "date_trunc('day', TIMESTAMP '2020-01-01')", "regexp_replace(x.s, 'a', 'b', 'g')", "position('b' IN x.s)",
        "coalesce(x.s, 'b', 'c')", "CASE WHEN x.n IN (1, 2) THEN (x.s) ELSE lower(x.s) END", "string_split(x.s, '-')",
        "list_transform(x.l, lambda z: z + 1)", "list_filter(x.l, z -> z > 1)", "concat_ws('-', x.s, x.s, 'a')",
        "CAST(x.n AS VARCHAR)", "date_add(DATE '2020-01-01', INTERVAL 1 MONTH)", "extract(year FROM DATE '2020-01-01')",
        "substring(x.s FROM 2)", "substr(x.s, 1, 1)", "if(x.n = 1, x.s, 'b')", "left(x.s, 1)", "{'a': x.s, 'b': (x.n)}",
    ],
)  # fmt: skip
def test_other_calls_are_none(expression: str) -> None:
    assert not [reason for reason in faults(expression) if "lost or moved" in reason]


def test_in_the_where_of_a_discard() -> None:
    where = "length(x.s, 'utf8') > 3"
    discard = Discard(entity="e", where=where, alias="x", reason="long")
    found = WORLD.faults("SELECT x._id AS id, x.s AS s, x.n AS n, x.l AS l FROM e AS x", [discard])
    assert ["'utf8'" in one.reason for one in found] == [True]
