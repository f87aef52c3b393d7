"""Two descriptions of a schema, compared: what is missing, extra or changed, and whether it matters."""

from __future__ import annotations

from dataclasses import replace

from crossfade.model.described import Described, Thing, as_text, from_text
from crossfade.schema.compare import CHANGED, EXTRA, FAULT, MISSING, NOTE, SchemaDifference, compare

TABLE = Thing("relation", "public.users", "", {"is": "table", "persistence": "logged"})
ID = Thing("column", "public.users.id", "public.users", {"type": "integer", "not null": "yes"})
NAME = Thing("column", "public.users.name", "public.users", {"type": "text", "default": "'x'::text"})
KEY = Thing("constraint", "public.users.users_pkey", "public.users", {"is": "primary key", "definition": "(id)"})
BASE = (TABLE, ID, NAME, KEY)


def found(*things: Thing, expected: tuple[Thing, ...] = BASE) -> list[tuple[str, str, str, str]]:
    differences = compare(Described("PostgreSQL 18", expected), Described("PostgreSQL 18", things))
    return [(d.kind, d.what, d.fact, d.severity) for d in differences]


def test_the_same_has_no_differences() -> None:
    assert found(*BASE) == []
    assert found(KEY, TABLE, ID, NAME) == []  # only columns have an order


def test_a_changed_fact_names_both_values() -> None:
    (difference,) = compare(Described("", (NAME,)), Described("", (replace(NAME, facts={"type": "text"}),)))
    assert (difference.fact, difference.expected, difference.found) == ("default", "'x'::text", None)
    assert difference.shown == "users.name"


def test_parts_of_a_relation_that_is_gone_are_not_listed_besides() -> None:
    assert found() == [(MISSING, "table", "", FAULT)]
    assert found(*BASE, expected=()) == [(EXTRA, "table", "", NOTE)]


def test_a_table_that_became_a_view_is_one_difference() -> None:
    view = replace(TABLE, facts={"is": "view", "definition": "SELECT 1"})
    assert found(view) == [(CHANGED, "table", "kind", FAULT)]


def test_what_is_extra_is_a_fault_where_it_acts_on_rows_that_were_expected() -> None:
    def extra(kind: str, **facts: str) -> str:
        ((_, _, _, severity),) = found(*BASE, Thing(kind, "public.users.more", "public.users", facts))
        return severity

    assert {kind: extra(kind) for kind in ("trigger", "rule", "policy", "constraint")} == dict.fromkeys(
        ("trigger", "rule", "policy", "constraint"), FAULT
    )
    assert (extra("index", **{"is": "index"}), extra("index", **{"is": "unique index"})) == (NOTE, FAULT)
    assert (extra("column"), extra("column", **{"not null": "yes"})) == (NOTE, FAULT)
    assert extra("column", **{"not null": "yes", "default": "1"}) == NOTE
    assert extra("function") == NOTE


def test_what_changes_no_row_is_a_note() -> None:
    assert found(replace(TABLE, facts={**TABLE.facts, "comment": "x"}), ID, NAME, KEY) == [
        (CHANGED, "table", "comment", NOTE)
    ]


def test_columns_in_another_order() -> None:
    differences = compare(Described("", BASE), Described("", (TABLE, NAME, ID, KEY)))
    assert [(d.fact, d.expected, d.found) for d in differences] == [("order of columns", "id, name", "name, id")]
    between = Thing("column", "public.users.more", "public.users", {})
    assert found(TABLE, ID, between, NAME, KEY) == [(EXTRA, "column", "", NOTE)]


def test_faults_come_first() -> None:
    assert [d[3] for d in found(replace(TABLE, facts={**TABLE.facts, "comment": "x"}), ID, NAME)] == [FAULT, NOTE]


def test_joined_takes_the_others_where_both_have_a_thing() -> None:
    other = replace(NAME, facts={"type": "varchar"})
    joined = Described("a", BASE).joined(Described("b", (other, ID)))
    assert joined == Described("b", (TABLE, KEY, other, ID))


def test_a_description_is_kept_as_text() -> None:
    described = Described("PostgreSQL 18", BASE)
    assert from_text(as_text(described)) == described


def test_long_definitions_are_shown_from_where_they_part() -> None:
    one, other = ("BEGIN " + "x" * 300 + end + "y" * 300 for end in ("1", "2"))
    sentence = SchemaDifference(CHANGED, "function", "function", "f", "", "definition", one, other).sentence
    assert "x1y" in sentence
    assert "x2y" in sentence
    assert len(sentence) < 350
