"""Quote names and texts for SQL by the standard, in a form that PostgreSQL, SQLite and DuckDB all read."""

from __future__ import annotations

import json
import re


def literal(value: str) -> str:
    """Return a value as an SQL string that does not depend on standard_conforming_strings."""
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def identifier(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def shown(name: str) -> str:
    """Return a name as a person writes it in SQL: quoted only if necessary."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else identifier(name)


def spellings(name: str) -> set[str]:
    """Return the ways in which an index may name a column."""
    return {identifier(name), shown(name)}


def qualified(*names: str | None) -> str:
    """Return a qualified name such as `"schema"."table"`, without parts that are None."""
    return ".".join(identifier(name) for name in names if name)


def toml_string(text: str) -> str:
    r"""Return the text as a string in crossfade.toml.

    >>> print(toml_string("orders"), toml_string('a"b'), toml_string(r"\xff.txt"))
    "orders" 'a"b' "\\xff.txt"
    """
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)
