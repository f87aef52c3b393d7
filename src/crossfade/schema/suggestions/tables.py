"""Suggestions for faults inside CREATE TABLE."""

from __future__ import annotations

import re
from itertools import pairwise

from crossfade.model.quoting import literal, shown
from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.suggestions.text import Edit, Item, TableText, closing, edited, table_text
from crossfade.schema.tokens import meaningful


def partial_unique(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct UNIQUE (a, b) WHERE ...: a table constraint has no predicate, a unique index has."""
    table = table_text(statement)
    if table is None or refusal.code != "42601" or not _points_at(statement, refusal, "WHERE"):
        return None
    partial = [item for item in table.items if "UNIQUE" in item.words() and "WHERE" in item.words()]
    if not partial:
        return None
    indexes = [_partial_index(statement, table, item) for item in partial]
    return Suggestion(
        "a UNIQUE constraint inside CREATE TABLE cannot have a WHERE; only an index can be partial",
        ";\n\n".join([table.without(partial), *indexes]),
        "replace the constraint by a partial unique index",
    )


def _partial_index(statement: str, table: TableText, item: Item) -> str:
    words = item.words()
    where, opening = words.index("WHERE"), words.index("(", words.index("UNIQUE"))
    close = closing(item.tokens, opening)
    columns = statement[item.tokens[opening].start : item.tokens[close].end]
    named = words[0] == "CONSTRAINT"
    name = item.tokens[1].text if named else _index_name(table, item.tokens[opening + 1 : close])
    nulls = " NULLS NOT DISTINCT" if words[words.index("UNIQUE") + 1 : opening] == ["NULLS", "NOT", "DISTINCT"] else ""
    predicate = statement[item.tokens[where].start : item.end]
    return f"CREATE UNIQUE INDEX {name} ON {table.name} {columns}{nulls}\n    {predicate}"


def _index_name(table: TableText, columns: tuple[object, ...]) -> str:
    names = [getattr(t, "name", "") for t in columns]
    name = "_".join([table.plain_name, *filter(None, names), "key"])[:63]
    return shown(name)


def trailing_comma(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Remove a comma before the parenthesis that closes the table."""
    table = table_text(statement)
    if table is None or refusal.code != "42601" or not _points_at(statement, refusal, ")"):
        return None
    comma = table.items[-1].comma
    if comma is None:
        return None
    return Suggestion("there is a comma after the last column", edited(statement, [(comma.start, comma.end, "")]))


def quoted_default(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct DEFAULT "draft": double quotes are for names, single ones for strings."""
    if refusal.code != "0A000" or "DEFAULT" not in refusal.message:
        return None
    found = meaningful(statement)
    edits: list[Edit] = [
        (value.start, value.end, literal(value.name))
        for word, value in pairwise(found)
        if word.word == "DEFAULT" and value.kind == "quoted"
    ]
    if not edits:
        return None
    return Suggestion("strings are written in single quotes; double quotes are for names", edited(statement, edits))


def quoted_text(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct CHECK (status IN ("a", "b")): the same mistake where a column of that name is looked for."""
    table = table_text(statement)
    if refusal.code != "42703" or table is None:
        return None
    columns = {item.tokens[0].name for item in table.items}
    edits: list[Edit] = [
        (t.start, t.end, literal(t.name))
        for item in table.items
        for before, t in pairwise(item.tokens)
        if t.kind == "quoted" and t.name not in columns and before.word in ("(", ",", "=", "<>", "!=", "DEFAULT")
    ]
    if not edits:
        return None
    return Suggestion("strings are written in single quotes; double quotes are for names", edited(statement, edits))


def not_partitioned(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Remove a PARTITION OF an ordinary table: that changes no row and no key."""
    found = re.search(r'"([^"]+)" is not partitioned', refusal.message)
    words = [t.word for t in meaningful(statement)]
    if not found or "PARTITION" not in words:
        return None
    parent = found[1]
    return Suggestion(
        f"{parent} is an ordinary table, so it cannot have partitions",
        "",
        f"remove the partition: {parent} stays one table, as its keys and foreign keys require. "
        + _partitioned_instead(parent, statement, known),
    )


def _partitioned_instead(parent: str, statement: str, known: Knowledge) -> str:
    """Return the SQL of the table with partitions."""
    table = table_text(known.tables.get(parent, ""))
    column = _time_column(table) if table else None
    if table is None or column is None:
        return (
            "To have partitions, create it with PARTITION BY RANGE (column); its primary key must include that column"
        )
    keyed = [i for i in table.items if "PRIMARY" in i.words()]
    key = keyed[0].tokens[0].text if keyed and keyed[0].words()[0] not in ("PRIMARY", "CONSTRAINT") else "id"
    edits: list[Edit] = []
    for item in keyed:
        at = item.words().index("PRIMARY")
        edits.append((item.tokens[at].start, item.tokens[at + 1].end, ""))
    edits.append((table.items[-1].end, table.items[-1].end, f",\n    PRIMARY KEY ({key}, {column})"))
    edits.append((table.close + 1, len(table.text), f" PARTITION BY RANGE ({column})"))
    sql = re.sub(r" +(,|\n)", r"\1", re.sub(r"(\S)  +", r"\1 ", edited(table.text, edits)))
    return (
        "To have partitions instead, the primary key must include the partition column "
        f"(then no foreign key can reference {key} alone), "
        f"and rows outside all ranges need a default partition:\n{sql};\n{statement.strip()};\n"
        f"CREATE TABLE {parent}_default PARTITION OF {parent} DEFAULT;"
    )


def _time_column(table: TableText) -> str | None:
    times = [i for i in table.items if {"TIMESTAMPTZ", "TIMESTAMP", "DATE"} & set(i.words()[1:2])]
    required = [i for i in times if "NOT" in i.words()]
    return next((i.tokens[0].text for i in required or times), None)


def _points_at(statement: str, refusal: Refusal, word: str) -> bool:
    at = refusal.position
    return at is not None and statement[at : at + len(word)].upper() == word
