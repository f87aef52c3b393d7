"""Names and texts quoted for SQL, as the standard has it: PostgreSQL, SQLite and DuckDB read them alike."""

from __future__ import annotations

import json
import re


def literal(value: str) -> str:
    """A value as an SQL string that reads the same whatever standard_conforming_strings says."""
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def identifier(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def shown(name: str) -> str:
    """A name as a person writes it in SQL: quoted only where it must be."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else identifier(name)


def qualified(*names: str | None) -> str:
    """A name with what it is in, where that is named: `"schema"."table"`."""
    return ".".join(identifier(name) for name in names if name)


def toml_string(text: str) -> str:
    r"""The text as it is written in crossfade.toml.

    >>> print(toml_string("orders"), toml_string('a"b'), toml_string(r"\xff.txt"))
    "orders" 'a"b' "\\xff.txt"
    """
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)
