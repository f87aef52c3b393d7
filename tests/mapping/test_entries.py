"""`entries_of`: keys and values as rows, of objects and of maps, and their coverage."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

import pytest
from bson import Code, Int64, Timestamp
from bson.regex import Regex
from sqlalchemy import MetaData

from checking import column, empty, table
from crossfade.assess.check import check
from crossfade.errors import MappingFault
from crossfade.model.program import ROOT_TABLE
from crossfade.model.target import ColumnType, TargetSchema
from mapping_world import ENGINE, World, python_rows

KEYS = ["", "/s", "$q", "a.b", "A", "a", "#", "é", "x" * 200, "key", "value", "$oid"]
JSONB, TEXT = ColumnType("jsonb", "jsonb"), ColumnType("text", "text")
TARGETS = table("t", column("id"), key=("id",)), table("k", column("id"), column("k", TEXT), column("v", JSONB))


def rows(world: World, sql: str) -> list[dict[str, Any]]:
    program = world.program(sql)
    found = python_rows(ENGINE.run(program.branches[0].sql, {ROOT_TABLE: world.batch(program, "e").table}))
    return [{k: v for k, v in row.items() if k != "#row"} for row in found]


def test_any_key_with_its_value_in_the_order_of_the_document() -> None:
    world = World({"e": [{"_id": 1, "o": {key: i for i, key in enumerate(KEYS)}}, {"_id": 2, "o": {}}, {"_id": 3}]})
    sql = "SELECT u.e.key AS k, u.e.value AS v FROM e AS x, unnest(entries_of(x.o)) AS u(e)"
    found = sorted(rows(world, sql), key=lambda row: row["v"])
    assert found == [{"k": key, "v": i} for i, key in enumerate(KEYS)]


@pytest.mark.parametrize("keys", [["a", "b"], ["2024-01", "2024-02"]], ids=["object", "map"])
def test_values_of_several_types_and_what_is_in_them(keys: list[str]) -> None:
    one, other = keys
    values = [{one: {"n": 5, "l": [1, 2]}, other: {"n": Int64(2**40)}}, {one: "text", other: None}]
    world = World({"e": [{"_id": i, "o": v} for i, v in enumerate(values)]})
    assert world.shapes["e"].root.by_name["o"].is_map == (one == "2024-01")
    sql = "SELECT x._id AS i, u.e.key AS k, u.e.value.n AS n, json_of(u.e.value) AS j, bson_type(u.e.value) AS t, len(u.e.value.l) AS l"
    assert rows(world, f"{sql} FROM e AS x, unnest(entries_of(x.o)) AS u(e)") == [
        {"i": 0, "k": one, "n": 5, "j": '{"n":5,"l":[1,2]}', "t": "object", "l": 2},
        {"i": 0, "k": other, "n": 2**40, "j": f'{{"n":{2**40}}}', "t": "object", "l": None},
        {"i": 1, "k": one, "n": None, "j": '"text"', "t": "string", "l": None},
        {"i": 1, "k": other, "n": None, "j": None, "t": "null", "l": None},
    ]


def test_an_entry_without_a_name_is_told_its_fields() -> None:
    world = World({"e": [{"_id": 1, "o": {"a": 1}}]})
    with pytest.raises(MappingFault) as raised:
        world.program("SELECT e.key AS k, e.value AS v FROM e AS x, unnest(entries_of(x.o)) AS e")
    hint = str(raised.value).partition("Try: ")[2]
    assert {"e(entry)", "e.entry.key", "e.entry.value"} <= set(hint.replace(",", " ").split())


def test_entries_inside_entries_and_lambdas() -> None:
    world = World({"e": [{"_id": 1, "o": {"a": {"x": 1, "y": 2}, "b": {"x": 3}}}]})
    sql = "SELECT u.e.key || v.f.key AS k, v.f.value AS v FROM e AS x, unnest(entries_of(x.o)) AS u(e), unnest(entries_of(u.e.value)) AS v(f)"
    assert sorted(row["k"] + str(row["v"]) for row in rows(world, sql)) == ["ax1", "ay2", "bx3"]
    (row,) = rows(world, "SELECT list_transform(entries_of(x.o), lambda p: p.key) AS k FROM e AS x")
    assert row["k"] == ["a", "b"]


@pytest.mark.parametrize("keys", [["a", "b"], ["2024-01", "2024-02"]], ids=["object", "map"])
@pytest.mark.parametrize(
    ("outputs", "open_paths"),
    [
        ("u.e.key AS k, ejson_of(u.e.value) AS v", 0),
        ("u.e.key AS k", 1),  # the values stay behind
        ("u.e.key AS k, to_json(u.e.value.n) AS v", 1),  # their m does
        ("u.e.key AS k, CASE WHEN u.e.value.n > 1 THEN ejson_of(u.e.value) END AS v", 0),
    ],
)
def test_what_is_covered(keys: list[str], outputs: str, open_paths: int) -> None:
    world = World({"e": [{"_id": 1, "o": {key: {"n": 1, "m": "x"} for key in keys}}]})
    mappings = {
        "t": "SELECT x._id AS id FROM e AS x",
        "k": f"SELECT x._id AS id, {outputs} FROM e AS x, unnest(entries_of(x.o)) AS u(e)",
    }
    program = world.program(mappings)
    target = TargetSchema("postgresql", TARGETS, (), (), MetaData, "")
    found = [f for f in check(program, world.shapes, target, (), empty, ENGINE) if f.kind == "uncovered"]
    is_map = world.shapes["e"].root.by_name["o"].is_map
    assert len(found) == (open_paths if is_map else open_paths * 2), found


def test_what_it_takes() -> None:
    world = World({"e": [{"_id": 1, "o": {"a": 1}, "s": "x", "l": [1]}]})
    for wrong in (
        "entries_of(x.s)",
        "entries_of(x.l)",
        "entries_of('x')",
        "entries_of(x.o, 1)",
        "json_of(list_extract(entries_of(x.o), 1))",
    ):
        assert world.faults(f"SELECT {wrong} AS v FROM e AS x"), wrong
    for wrong in ("u.e", "json_of(u.e)", "u.e.foo", "u.e.key.a"):
        assert world.faults(f"SELECT {wrong} AS v FROM e AS x, unnest(entries_of(x.o)) AS u(e)"), wrong


PARTS = {"t": Timestamp(1700000000, 7), "r": Regex("a.b", "i"), "c": Code("f()"), "s": Code("g()", {"a": Int64(1)})}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("timestamp_date(x.t) = TIMESTAMPTZ '2023-11-14 22:13:20Z'", True),
        ("timestamp_counter(x.t)", 7),
        ("regex_pattern(x.r)", "a.b"),
        ("regex_options(x.r)", "i"),
        ("code_text(x.c)", "f()"),
        ("code_scope(x.c)", None),
        ("code_text(x.s)", "g()"),
        ("code_scope(x.s)", '{"a":{"$numberLong":"1"}}'),
        ("timestamp_date(x.gone)", None),
    ],
)
def test_parts_of_values_without_a_type_in_sql(expression: str, wanted: Any) -> None:
    world = World({"e": [{"_id": 1, **PARTS, "gone": None}]})
    assert rows(world, f"SELECT {expression} AS v FROM e AS x") == [{"v": wanted}]


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("as_date(x.t)", "timestamp_date"),
        ("parse_date(x.t)", "timestamp_date"),
        ("epoch_ms_date(x.t)", "timestamp_date"),
        ("as_text(x.r)", "regex_pattern"),
        ("as_string(x.c)", "code_text"),
        ("as_decimal(x.t, 10, 2)", "timestamp_date"),
        ("timestamp_date(x.r)", "regex_pattern"),
        ("oid_of(x.r)", "regex_pattern"),
        ("bytes_of(x.t)", "timestamp_date"),
    ],
)
def test_a_function_that_would_refuse_every_value_is_a_fault(expression: str, hint: str) -> None:
    (fault,) = World({"e": [{"_id": 1, **PARTS}]}).faults(f"SELECT {expression} AS v FROM e AS x")
    assert hint in (fault.hint or "")
