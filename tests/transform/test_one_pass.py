"""One pass finds every refusal, with the message that each document alone would get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slow_functions as slow
from crossfade.errors import MappingFault
from crossfade.model.program import ROOT_TABLE, Branch
from crossfade.transform.engine import RECORD_ERRORS, reason_of
from crossfade.transform.one_pass import OnePass
from crossfade.transform.refusal_queries import stages_of
from mapping_world import ENGINE, World
from odd_values import (
    DATES_IN_TEXT,
    EXTREMES,
    NUMBERS_IN_TEXT,
    OTHER_TEXT,
    anything,
    of_one_type,
    world_of,
)

TEXTS = [*NUMBERS_IN_TEXT, *DATES_IN_TEXT, *(t for t in OTHER_TEXT if len(t) < 1000)]
NUMERIC = "TINYINT INTEGER BIGINT UINTEGER HUGEINT DECIMAL(12,2) DOUBLE FLOAT"
CASTS = [f"CAST(x.v AS {to})" for to in f"{NUMERIC} BOOLEAN DATE TIME TIMESTAMP TIMESTAMPTZ UUID JSON".split()]
PUT_TOGETHER = [
    "CASE WHEN bson_type(x.v) = 'string' THEN parse_int(x.v) ELSE as_int(x.v) END",
    "CASE WHEN present(x.v) AND parse_int(x.v) > 5 THEN 1 WHEN parse_double(x.v) < 2 THEN 2 END",
    "CASE WHEN x.v IS NULL OR parse_int(x.v) > 5 THEN 1 ELSE 0 END",
    "parse_int(x.v) > 5 OR parse_double(x.v) > 1",
    "coalesce(CASE WHEN x._id = 1 THEN 7 END, parse_int(x.v))",
    "uuid_of(parse_int(x.v), 'a', parse_date(x.v))",
    "parse_int(x.v) + CAST(parse_double(x.v) AS INTEGER)",
    "CAST(as_decimal(x.v, 12, 2) AS INTEGER)",
    "list_transform([parse_int(x.v), 2, 3], lambda y: y + parse_int(x.v))",
    "list_filter([1, 2], lambda y: y < parse_int(x.v))",
    "nullif(parse_int(x.v), 5) BETWEEN parse_int(x.v) AND parse_double(x.v)",
    "CASE parse_int(x.v) WHEN 5 THEN parse_date(x.v) END",
    "as_string(x.v) ->> 'a'",
    "json_keys(lower(as_string(x.v)))",
    "(SELECT max(parse_int(t.y)) FROM unnest([x.v, x.v]) AS t(y))",
    "(SELECT parse_int(t.y) FROM unnest([x.v, x.v]) WITH ORDINALITY AS t(y, n) WHERE t.n = 2)",
    "(SELECT max(t.y) FROM unnest(list_transform([x.v], lambda z: parse_int(z))) AS t(y))",
    "list_reduce(list_transform([x.v, x.v], lambda y: parse_int(y)), lambda a, b: greatest(a, b))",
    "json_extract_string(as_string(x.v), '$.a')",
    "date_trunc(as_string(x.v), TIMESTAMP '2020-01-01')",
    "strptime(as_string(x.v), '%Y-%m-%d')",
    "strptime(as_string(x.v), ['%Y-%m-%d', '%d.%m.%Y'])",
    "sqrt(as_double(x.v))",
    "sqrt(as_double(x.v)) + pow(as_double(x.v), 0.5)",
    "1 / (as_double(x.v) - 5) + 3",
    "as_int(x.v) // 0",
    "CASE WHEN sqrt(as_double(x.v)) > 2 THEN ln(as_double(x.v)) END",
    "coalesce(nullif(ln(as_double(x.v)), 1), 5)",
    "list_transform([as_double(x.v), 4], lambda y: sqrt(y))",
    "chr(CAST(as_int(x.v) AS INTEGER))",
    "make_date(as_int(x.v), 1, 1)",
]


def told(world: World, expression: str) -> tuple[dict[int, Any], dict[int, Any]] | None:
    """What one pass says of each document, and what each says alone; None where it does not compile."""
    try:
        program = world.program(f"SELECT x._id AS k, {expression} AS v FROM e AS x")
    except MappingFault:
        return None
    (branch,) = program.branches
    table = world.batch(program, "e").table
    one_pass = OnePass(stages_of(branch.narrow, branch.lookups), branch.narrow, ENGINE, world.lookups())
    found = {row: (refusal.column, refusal.detail) for row, refusal in one_pass.look(table).items()}
    return found, alone(branch, table)


def alone(branch: Branch, table: pa.Table) -> dict[int, Any]:
    refused = {}
    for i in range(table.num_rows):
        try:
            ENGINE.run(branch.narrow.sql("v"), {ROOT_TABLE: table.slice(i, 1)})
        except RECORD_ERRORS as error:
            refused[i] = ("v", reason_of(error))
    return refused


def check(found: Sequence[Any], expression: str) -> int:
    both = told(world_of(found), expression)
    if both is None:
        return 0
    assert both[0] == both[1]
    return len(both[1])


@pytest.mark.parametrize("expression", [*slow.FUNCTIONS, *CASTS, *PUT_TOGETHER])
def test_odd_values(expression: str) -> None:
    """Of several types and of one, as the SQL of a function depends on that."""
    refused = [check(found, expression) for found in ([True, *EXTREMES[::3], *TEXTS[::4]], TEXTS[::3], EXTREMES[8:20])]
    assert sum(refused) or expression == "uuid_of(x.v)", "else this would test nothing"


@settings(max_examples=40)
@given(
    st.sampled_from([*slow.FUNCTIONS, *CASTS, *PUT_TOGETHER]), st.lists(anything, min_size=1, max_size=6) | of_one_type
)
def test_any_values(expression: str, found: list[Any]) -> None:
    check(found, expression)
