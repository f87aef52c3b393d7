"""`check` reports faults of mappings against the target: where, in the author's terms, and with a hint."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from checking import PLAIN, column, findings, table
from crossfade.project import Discard
from mapping_world import World


def test_a_valid_mapping() -> None:
    assert findings("SELECT x._id AS id, x.n AS v, x.s AS text, json_of(x.o) AS data FROM e AS x") == []


# -- what DuckDB refuses


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("foo(x.n)", "Scalar Function with name foo does not exist! Did you mean"),
        ("upper(x.n)", "No function matches the given name and argument types 'upper(INTEGER)'."),
        ("x.n + x.s", "argument types '+(INTEGER, VARCHAR)'."),
        ("x.s || [1]", "VARCHAR"),
        ("CASE WHEN x.n = 1 THEN [1] ELSE x.n END", "Cannot mix values"),
        ("list_transform(x.l, lambda l: foo(l.x))", "foo does not exist"),
        ("(SELECT foo(t.v) FROM unnest(x.tags) AS t(v))", "foo does not exist"),
    ],
)
def test_an_output_that_does_not_bind(expression: str, message: str) -> None:
    sql = f"-- why\nSELECT x._id AS id,\n       {expression} AS v\nFROM e AS x"
    (found,) = findings(sql)
    assert (found.kind, found.place) == ("does_not_bind", "mapping/t.sql:3:8")
    assert found.message.startswith("t.v: ")
    assert message in found.message


@pytest.mark.parametrize(
    ("expression", "hint"),
    [("(x.n > 1) && (x.n < 9)", "AND"), ("parseInt(x.s)", "parse_int"), ("x.n + x.s", "one type on both sides")],
)
def test_what_to_write_instead_of_what_duckdb_does_not_have(expression: str, hint: str) -> None:
    (found,) = findings(f"SELECT x._id AS id, {expression} AS v FROM e AS x")
    assert found.kind == "does_not_bind"
    assert hint in (found.hint or "")


def test_a_discard_that_does_not_bind() -> None:
    discard = Discard(reason="old", entity="e", alias="x", where="foo(x.n)")
    (found,) = findings("SELECT x._id AS id FROM e AS x", discards=[discard])
    assert (found.kind, found.place) == ("does_not_bind", "e")
    assert found.message.startswith("the where of a [[discard]]: Scalar Function with name foo does not exist!")


def test_every_output_that_does_not_bind_is_reported() -> None:
    found = findings("SELECT foo(x.n) AS id, x.n AS v, bar(x.s) AS text FROM e AS x")
    assert [(f.place, f.message.split(":")[0]) for f in found if f.severity == "fault"] == [
        ("mapping/t.sql:1:8", "t.id"),
        ("mapping/t.sql:1:34", "t.text"),
    ]


@pytest.mark.parametrize(
    "clause", ["WHERE foo(x.n) = 1", "WHERE upper(x.n) = 'A'", "LEFT JOIN f ON f._id = x.n AND foo(f.s)"]
)
def test_what_is_no_output_that_does_not_bind(clause: str) -> None:
    (found,) = [f for f in findings(f"SELECT x._id AS id\nFROM e AS x {clause}") if f.kind == "does_not_bind"]
    assert found.place == "mapping/t.sql:1:1"
    assert found.message.startswith("FROM, WHERE or GROUP BY: ")


def test_messages_do_not_speak_of_names_that_nobody_wrote() -> None:
    inner = re.compile(r"\bc\d+\b|lookup\d|\bcf_|struct_extract|\broot\b")
    for expression in ("foo(x.n)", "upper(x.n)", "x.n + x.s", "x.s - 1"):
        for found in findings(f"SELECT x._id AS id, {expression} AS v FROM e AS x"):
            assert not inner.search(found.message), found.message


def test_a_field_that_is_not_grouped_by() -> None:
    sql = "SELECT x._id AS id, y.s AS text FROM e AS x LEFT JOIN f AS y ON y._id = x.n GROUP BY x._id"
    (found,) = findings(sql)
    assert found.message.startswith('t.text: column "s" must appear in the GROUP BY clause')


# -- against the target's tables


def test_unknown_tables_and_columns_name_the_nearest() -> None:
    (unknown,) = findings({"tt": "SELECT x._id AS id FROM e AS x"}, PLAIN)[:1]
    assert (unknown.kind, unknown.message, unknown.hint) == ("unknown_table", "the target has no table 'tt'", "t")
    (wrong,) = findings("SELECT x._id AS id, x.s AS txt FROM e AS x")
    assert (wrong.kind, wrong.message, wrong.hint) == ("unknown_column", "t has no column 'txt'", "text")
    (case,) = findings("SELECT x._id AS id, x.s AS Text FROM e AS x")
    assert (case.kind, case.hint) == ("unknown_column", "text")


def test_types_that_have_no_way() -> None:
    found = findings("SELECT x._id AS id, x.s AS v, x.n AS text, x.tags AS data FROM e AS x")
    assert [f.place for f in found if f.kind == "type"] == ["t.v", "t.text"]


def test_values_of_several_types_go_into_json_alone() -> None:
    assert findings("SELECT x._id AS id, x.m AS data FROM e AS x") == []
    (found,) = findings("SELECT x._id AS id, x.m AS text FROM e AS x")
    assert (found.kind, found.place) == ("mixed", "t.text")


def test_unfilled_generated_and_keyless() -> None:
    target = table(
        "t",
        column("id"),
        column("must", nullable=False),
        column("has", nullable=False, has_default=True),
        column("made", nullable=False, generated=True),
    )
    found = findings("SELECT 1 AS made FROM e AS x", target)
    faults = [(f.kind, f.place) for f in found if f.severity == "fault"]
    assert faults == [("generated", "t.made"), ("unfilled", "t.id"), ("unfilled", "t.must")]
    keyless = findings("SELECT x._id AS id FROM e AS x", table("t", column("id"), key=()))
    assert [f.kind for f in keyless] == ["no_primary_key", "owner_not_indexed"]


def test_a_table_that_nothing_fills_is_a_note() -> None:
    (found,) = findings("SELECT x._id AS id FROM e AS x", PLAIN, table("u", column("id")))
    assert (found.severity, found.kind, found.place) == ("note", "unmapped_table", "u")


def test_leaving_rows_out_needs_a_reason() -> None:
    sql = "SELECT x._id AS id FROM e AS x WHERE x.n > 1"
    (found,) = findings(sql)
    assert (found.kind, found.message) == ("filtered", "it leaves out rows without a reason: WHERE x.n > 1")
    assert findings(sql, discards=[Discard(table="t", reason="old")]) == []
    assert findings("SELECT x._id AS id FROM e AS x WHERE x.n IS NOT NULL") == []
    (joined,) = findings("SELECT x._id AS id FROM e AS x JOIN f AS y ON y._id = x.n")
    assert joined.message.endswith("JOIN f AS y ON y._id = x.n")


def test_branches_of_a_union_say_the_same_thing_once() -> None:
    branch = "SELECT x._id AS id, 1 AS nope FROM e AS x"
    assert len(findings(f"{branch} UNION ALL {branch}")) == 1


def test_documents_that_cannot_be_read_are_noted() -> None:
    world = World({"e": [{"_id": 1}]})
    world.shapes["e"] = replace(world.shapes["e"], problems={"duplicate_key": 2})
    found = findings("SELECT x._id AS id FROM e AS x", world=world)
    assert [(f.severity, f.message) for f in found] == [("note", "2 documents will be quarantined: duplicate_key")]
