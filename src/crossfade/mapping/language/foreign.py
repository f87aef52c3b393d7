"""What to write instead of another language's syntax and functions: many mappings are born as JavaScript."""

from __future__ import annotations

import re

_SYNTAX = (
    (r"[!=]==", "= and <> compare; IS [NOT] DISTINCT FROM treats NULL as a value"),
    (r"\?\.", "a.b.c without ?: what a missing object would have is NULL"),
    (r"\?[^?:]*:", "CASE WHEN condition THEN one ELSE other END"),
    (r"\bnew\s+Date\b", "parse_date(x) of ISO 8601 text; a date of the source needs nothing"),
    (r"\btypeof\s+\w", "type_of(x) = 'string'"),
    (r"`[^`]*\$\{", "a || ' ' || b joins texts"),
    (r"`", "a name in double quotes: \"order\"; a text in single quotes: 'order'"),
    (r"=>", "lambda x: x.price, as in list_transform(o.items, lambda x: x.price)"),
)
"""A pattern in the statement, literals aside, and what to write instead."""

_CALLS = {
    "&&": "AND; OR for ||",
    "parseint": "parse_int(x), or as_int(x) of numbers alone",
    "parsefloat": "parse_double(x), or as_decimal(x, 12, 2) of numbers alone",
    "number": "parse_double(x), or as_decimal(x, 12, 2) of numbers alone",
    "string": "as_text(x)",
    "tostring": "as_text(x)",
    "boolean": "parse_bool(x), or CASE WHEN x = 'yes' THEN true ELSE false END",
    "tolowercase": "lower(x)",
    "touppercase": "upper(x)",
    "tofixed": "round(as_decimal(x, 38, 20), 2)",
    "toisostring": "as_text(x)",
    "includes": "contains(text, part), or list_contains(list, element)",
    "indexof": "instr(text, part), or list_position(list, element); both count from 1",
    "startswith": "starts_with(text, part)",
    "endswith": "ends_with(text, part)",
    "replaceall": "replace(text, part, other)",
    "isnull": "x IS NULL",
    "isempty": "x = '', or len(x) = 0 of a list",
    "objectid": "uuid_of(x) makes a UUID of an ObjectId, oid_text(x) its 24 digits",
    "to_date": "CAST(strptime(text, '%d.%m.%Y') AS DATE)",
    "to_char": "strftime(x, '%Y-%m-%d')",
    "date_format": "strftime(x, '%Y-%m-%d')",
    "str_to_date": "CAST(strptime(text, '%d.%m.%Y') AS DATE)",
    "getdate": "nothing that depends on the clock: a second run would make other rows",
}
"""Functions and operators of other languages and databases, in lower case."""

_LITERAL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_REFUSED = re.compile(r"[Ff]unction with name \"?(\w+)\"? does not exist|No function matches .* '(\W+)\(")


def of_syntax(statement: str) -> str | None:
    """Return a hint for a statement that does not parse, or None if nothing in it is known from elsewhere.

    >>> of_syntax("SELECT u.age === 3 AS x FROM users AS u")
    '= and <> compare; IS [NOT] DISTINCT FROM treats NULL as a value'
    """
    bare = _LITERAL.sub(" ", statement)
    return next((hint for pattern, hint in _SYNTAX if re.search(pattern, bare)), None)


def of_call(reason: str) -> str | None:
    """Return a hint for DuckDB's message that it has no such function or operator, or None if the name is unknown.

    >>> of_call("Scalar Function with name parseint does not exist!")
    'parse_int(x), or as_int(x) of numbers alone'
    """
    found = _REFUSED.search(reason)
    return _CALLS.get((found[1] or found[2]).lower()) if found else None
