"""Values that reach the target only in part are reported in a note."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from bson import Code, ObjectId, Regex, Timestamp
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
             "l": [1, 2], "m": [{"x": 1, "y": 2}], "o": {"x": 1, "y": {"z": 2}}, "either": "x",
             "hex": "65b0c0ffee0000000000000a", "name": "twenty-four characters !",
             "js": Code("g()"), "ts": Timestamp(1700000000, 5), "re": Regex("a", "i"), "code": Code("f()", {"a": 1})},
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
        ("x.i * 0", "i", "*"),
        ("x.i * 1e3", "i", "*"),
        ("x.n * 100", "n", "*"),
        ("x.n + 1", "n", "+"),
        ("x.n * 1.5", "n", "*"),
        ("0.5 - x.n", "n", "-"),
        ("coalesce(x.n, 0) * 100", "n", "*"),
        ("coalesce(x.n, 0.5) * 100", "n", "*"),
        ("CASE WHEN x.n IS NOT NULL THEN x.n ELSE 0 END + 1", "n", "+"),
        ("x.at + INTERVAL '1 month'", "at", "+"),
        ("x.at - INTERVAL 1 YEAR", "at", "-"),
        ("x.at + INTERVAL '2 days 1 mon'", "at", "+"),
        ("x.at + to_quarters(1)", "at", "+"),
        ("x.at + CAST('1 month' AS INTERVAL)", "at", "+"),
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
        ("CAST(x._id AS VARCHAR) || ' ' || x.s", "_id", "||"),
        ("to_timestamp(x.n)", "n", "to_timestamp"),
        ("list_transform(x.l, lambda v: {'i': x.i, 'v': v})", "i", "list_transform"),
        ("[{'i': x.i, 'v': v} for v in x.l]", "i", "for"),
        ("(SELECT list({'i': x.i, 'v': v.v} ORDER BY v.n) FROM unnest(x.l) WITH ORDINALITY AS v(v, n))", "i", "unnest"),
        (
            "(SELECT list({'o': m.o.x, 'v': v.v} ORDER BY v.v) FROM unnest(x.m) AS m(o)"
            " LEFT JOIN unnest(x.l) AS v(v) ON true)",
            "l[]",
            "unnest",
        ),
        ("CASE WHEN bson_type(x.either) = bson_type(x.ref) THEN 'same' ELSE as_text(x.either) END", "either", "CASE"),
        (
            "CASE WHEN bson_type(x.either) IN (bson_type(x.ref)) THEN 'same' ELSE as_text(x.either) END",
            "either",
            "CASE",
        ),
        ("CASE bson_type(x.either) WHEN bson_type(x.ref) THEN 'same' ELSE as_text(x.either) END", "either", "CASE"),
        ("epoch_ms(parse_date(x.hex))", "hex", "epoch_ms"),
        ("list_transform(list_filter(x.m, lambda o: o.x IS NOT NULL), lambda o: o.y)", "m[].y", "list_filter"),
        ("[o.y for o in x.m if o.x IS NOT NULL]", "m[].y", "if"),
        (
            "(SELECT list(m.o.y ORDER BY m.n) FROM unnest(x.m) WITH ORDINALITY AS m(o, n) WHERE m.o.x IS NOT NULL)",
            "m[].y",
            "WHERE",
        ),
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
        "coalesce(x.s, '') || CAST(x._id AS VARCHAR)",
        "to_timestamp(x.i)",
        "list_transform([x.i, x._id], lambda v: {'s': x.s, 'v': v})",
        "coalesce(x.s, 'none')",
        "escape_nul(x.s)",
        "NOT x.b",
        "-x.n",
        "x.n * -1",
        "x.n * 1",
        "1.0 * x.n",
        "x.n + 0",
        "x.n - 0",
        "0 - x.n",
        "coalesce(x.n, 0) * 1",
        "as_decimal(x.n, 10, 2) * 100",
        "CASE WHEN x.n > 1 THEN x.i ELSE 0 - x.i END * 0.5",
        "x.i * 100 + 1",
        "x.i * 1.5",
        "x.at + INTERVAL '1 day'",
        "x.at - INTERVAL 90 MINUTE",
        "x.at + CAST('3 days 02:00:00' AS INTERVAL)",
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


def test_joined_with_what_may_be_missing() -> None:
    world = World({"e": [{"_id": 1, "first": "Ann", "last": "A"}, {"_id": 2, "first": "Bo"}]})
    assert world.values("x.first || ' ' || x.last") == ["Ann A", None]
    assert world.values("concat(x.first, ' ', x.last)") == ["Ann A", "Bo "]
    assert of("x.s || nullif(x.name, '')") == {
        "s": "only the result of || reaches t.v",
        "name": "only the result of nullif, || reaches t.v",
    }
    optional = notes("SELECT as_text(x.i) || CAST(l.n AS VARCHAR) AS v FROM e AS x"
                     " LEFT JOIN unnest(x.l) WITH ORDINALITY AS l(v, n) ON true")  # fmt: skip
    assert optional == {"i": "only the result of || reaches t.v"}
    assert of("x.s || CASE WHEN x.b THEN 'y' END")["s"] == "only the result of || reaches t.v"


def test_the_whole_value_in_rows_of_elements_alone() -> None:
    """Where the array is empty, only the part is there."""
    own, elements = (
        "SELECT left(x.s, 1) AS v FROM e AS x",
        "SELECT x.s AS s, l.v AS l FROM e AS x{} unnest(x.l) AS l(v){}",
    )
    parts = {"s": "only the result of left reaches t.v"}
    assert notes(f"{own} UNION ALL {elements.format(',', '')}") == parts
    assert notes(f"{own} UNION ALL {elements.format(' LEFT JOIN', ' ON true')}") == {}


def test_a_part_of_the_rest() -> None:
    found = of("rest_of(x) ->> 's'")
    assert found["s"] == "only the result of ->> reaches t.v"
    assert "o" in found
    assert notes("SELECT rest_of(x) ->> 's' AS v, rest_of(x) AS w FROM e AS x") == {}


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


def test_references_that_are_all_text() -> None:
    """Where every reference is the text of an ObjectId, none would lead to its record."""
    assert of("uuid_of(x.hex)") == {
        "hex": "1 reference is text: uuid_of returns another id for it than for the ObjectId in t.v"
    }
    assert of("uuid_of(x.name)") == {"name": "only the result of uuid_of reaches t.v"}
    assert of("uuid_of(oid_of(x.hex))") == {}


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


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("ts", "timestamp_date", "timestamp_counter"),
        ("re", "regex_pattern", "regex_options"),
        ("code", "code_text", "code_scope"),
    ],
)
def test_both_parts_of_a_value_are_the_whole(path: str, first: str, second: str) -> None:
    """In one row, and with nothing else between them and their columns."""
    both = f"SELECT {first}(x.{path}) AS v, {second}(x.{path}) AS w FROM e AS x"
    assert notes(both) == {}
    assert f"only the result of {first} reaches t.v" in of(f"{first}(x.{path})")[path]
    cut = notes(f"SELECT {first}(x.{path}) AS v, left(CAST({second}(x.{path}) AS text), 1) AS w FROM e AS x")
    assert first in cut[path]
    apart = notes(f"SELECT {first}(x.{path}) AS v FROM e AS x UNION ALL SELECT {second}(x.{path}) AS w FROM e AS x")
    assert list(apart) == [path]


def test_the_text_of_code_without_a_scope_is_all_of_it() -> None:
    assert of("code_text(x.js)") == {}
    assert list(of("code_scope(x.js)")) == ["js"]
