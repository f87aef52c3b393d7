"""Names and texts quoted for SQL, as the standard has it: PostgreSQL, SQLite and DuckDB read them alike."""

from __future__ import annotations


def literal(value: str) -> str:
    """A value as an SQL string that reads the same whatever standard_conforming_strings says."""
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def identifier(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str | None) -> str:
    """A name with what it is in, where that is named: `"schema"."table"`."""
    return ".".join(identifier(name) for name in names if name)
