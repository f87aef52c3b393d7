"""A hint of check fixes its fault: each is applied as written, and the fault disappears."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from contextlib import closing

import pytest
from bson import Decimal128, Int64, ObjectId, Timestamp

from crossfade.assess.check import check
from crossfade.errors import MappingFault
from crossfade.mapping.language.conversions import meant_for
from crossfade.model.findings import Finding
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable
from crossfade.project import Discard
from crossfade.records.bson.columns import compile_columns
from crossfade.transform.engine import Engine
from mapping_world import World

WORLD = World(
    {
        "t": [
            {"_id": 1, "n": 1, "s": "a", "d": Decimal128("1.5"), "at": Timestamp(1, 1), "o": ObjectId(), "l": Int64(2)},
            {"_id": 2, "n": 1.5, "s": 2, "d": 1, "at": Timestamp(2, 1), "o": "x", "l": 2.5},
        ]
    }
)
COLUMNS = {
    "text": ColumnType("text", "text"),
    "int8": ColumnType("int8", "bigint"),
    "float8": ColumnType("float8", "double precision"),
    "numeric": ColumnType("numeric", "numeric"),
    "timestamptz": ColumnType("timestamptz", "timestamptz"),
}


def found(expression: str, column: str, discards: Sequence[Discard] = ()) -> list[Finding | MappingFault]:
    columns = (TargetColumn("id", ColumnType("int4", "integer"), nullable=False), TargetColumn("x", COLUMNS[column]))
    target = TargetSchema("postgresql", (TargetTable("t", None, "t", columns, ("id",)),), (), (), None, "")
    try:
        program = WORLD.program(f"SELECT t._id AS id, {expression} AS x FROM t AS t")
    except MappingFault as fault:
        return [fault]
    with closing(Engine()) as engine:
        return [
            f
            for f in check(
                program,
                WORLD.shapes,
                target,
                discards,
                lambda shape, asked: compile_columns(shape, asked).read(b"").table,
                engine,
            )
            if f.severity == "fault"
        ]


def hint_of(fault: Finding | MappingFault) -> str:
    hint = fault.hint if isinstance(fault, Finding) else str(fault).partition("Try: ")[2]
    assert hint
    return hint


def first_call(hint: str, place: str) -> str:
    """The first function that a hint names, of this place; a decimal gets its digits."""
    name = re.match(r"\w+", hint)
    assert name is not None
    return f"{name[0]}({place}, 20, 4)" if name[0] == "as_decimal" else f"{name[0]}({place})"


@pytest.mark.parametrize(
    ("place", "column"),
    [("t.n", "text"), ("t.n", "numeric"), ("t.s", "text"), ("t.d", "numeric"), ("t.d", "text"), ("t.o", "text"),
     ("t.l", "text"), ("t.at", "text")],
)  # fmt: skip
def test_values_of_several_types_in_a_column(place: str, column: str) -> None:
    faults = [f for f in found(place, column) if isinstance(f, Finding) and f.kind == "mixed"]
    assert len(faults) == 1
    call = first_call(hint_of(faults[0]), place)
    into = "timestamptz" if call.startswith("timestamp_date") else column
    assert not [f for f in found(call, into) if not isinstance(f, Finding) or f.kind != "uncovered"]


def test_what_a_column_does_not_take_is_offered_by_the_values_types() -> None:
    """Not by the text that they would become: a BSON timestamp is no text that could be parsed."""
    (fault,) = [f for f in found("t.at", "timestamptz") if isinstance(f, Finding) and f.kind == "type"]
    assert not [
        f for f in found(first_call(hint_of(fault), "t.at"), "timestamptz") if getattr(f, "kind", "") != "uncovered"
    ]


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("CAST({} AS DOUBLE)", "float8"),
        ("coalesce({}, 7)", "numeric"),
        ("CASE WHEN {} > 1 THEN 1 END", "int8"),
    ],
)
def test_numbers_are_not_offered_as_text(written: str, column: str) -> None:
    (fault,) = found(written.format("t.n"), column)
    assert isinstance(fault, MappingFault)
    assert "as_text" not in hint_of(fault)
    call = first_call(hint_of(fault), "t.n")
    assert not [f for f in found(written.format(call), column) if not isinstance(f, Finding) or f.kind != "uncovered"]


def test_a_discard_names_the_types_that_are_open() -> None:
    expression = "CASE bson_type(t.s) WHEN 'string' THEN as_string(t.s) END"
    place = "t.s"
    (fault,) = [f for f in found(expression, "text") if isinstance(f, Finding) and f.place == place]
    written = re.search(r"\[\[discard\]\] (entity = .*) with a reason", hint_of(fault))
    assert written is not None
    table = tomllib.loads(re.sub(r" (?=(path|types) = )", "\n", written[1]))
    assert table == {"entity": "t", "path": "s", "types": ["int"]}
    discards = [Discard(**table, reason="counted again")]
    assert not [f for f in found(expression, "text", discards) if isinstance(f, Finding) and f.place == place]


def test_a_constant_is_named_by_the_type_that_is_written() -> None:
    (fault,) = found("TIMESTAMP 'epoch'", "text")
    assert "NTZ" not in str(fault)
    assert "TIMESTAMP" in str(fault)


@pytest.mark.parametrize(
    ("types", "column", "offered"),
    [
        ({"int", "double"}, None, "as_decimal(x) or as_number(x) or as_double(x)"),
        ({"int", "long"}, "int4", "as_int(x) or parse_int(x)"),
        ({"int", "string"}, "text", "as_text(x)"),
        ({"date", "string"}, None, "as_text(x) or parse_date(x)"),
        ({"object", "string"}, None, "json_of(x) or ejson_of(x)"),
        ({"timestamp"}, "text", "timestamp_date(x), timestamp_counter(x)"),
        (set(), None, "as_text(x), as_decimal(x), parse_date(x), ..."),
    ],
)
def test_what_is_offered(types: set[str], column: str | None, offered: str) -> None:
    assert meant_for(types, "x", column) == offered
