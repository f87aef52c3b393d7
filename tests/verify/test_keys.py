"""Comparing all keys of both sides: extra rows, duplicate rows, keys of every type."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.verify import keys
from crossfade.verify.keys import KeyFindings, compare_keys, none_twice
from crossfade.verify.spool import keys_as_bytes, keys_of, spool

ID = uuid.UUID("65e0c0f1-a2b3-84c4-8d5e-6f70cf01d000")


def table_of(*kinds: str) -> TargetTable:
    columns = tuple(TargetColumn(f"c{i}", ColumnType(kind, kind)) for i, kind in enumerate(kinds))
    return TargetTable("t", None, "t", columns, tuple(c.name for c in columns))


def rows_of(table: TargetTable, *columns: list[Any]) -> pa.Table:
    schema = arrow_schema(table, table.primary_key)
    return pa.table([pa.array(v, f.type) for v, f in zip(columns, schema, strict=True)], schema=schema)


def held(folder: Path, table: TargetTable, expected: list[pa.Table], found: pa.Table, limit: int = 10) -> KeyFindings:
    for rows in expected:
        spool(folder, keys_as_bytes([keys_of(rows, table)]))
    return compare_keys(folder, table, found.to_batches(max_chunksize=2), limit=limit)


def test_equal_sides_give_nothing(tmp_path: Path) -> None:
    table = table_of("int4")
    parts = [rows_of(table, [1, 2]), rows_of(table, [3])]
    assert held(tmp_path, table, parts, rows_of(table, [3, 1, 2])) == KeyFindings(0, 0, ())


def test_a_table_that_should_be_empty(tmp_path: Path) -> None:
    table = table_of("int4")
    assert held(tmp_path, table, [], rows_of(table, [7])) == KeyFindings(1, 0, (("extra", "7", 0, 1),))


def test_an_empty_table(tmp_path: Path) -> None:
    table = table_of("int4")
    assert held(tmp_path, table, [rows_of(table, [7])], rows_of(table, [])) == KeyFindings(0, 0, ())


def test_made_twice_in_one_part_or_in_two(tmp_path: Path) -> None:
    table = table_of("text")
    parts = [rows_of(table, ["a", "b", "b"]), rows_of(table, ["a", "a", "c"])]
    found = held(tmp_path, table, parts, rows_of(table, ["a", "b", "c"]))
    assert (found.extra, found.duplicate) == (0, 3)
    assert found.named == (("duplicate", '"a"', 3, 1), ("duplicate", '"b"', 2, 1))


def test_a_target_without_its_constraint(tmp_path: Path) -> None:
    table = table_of("int8")
    found = held(tmp_path, table, [rows_of(table, [1, 2])], rows_of(table, [1, 1, 1, 2]))
    assert found == KeyFindings(2, 0, (("extra", "1", 1, 3),))


def test_all_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    table = table_of("int4")
    found = held(tmp_path, table, [], rows_of(table, list(range(1000, 0, -1))), limit=3)
    assert found.extra == 1000
    assert [key for _, key, _, _ in found.named] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("kind", "value", "other", "shown"),
    [
        ("text", "a", "A", '"A"'),
        ("text", "a", "a ", '"a "'),
        ("text", "é", "e\u0301", '"e\u0301"'),
        ("text", "a", "", '""'),
        ("uuid", ID.bytes, bytes(16), "00000000-0000-0000-0000-000000000000"),
        ("float8", 0.0, -0.0, "-0.0"),
        ("timestamptz", 0, 1, "1970-01-01 00:00:00.000001+00"),
        ("timestamptz", 0, 2**63 - 1, "infinity"),
        ("date", 0, -1, "1969-12-31"),
        ("time", 0, 1, "00:00:00.000001"),
        ("bytea", b"", b"\0", "\\x00"),
        ("bool", True, False, "false"),
        ("numeric", "1.0", "1.00", "1.00"),
        ("jsonb", '{"a":1}', '{"a":2}', '{"a":2}'),
    ],
)
def test_keys_of_every_type(kind: str, value: Any, other: Any, shown: str, tmp_path: Path) -> None:
    table = table_of(kind)
    found = held(tmp_path, table, [rows_of(table, [value])], rows_of(table, [value, other]))
    assert found == KeyFindings(1, 0, (("extra", shown, 0, 1),))


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        ("char", "a", "a   "),
        ("jsonb", '{"a":1,"b":2}', '{"b": 2.0, "a": 1}'),
        ("float8", float("nan"), float("nan")),
    ],
)
def test_what_the_type_does_not_know(kind: str, value: Any, same: Any, tmp_path: Path) -> None:
    table = table_of(kind)
    assert held(tmp_path, table, [rows_of(table, [value])], rows_of(table, [same])) == KeyFindings(0, 0, ())


def test_compound_keys(tmp_path: Path) -> None:
    table = table_of("text", "int4", "uuid")
    expected = rows_of(table, ["a", "a"], [1, 2], [ID.bytes, ID.bytes])
    found = held(tmp_path, table, [expected], rows_of(table, ["a", "b"], [1, 2], [ID.bytes, ID.bytes]))
    assert found == KeyFindings(1, 0, (("extra", f'c0="b", c1=2, c2={ID}', 0, 1),))


def test_more_keys_than_memory_takes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_AT_ONCE", 100)
    table = table_of("text", "int4")
    parts = [rows_of(table, [f"k{i}" for i in part], list(part)) for part in (range(700), range(690, 1500))]
    there = rows_of(table, [f"k{i}" for i in range(10, 1505)], list(range(10, 1505)))
    found = held(tmp_path, table, parts, there, limit=100)
    assert (found.extra, found.duplicate) == (5, 10)
    assert {key for kind, key, _, _ in found.named if kind == "extra"} == {
        f'c0="k{i}", c1={i}' for i in range(1500, 1505)
    }


@pytest.mark.parametrize(("rows", "twice"), [(range(90), False), (range(1500), False), ([*range(1500), 3], True)])
def test_whether_a_key_is_expected_twice(
    rows: Any, twice: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_AT_ONCE", 100)
    table = table_of("text", "int4")
    spool(tmp_path, keys_as_bytes([keys_of(rows_of(table, [f"k{i}" for i in rows], list(rows)), table)]))
    assert none_twice(tmp_path, table) is not twice
    found = compare_keys(tmp_path, table, [], limit=10)
    assert found.duplicate == int(twice)


def test_of_a_table_in_which_nothing_is_expected_no_record_is_named_twice(tmp_path: Path) -> None:
    table, twice = table_of("int4"), list[tuple[str, str]]()
    found = rows_of(table, [1]).to_batches()
    assert compare_keys(tmp_path, table, found, limit=10, tell_twice=twice.extend).extra == 1
    assert not twice
