"""An engine creates the macros that its queries use, and no others."""

from __future__ import annotations

from importlib import resources

import duckdb
import pytest

from crossfade.transform.engine import Engine
from crossfade.transform.macros import macros, macros_of


def test_no_statement_of_the_file_is_left_out() -> None:
    text = resources.files("crossfade.transform").joinpath("macros.sql").read_text("utf-8")
    assert len(macros()) == text.count("CREATE ") == len(duckdb.extract_statements(text))


def test_each_comes_after_those_that_it_calls() -> None:
    for name in macros():
        assert macros_of(f"SELECT {name}(x)")[-1] == name


@pytest.mark.parametrize("name", macros())
def test_each_macro_works_with_those_that_it_calls(name: str) -> None:
    """DuckDB looks for what a macro calls when the macro is called: every name in it must be there by then."""
    with duckdb.connect() as con:
        for needed in macros_of(f"SELECT {name}()"):
            con.execute(macros()[needed])
        found = con.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
        made = {name for (name,) in found}
        body = macros()[name].split(" AS", 1)[1]
        assert {other for other in macros() if f"{other}(" in body} <= made


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2024-01-26 10:00:00.5+00", "2024-01-26T10:00:00.500Z"),
        ("2024-01-26 10:00:00.123456+00", "2024-01-26T10:00:00.123456Z"),
        ("1960-01-26 10:00:00.000001+00", "1960-01-26T10:00:00.000001Z"),
    ],
)
def test_the_text_of_a_moment_has_all_of_it(moment: str, text: str) -> None:
    engine = Engine()
    assert engine.run(f"SELECT cf_iso('as_text', TIMESTAMPTZ '{moment}') AS t", {}).to_pylist() == [{"t": text}]
    engine.close()


def test_they_are_made_once() -> None:
    engine = Engine()
    for _ in range(2):
        assert engine.run("SELECT CF_WHOLE(cf_canon('1.50e1')) AS n", {}).to_pylist() == [{"n": "15"}]
    assert engine.run("SELECT 'cf_nothing' AS n", {}).to_pylist() == [{"n": "cf_nothing"}]
    engine.close()
