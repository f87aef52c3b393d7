"""Splitting SQL text at the semicolons that end a statement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.schema.leave_out import only_drops, why_left_out
from crossfade.schema.statements import split
from crossfade.schema.tokens import tokens


def texts(sql: str) -> list[str]:
    return [s.text for s in split(sql).statements]


@pytest.mark.parametrize(
    "inside",
    [
        "'a;b'",
        "'it''s;'",
        r"E'a\';b'",
        r"'a\'",
        '"a;""b"',
        "$$ a; 'b $$",
        "$fn$ $$ ; $$ $fn$",
        "/* a /* ; */ b; */ 1",
        "1 -- a;\n",
        "U&'\\0061;'",
    ],
)
def test_a_semicolon_inside_ends_nothing(inside: str) -> None:
    assert texts(f"SELECT {inside} ; SELECT 2") == [f"SELECT {inside}".rstrip(), "SELECT 2"] or inside.startswith(
        "1 --"
    )
    assert len(texts(f"SELECT {inside}\n; SELECT 2")) == 2


def test_a_body_in_plain_sql_is_one_statement() -> None:
    body = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END"
    assert texts(f"{body}; SELECT 1;") == [body, "SELECT 1"]


def test_a_trigger_of_sqlite_is_one_statement() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END"
    assert texts(f"{trigger};\nSELECT 1") == [trigger, "SELECT 1"]


def test_begin_and_commit_of_a_transaction_stay_apart() -> None:
    assert texts("BEGIN; CREATE TABLE a (b int); COMMIT;") == ["BEGIN", "CREATE TABLE a (b int)", "COMMIT"]


def test_line_and_column_are_those_of_the_first_word() -> None:
    script = split("-- a comment\n\n  /* x */ SELECT 1;\nSELECT\n 2")
    assert [(s.line, s.column) for s in script.statements] == [(3, 11), (4, 1)]
    assert script.statements[0].place(7) == (3, 18)
    assert script.statements[1].place(8) == (5, 2)


def test_data_of_a_dump_is_left_out_with_a_note() -> None:
    script = split("COPY public.t (a) FROM stdin;\n1;'\n2\t$$\n\\.\n\nSELECT 1;\n\\connect other\nSELECT 2;\n")
    assert [(s.text, s.line) for s in script.statements] == [("SELECT 1", 6), ("SELECT 2", 8)]
    assert script.notes == (
        "line 1: the data of COPY public.t (2 rows) is skipped: a schema contains no rows",
        "line 7: the psql command '\\\\connect other' is skipped",
    )


def test_copy_without_rows_swallows_nothing() -> None:
    assert texts("COPY t FROM stdin;\n\\.\nSELECT 1;") == ["SELECT 1"]


@given(st.text(alphabet="ab ;'\"$/*-\\\nE()"))
def test_tokens_are_the_text(sql: str) -> None:
    assert "".join(t.text for t in tokens(sql)) == sql


@pytest.mark.parametrize(
    ("sql", "is_left_out"),
    [
        ("SELECT pg_catalog.setval('public.inv', 77, true)", True),
        ("select setval('inv', 5)", True),
        ("SELECT pg_catalog.set_config('search_path', '', false)", False),
    ],
)
def test_numbers_of_sequences_are_left_out_with_a_note(sql: str, is_left_out: bool) -> None:
    (statement,) = split(f"{sql};").statements
    assert ("setval is skipped" in (why_left_out(statement) or "")) == is_left_out


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE a", "DROP TABLE"),
        ("DROP MATERIALIZED VIEW IF EXISTS a", "DROP MATERIALIZED VIEW"),
        ("DROP FOREIGN DATA WRAPPER a", "DROP FOREIGN DATA WRAPPER"),
        ("DROP TEXT SEARCH CONFIGURATION a", "DROP TEXT SEARCH CONFIGURATION"),
        ("ALTER TABLE a DROP COLUMN b", "ALTER TABLE ... DROP"),
        ("ALTER FOREIGN TABLE a DROP COLUMN b", "ALTER FOREIGN TABLE ... DROP"),
        ("ALTER TABLE a DROP b, ADD c int", None),
    ],
)
def test_a_statement_that_only_drops_is_named_in_full(sql: str, said: str | None) -> None:
    (statement,) = split(sql).statements
    assert only_drops(statement) == said
