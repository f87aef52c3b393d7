"""Values that reach the target only in part are reported in a note."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from bson import ObjectId
from sqlalchemy import MetaData

from crossfade.mapping.coverage.partial import partly_covered
from crossfade.mapping.coverage.uncovered import uncovered
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable
from crossfade.project import Discard
from mapping_world import World

AT = datetime.datetime(2024, 5, 1, 12)
WORLD = World(
    {
        "e": [
            {"_id": 1, "s": "Ab", "n": 1.5, "i": 3, "b": True, "at": AT, "oid": ObjectId(), "ref": ObjectId(),
             "l": [1, 2], "m": [{"x": 1, "y": 2}], "o": {"x": 1, "y": {"z": 2}}, "either": "x"},
            {"_id": 2, "ref": "65b0c0ffee00000000000001", "either": 5},
        ]
    }
)  # fmt: skip
LABELS = ColumnType("enum", "mood", labels=("a", "b"))


def notes(
    mapping: str, *, discards: Sequence[Discard] = (), kinds: Mapping[str, ColumnType] | None = None
) -> dict[str, str]:
    """Path -> the note, of the entity `e` and the table `t`."""
    program = WORLD.program(mapping, discards)
    columns = tuple(TargetColumn(name, kind) for name, kind in (kinds or {}).items())
    target = TargetSchema("postgresql", (TargetTable("t", None, "t", columns, ()),), (), (), MetaData, "")
    found = list(partly_covered(program, WORLD.shapes, target, discards))
    assert all((f.severity, f.kind) == ("note", "in_part") for f in found)
    open_paths = {f.place for f in uncovered(program, WORLD.shapes, discards)}
    assert not open_paths & {f.place for f in found}
    return {f.place.removeprefix("e."): f.message for f in found}


def of(expression: str, **more: Any) -> dict[str, str]:
    return notes(f"SELECT {expression} AS v FROM e AS x", **more)


@pytest.mark.parametrize(
    ("expression", "path", "by"),
    [
        ("left(x.s, 1)", "s", "left"),
        ("substr(x.s, 1, 2)", "s", "substring"),
        ("x.s[1:2]", "s", "[1:2]"),
        ("lower(trim(x.s))", "s", "trim, lower"),
        ("length(x.s)", "s", "length"),
        ("md5(x.s)", "s", "md5"),
        ("nullif(x.s, '')", "s", "nullif"),
        ("without_nul(x.s)", "s", "without_nul"),
        ("nul_as(x.s, '-')", "s", "nul_as"),
        ("regexp_replace(x.s, 'A', '')", "s", "regexp_replace"),
        ("coalesce(NULL, x.s)", "s", "coalesce"),
        ("round(x.n)", "n", "round"),
        ("CAST(floor(x.n) AS INTEGER)", "n", "floor"),
        ("x.i / 2", "i", "/"),
        ("greatest(x.i, 2)", "i", "greatest"),
        ("CAST(x.at AS DATE)", "at", "CAST AS DATE"),
        ("date_trunc('day', x.at)", "at", "date_trunc"),
        ("strftime(x.at, '%Y')", "at", "strftime"),
        ("x.at AT TIME ZONE 'Europe/Berlin'", "at", "ATTIMEZONE"),
        ("uuid_of(x.s)", "s", "uuid_of"),
        ("uuid_of(x.oid, 'part')", "oid", "uuid_of"),
        ("CASE WHEN x.b THEN x.s END", "s", "CASE"),
        ("IF(x.b, lower(x.s), x.s)", "s", "lower"),
        ("x.l[1]", "l[]", "[1]"),
        ("x.l[1:2]", "l[]", "[1:2]"),
        ("list_max(x.l)", "l[]", "list_max"),
        ("list_distinct(x.l)", "l[]", "list_distinct"),
        ("list_filter(x.l, lambda v: v > 1)", "l[]", "list_filter"),
        ("[v FOR v IN x.l IF v > 1]", "l[]", "if"),
        ("(SELECT max(v.v) FROM unnest(x.l) AS v(v))", "l[]", "max"),
        ("(SELECT v.v FROM unnest(x.l) AS v(v) LIMIT 1)", "l[]", "LIMIT"),
        ("(SELECT list(v.v ORDER BY v.v) FROM unnest(x.l) AS v(v) WHERE v.v > 1)", "l[]", "WHERE"),
        ("(SELECT first(v.v ORDER BY v.v) FROM unnest(x.l) AS v(v))", "l[]", "first"),
        ("list_transform(list_filter(x.m, lambda v: v.x > 1), lambda v: v.y)", "m[].y", "list_filter"),
        ("x.m[1].y", "m[].y", "[1]"),
        ("list_reduce(x.l, lambda a, v: a + v)", "l[]", "+"),
        ("json_of(x.o) ->> 'x'", "o", "->>"),
        ("json_extract(json_of(x.o), '$.y')", "o", "->"),
        ("no_such_function(x.s)", "s", "no_such_function"),
    ],
)
def test_what_keeps_less_than_it_is_given(expression: str, path: str, by: str) -> None:
    assert of(expression) == {path: f"only the result of {by} reaches t.v"}


@pytest.mark.parametrize(
    "expression",
    [
        "x.s",
        "x.s || '!'",
        "concat(x.s, ' ', x.s)",
        "coalesce(x.s, 'none')",
        "escape_nul(x.s)",
        "NOT x.b",
        "-x.n",
        "x.i * 100 + 1",
        "CAST(x.i AS VARCHAR)",
        "epoch_ms(x.at)",
        "x.at AT TIME ZONE 'UTC'",
        "oid_text(x.oid)",
        "uuid_of(x.oid)",
        "uuid_of(oid_of(x.ref))",
        "as_text(x.either)",
        "list_reverse(x.l)",
        "list_transform(x.l, lambda v: v * 2)",
        "list_filter(x.l, lambda v: v IS NOT NULL)",
        "array_to_string(x.l, ',')",
        "(SELECT list(v.v ORDER BY v.v) FROM unnest(x.l) AS v(v))",
        "(SELECT list(v.v ORDER BY v.n) FROM unnest(x.l) WITH ORDINALITY AS v(v, n) WHERE v.v IS NOT NULL)",
        "{'s': x.s, 'n': x.n}",
        "json_of(x.o)",
        "rest_of(x)",
        "CASE WHEN x.s IS NOT NULL THEN x.s END",
        "CASE WHEN x.b THEN x.s ELSE x.s || ' ' END",
        "CASE WHEN x.b THEN x.l ELSE list_reverse(x.l) END",
        "CASE bson_type(x.either) WHEN 'string' THEN as_string(x.either) ELSE as_text(x.either) END",
        "CASE bson_type(x.either) WHEN 'string' THEN as_string(x.either) WHEN 'int' THEN as_text(x.either) END",
        "bson_type(x.s)",
        "x.s = 'a'",
    ],
)
def test_what_keeps_everything_and_what_keeps_nothing(expression: str) -> None:
    assert of(expression) == {}


def test_it_names_all_columns_and_all_functions_in_between() -> None:
    found = notes("SELECT lower(x.s) AS v, left(x.s, 1) AS w FROM e AS x")
    assert found == {"s": "only the result of lower, left reaches t.v, t.w"}


def test_the_whole_value_beside_it_is_enough() -> None:
    assert notes("SELECT lower(x.s) AS v, x.s AS w FROM e AS x") == {}
    assert notes("SELECT json_of(x.o) ->> 'x' AS v, json_of(x) AS w FROM e AS x") == {}
    found = notes("SELECT json_of(x.o) ->> 'x' AS v, x.o.x AS w FROM e AS x")
    assert found == {"o.y": "only the result of ->> reaches t.v"}


def test_a_part_of_the_types() -> None:
    assert of("uuid_of(x.ref)") == {
        "ref": "1 reference is text: uuid_of returns another id for it than for the ObjectId in t.v"
    }
    found = of("CASE bson_type(x.either) WHEN 'int' THEN as_text(x.either) ELSE lower(as_string(x.either)) END")
    assert found == {"either": "only the result of lower for 1 string reaches t.v"}


def test_a_discard_answers_it() -> None:
    answer = Discard(reason="the first letter is all that is shown", entity="e", path="s")
    assert of("left(x.s, 1)", discards=[answer]) == {}
    of_strings = Discard(reason="no way back is needed", entity="e", path="ref", types=("string",))
    assert of("uuid_of(x.ref)", discards=[of_strings]) == {}
    assert of("left(x.s, 1)", discards=[Discard(reason="old", entity="e", alias="x", where="x.s = 'y'")]) != {}


def test_how_a_label_was_spelt_is_no_part_of_it() -> None:
    assert of("replace(upper(x.s), '-', '_')", kinds={"v": LABELS}) == {}
    assert of("upper(x.s)", kinds={"v": ColumnType("text", "text")}) != {}
    assert of("left(x.s, 1)", kinds={"v": LABELS}) != {}
