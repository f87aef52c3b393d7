"""Suggestions for types that PostgreSQL does not have, and for MySQL's syntax."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from crossfade.model.quoting import identifier, shown
from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.suggestions.text import Edit, Item, closing, edited, table_text
from crossfade.schema.tokens import Token, meaningful

# Type names of other databases, and PostgreSQL's type that holds all their values.
FOREIGN_TYPES = {
    "datetime": "timestamptz",
    "datetime2": "timestamptz",
    "datetimeoffset": "timestamptz",
    "smalldatetime": "timestamptz",
    "tinyint": "smallint",
    "mediumint": "integer",
    "double": "double precision",
    "tinytext": "text",
    "mediumtext": "text",
    "longtext": "text",
    "clob": "text",
    "string": "text",
    "nvarchar": "varchar",
    "nvarchar2": "varchar",
    "varchar2": "varchar",
    "nchar": "char",
    "ntext": "text",
    "number": "numeric",
    "tinyblob": "bytea",
    "mediumblob": "bytea",
    "longblob": "bytea",
    "blob": "bytea",
    "binary": "bytea",
    "varbinary": "bytea",
    "image": "bytea",
    "uniqueidentifier": "uuid",
    "guid": "uuid",
    "year": "smallint",
    "autoincrement": "serial",
    "long": "bigint",
    "object": "jsonb",
    "array": "jsonb",
    "objectid": "text",
}
_WITHOUT_LENGTH = {"bytea", "text", "uuid", "jsonb", "smallint", "integer", "bigint", "double precision"}
_INTEGERS = {"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT"}


def unknown_type(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct 'type "datetime" does not exist': PostgreSQL's own name for it, or the nearest existing name."""
    found = re.search(r'type "([^"]+)" does not exist', refusal.message)
    if refusal.code != "42704" or not found:
        return None
    name = found[1].lower()
    better = FOREIGN_TYPES.get(name)
    if better is None:
        better = _misspelt(name.rpartition(".")[2], known.types)
    if better is None:
        return None
    edits = _retyped(meaningful(statement), name, better)
    if not edits:
        return None
    note = "with a time zone, because it is a point in time" if better == "timestamptz" else None
    hint = f"write {better}" + (f" ({note})" if note else "")
    return Suggestion(f"PostgreSQL has no type {found[1]}", edited(statement, edits), hint)


_WRITTEN = ("int", "integer", "smallint", "bigint", "real", "decimal", "boolean", "character", "char", "varchar")
"""The names of SQL for types that have another name in PostgreSQL's catalog."""


def _misspelt(name: str, types: Collection[str]) -> str | None:
    """Return the type that differs from the name in two letters at most: a common prefix is not enough."""
    near = difflib.get_close_matches(name, [*_WRITTEN, *types], n=3, cutoff=0.75)
    return next((other for other in near if _letters_apart(name, other) <= 2), None)


def _letters_apart(one: str, other: str) -> int:
    """Return the edit distance: insertions, deletions and changes of letters."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b)))
    return row[-1]


def _retyped(found: list[Token], name: str, better: str) -> list[Edit]:
    edits: list[Edit] = []
    wanted = name.rpartition(".")[2]
    for i, token in enumerate(found[1:], 1):
        if token.name != wanted or found[i - 1].word in ("(", ",", "."):
            continue
        end, new = token.end, better
        if i + 1 < len(found) and found[i + 1].word == "(" and better in _WITHOUT_LENGTH:
            close = closing(found, i + 1)
            end = found[close].end
            flag = name == "tinyint" and [t.text for t in found[i + 2 : close]] == ["1"]
            new = "boolean" if flag else better
        edits.append((token.start, end, new))
    return edits


def inline_enum(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct status ENUM('a', 'b'): PostgreSQL's enums are types with a name."""
    table = table_text(statement)
    if table is None or refusal.code not in ("42704", "42601") or "enum" not in statement.lower():
        return None
    edits, types = [], []
    for item in table.items:
        if item.words()[1:3] == ["ENUM", "("]:
            close = closing(item.tokens, 2)
            name = f"{table.plain_name}_{item.tokens[0].name}"
            type_name = shown(name)
            labels = statement[item.tokens[2].start : item.tokens[close].end]
            types.append(f"CREATE TYPE {type_name} AS ENUM {labels}")
            edits.append((item.tokens[1].start, item.tokens[close].end, type_name))
    if not edits:
        return None
    reason = "PostgreSQL's enums are named types; a column cannot list the values"
    return Suggestion(
        reason, ";\n\n".join([*types, edited(statement, edits)]), "create the type first and name it in the column"
    )


def mysql_words(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct MySQL's syntax all at once: INT(11) UNSIGNED AUTO_INCREMENT, backticks, ENGINE=..., KEY (...)."""
    if refusal.code != "42601":
        return None
    plain = edited(
        statement, [(t.start, t.end, identifier(t.text[1:-1])) for t in meaningful(statement) if t.text[0] == "`"]
    )
    table = table_text(plain)
    if table is None:
        return (
            None
            if plain == statement
            else Suggestion("PostgreSQL quotes names with double quotes, not backticks", plain)
        )
    edits = [edit for item in table.items for edit in _mysql_column(item)]
    if re.match(
        r"\s*(ENGINE|AUTO_INCREMENT|DEFAULT|CHARSET|CHARACTER|COLLATE|COMMENT|ROW_FORMAT)\b",
        plain[table.close + 1 :],
        re.I,
    ):
        edits.append((table.close + 1, len(plain), ""))
    changed = table_text(edited(plain, edits))
    assert changed is not None  # it stays the same CREATE TABLE
    keys = [item for item in changed.items if _is_key(item)]
    indexes = [_key_index(changed.text, changed.name, changed.plain_name, item) for item in keys]
    text = ";\n\n".join([changed.without(keys), *indexes])
    if text == statement:
        return None
    return Suggestion(
        "this is MySQL's syntax",
        text,
        "compare the corrected statement: lengths of integers, UNSIGNED, keys",
    )


def _mysql_column(item: Item) -> list[Edit]:
    edits: list[Edit] = []
    words = item.words()
    if words[:2] == ["UNIQUE", "KEY"] or words[:2] == ["UNIQUE", "INDEX"]:
        named = words[2] != "("
        name = f"CONSTRAINT {item.tokens[2].text} " if named else ""
        return [(item.start, item.tokens[2 if named else 1].end, f"{name}UNIQUE")]
    for i, word in enumerate(words):
        if i == 1 and word in _INTEGERS:
            edits += _mysql_integer(item, words)
        elif word == "AUTO_INCREMENT":
            edits.append((item.tokens[i].start, item.tokens[i].end, "GENERATED BY DEFAULT AS IDENTITY"))
        elif word == "COMMENT" and i > 1 and item.tokens[i + 1 : i + 2] and item.tokens[i + 1].kind == "string":
            edits.append((item.tokens[i - 1].end, item.tokens[i + 1].end, ""))
        elif word == "ON" and words[i + 1 : i + 2] == ["UPDATE"] and "REFERENCES" not in words:
            edits.append((item.tokens[i - 1].end, item.tokens[i + 2].end, ""))
    return edits


def _mysql_integer(item: Item, words: list[str]) -> list[Edit]:
    """Return the type that holds all values: the next larger one if unsigned. A display width is ignored."""
    larger = {
        "INT": "bigint",
        "INTEGER": "bigint",
        "MEDIUMINT": "integer",
        "SMALLINT": "integer",
        "TINYINT": "smallint",
    }
    end, after = item.tokens[1].end, 2
    flag = False
    if words[2:3] == ["("]:
        close = closing(item.tokens, 2)
        flag = words[1] == "TINYINT" and item.tokens[3].text == "1"
        end, after = item.tokens[close].end, close + 1
    unsigned = words[after : after + 1] == ["UNSIGNED"]
    if unsigned:
        end = item.tokens[after].end
        new = larger.get(words[1], "numeric(20)")
    else:
        new = "boolean" if flag else FOREIGN_TYPES.get(words[1].lower(), item.tokens[1].text)
    return [(item.tokens[1].start, end, new)] if after > 2 or unsigned else []


def _is_key(item: Item) -> bool:
    words = item.words()
    return words[0] in ("KEY", "INDEX") and "(" in words[1:3]


def _key_index(text: str, table: str, plain: str, item: Item) -> str:
    opening = item.words().index("(")
    columns = text[item.tokens[opening].start : item.end]
    name = (
        item.tokens[1].text if opening == 2 else f"{plain}_{'_'.join(t.name for t in item.tokens[2:-1] if t.name)}_idx"
    )
    return f"CREATE INDEX {name} ON {table} {columns}"
