"""Comparing rows: found by key, counted beyond the limit, and shown so that the difference is visible."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.verify.compare import CHANGED, MISSING, Unlike, compare


def column(name: str, kind: str) -> TargetColumn:
    if kind.endswith("[]"):
        return TargetColumn(name, ColumnType("array", kind, of=ColumnType(kind[:-2], kind[:-2])))
    return TargetColumn(name, ColumnType(kind, kind))


def table_of(kind: str = "text", key: tuple[str, ...] = ("id",)) -> TargetTable:
    columns = (column("id", "int4"), column("part", "text"), column("value", kind))
    return TargetTable("t", None, "t", columns, key)


def rows_of(table: TargetTable, rows: list[tuple[Any, ...]]) -> pa.Table:
    schema = arrow_schema(table, [c.name for c in table.columns])
    lists = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(v, f.type) for v, f in zip(lists, schema, strict=True)], schema=schema)


def unlike(kind: str, expected: Any, found: Any) -> tuple[str | None, str | None] | None:
    """What is shown of two values; None where they are equal."""
    table = table_of(kind)
    result = compare(table, rows_of(table, [(1, "", expected)]), rows_of(table, [(1, "", found)]), limit=5)
    assert result.changed_rows == len(result.unlike)
    return (result.unlike[0].expected, result.unlike[0].found) if result.unlike else None


def test_rows_in_any_order() -> None:
    table = table_of()
    rows: list[tuple[Any, ...]] = [(i, "", f"v{i}") for i in range(50)]
    result = compare(table, rows_of(table, rows), rows_of(table, rows[::-1]), limit=5)
    assert (result.rows, result.missing, result.changed, result.unlike) == (50, (), {}, ())


def test_missing_and_changed() -> None:
    table = table_of()
    expected = rows_of(table, [(1, "", "a"), (2, "", "b"), (3, "", "c")])
    result = compare(table, expected, rows_of(table, [(3, "", "C"), (1, "", "a")]), limit=5)
    assert result.missing == (1,)
    assert result.unlike == (Unlike(MISSING, 1, "2"), Unlike(CHANGED, 2, "3", "value", '"c"', '"C"'))


def test_counting_does_not_stop_at_the_limit() -> None:
    table = table_of()
    expected = rows_of(table, [(i, "", "a") for i in range(100)])
    result = compare(table, expected, rows_of(table, [(i, "x", "b") for i in range(90)]), limit=12)
    assert len(result.missing) == 10
    assert result.changed == {"part": 90, "value": 90}
    assert result.changed_rows == 90
    assert len(result.unlike) == 12


def test_compound_keys() -> None:
    table = table_of(key=("id", "part"))
    expected = rows_of(table, [(1, "a", "x"), (1, "b", "y"), (2, "a", "z"), (2, "", "w")])
    found = rows_of(table, [(2, "a", "z"), (1, "b", "Y"), (1, "a", "x"), (2, "b", "w")])
    result = compare(table, expected, found, limit=5)
    assert [u.key for u in result.unlike] == ['id=2, part=""', 'id=1, part="b"']


def test_an_empty_target() -> None:
    for key in (("id",), ("id", "part")):
        table = table_of(key=key)
        result = compare(table, rows_of(table, [(1, "a", "x")]), rows_of(table, []), limit=5)
        assert result.missing == (0,)


def test_another_arrow_type_is_refused() -> None:
    table = table_of()
    expected = rows_of(table, [(1, "", "a")])
    found = expected.set_column(2, "value", pa.array([b"a"]))
    with pytest.raises(CrossfadeError, match="nothing was compared"):
        compare(table, expected, found, limit=5)


@pytest.mark.parametrize(
    ("kind", "expected", "found", "shown"),
    [
        ("text", "", None, ('""', "NULL")),
        ("text", "NULL", None, ('"NULL"', "NULL")),
        ("text", "a", "a ", ('"a"', '"a "')),
        ("text", "a\tb", "a\\tb", ('"a\\tb"', '"a\\\\tb"')),
        ("text", "é", "e\u0301", ('"é" [U+00E9 at character 1]', '"e\u0301" [U+0065 at character 1]')),
        ("text", "pay", "pаy", ('"pay" [U+0061 at character 2]', '"pаy" [U+0430 at character 2]')),
        ("float8", 0.0, -0.0, ("0.0", "-0.0")),
        ("float8", 0.1, 0.10000000000000002, ("0.1", "0.10000000000000002")),
        ("numeric", "1.10", "1.1", ("1.10", "1.1")),
        ("json", '{"a": 1}', '{"a":1}', ('{"a": 1}', '{"a":1}')),
        ("jsonb", '{"a":{"b":[1,2]}}', '{"a": {"b": [1, 3]}}', ("$.a.b[1]: 2", "$.a.b[1]: 3")),
        ("jsonb", "{}", "[]", ("{}", "[]")),
        ("bool", True, False, ("true", "false")),
        ("bytea", b"\0", b"", ("\\x00", "\\x")),
        ("text[]", ["a", None], ["a", "NULL"], ('{"a", NULL}', '{"a", "NULL"}')),
        ("text[]", [], None, ("{}", "NULL")),
        ("jsonb[]", ['{"a":1}'], ['{"a": 2}'], ('{{"a":1}}', '{{"a": 2}}')),
    ],
)
def test_differences_are_shown(kind: str, expected: Any, found: Any, shown: tuple[str, str]) -> None:
    assert unlike(kind, expected, found) == shown
    assert unlike(kind, found, expected) == shown[::-1]


@pytest.mark.parametrize(
    ("kind", "expected", "found"),
    [
        ("char", "a", "a  "),
        ("float8", float("nan"), float("nan")),
        ("float8[]", [float("nan"), None], [float("nan"), None]),
        ("jsonb", '{"a":1,"b":1e2}', '{"b": 100, "a": 1.0}'),
        ("jsonb[]", ["1", None], ["1.0", None]),
        ("char[]", ["a "], ["a"]),
        ("text", None, None),
    ],
)
def test_what_does_not_count(kind: str, expected: Any, found: Any) -> None:
    assert unlike(kind, expected, found) is None


def test_long_values_are_shown_where_they_differ() -> None:
    expected, found = "x" * 5000 + "a" + "y" * 5000, "x" * 5000 + "b" + "y" * 5000
    shown = unlike("text", expected, found)
    assert shown is not None
    assert all(s and len(s) < 250 and "of 10001" in s for s in shown)
    assert shown[0] != shown[1]


values = st.one_of(st.none(), st.sampled_from([0.0, -0.0, float("nan"), float("inf"), 1.0, 5e-324]))


@given(st.lists(st.tuples(st.lists(values, max_size=3) | st.none(), st.lists(values, max_size=3) | st.none())))
def test_arrays_like_the_obvious_implementation(pairs: list[tuple[Any, Any]]) -> None:
    table = table_of("float8[]")
    expected = rows_of(table, [(i, "", left) for i, (left, _) in enumerate(pairs)])
    found = rows_of(table, [(i, "", right) for i, (_, right) in enumerate(pairs)])
    result = compare(table, expected, found, limit=100)
    assert [u.row for u in result.unlike] == [i for i, (a, b) in enumerate(pairs) if repr(a) != repr(b)]
