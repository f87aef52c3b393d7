"""The text of an inverse: laid out for people, who read it and may change it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.model.inverse import PLACE
from crossfade.model.inverse_names import output_name
from crossfade.model.quoting import identifier

_ROW = "#row"
_ELEMENT = "[]"


@dataclass(frozen=True)
class PlacedColumn:
    """A place (in the record, or in an element), and the SQL of its value."""

    steps: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Joined:
    """A table that is joined to the owner table by pairs of equal columns (own, the owner table's).

    `is_optional`: a record whose row is missing has none of these places.
    """

    table: str
    alias: str
    on: tuple[tuple[str, str], ...]
    columns: Sequence[PlacedColumn]
    is_optional: bool = False

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        return self.on or ((_ROW, _ROW),)


@dataclass(frozen=True)
class ElementTable:
    """A table with a row for each element of `array`, or, if `is_map`, for each field of it."""

    rows: Joined
    array: tuple[str, ...]
    is_map: bool
    position: str | None
    primary_key: tuple[str, ...]


def inverse_sql(
    head: str,
    owner: tuple[str, str],
    columns: Sequence[PlacedColumn],
    joined: Sequence[Joined],
    lists: Sequence[ElementTable],
) -> str:
    """Return the SELECT. `owner` is the owner table and its alias; `head` becomes a comment before it."""
    table, alias = owner
    outputs = [_output(column) for column in columns]
    for one in joined:
        outputs += _optional(one) if one.is_optional else [_output(column) for column in one.columns]
    outputs += [(f"{one.rows.alias}.items", one.array) for one in lists]
    text = [f"-- {line}" for line in textwrap.wrap(head, 116)]
    text.append("SELECT " + ",\n       ".join(_aligned(outputs)))
    text.append(f"FROM   {_table(table)} AS {alias}")
    text += [f"LEFT JOIN {_table(one.table)} AS {one.alias} ON {_on(one, alias)}" for one in joined]
    text += [_list_join(one, alias) for one in lists]
    return "\n".join(text) + "\n"


def _output(column: PlacedColumn) -> tuple[str, tuple[str, ...]]:
    return column.sql, column.steps or ("*",)


def _aligned(outputs: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    width = max((len(sql) for sql, _ in outputs if "\n" not in sql), default=0)
    for sql, steps in outputs:
        yield f"{sql.ljust(width)} AS {name_sql(output_name(steps))}"


def _optional(one: Joined) -> list[tuple[str, tuple[str, ...]]]:
    """Return the object that all places of an optional row are in, or the places themselves if there is none."""
    shared = _shared([column.steps for column in one.columns])
    if not shared:
        return [_output(column) for column in one.columns]
    inside = [PlacedColumn(column.steps[len(shared) :], column.sql) for column in one.columns]
    begins = f"CASE WHEN {one.alias}.{name_sql(one.keys[0][0])} IS NOT NULL THEN "
    return [(begins + _struct(inside, 7 + len(begins)) + " END", shared)]


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared = paths[0][:-1] if paths else ()
    for path in paths:
        while path[: len(shared)] != shared or len(path) == len(shared):
            shared = shared[:-1]
    return shared


def _list_join(one: ElementTable, owner: str) -> str:
    rows = one.rows
    place = f"{rows.alias}.{identifier(PLACE)}"
    order = [f"{rows.alias}.{name_sql(name)}" for name in ([one.position] if one.position else one.primary_key)]
    first = [] if one.position else [f"{place} NULLS LAST"]
    begins = "of_map(list(" if one.is_map else "list("
    fields = _struct([PlacedColumn((PLACE,), place), *rows.columns], 13 + len(begins))
    items = f"{begins}{fields} ORDER BY {', '.join([*first, *order])}){')' if one.is_map else ''}"
    keys = ", ".join(f"{rows.alias}.{name_sql(own)}" for own, _ in rows.keys)
    return "\n".join(
        [
            "LEFT JOIN (",
            f"    SELECT   {keys},",
            f"             {items} AS items",
            f"    FROM     {_table(rows.table)} AS {rows.alias}",
            f"    GROUP BY {keys}",
            f") AS {rows.alias} ON {_on(rows, owner)}",
        ]
    )


def _on(one: Joined, owner: str) -> str:
    return " AND ".join(f"{one.alias}.{name_sql(own)} = {owner}.{name_sql(other)}" for own, other in one.keys)


def _struct(columns: Sequence[PlacedColumn], indent: int) -> str:
    """Return a struct, a field a line, whose lines after the first are indented."""
    tree: dict[str, Any] = {}
    for column in columns:
        at = tree
        for step in column.steps[:-1]:
            if not isinstance(at.setdefault(step, {}), dict):
                break  # the whole object is a column, too
            at = at[step]
        else:
            at[column.steps[-1] if column.steps else _ELEMENT] = column.sql
    between = ",\n" + " " * (indent + 1)
    return "{" + between.join(f"{_text(name)}: {_field(sql)}" for name, sql in tree.items()) + "}"


def _field(sql: Any) -> str:
    if not isinstance(sql, dict):
        return str(sql)
    return "{" + ", ".join(f"{_text(name)}: {_field(inner)}" for name, inner in sql.items()) + "}"


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _table(name: str) -> str:
    return ".".join(name_sql(part) for part in name.split(".", 1))


def name_sql(name: str) -> str:
    """Return a name as SQL, quoted where it must be."""
    plain = name.isidentifier() and name.isascii() and name == name.lower() and name not in WORDS
    return name if plain else identifier(name)


WORDS = frozenset(
    """
    all analyse analyze and any array as asc at by case cast check collate column constraint create default desc
    distinct do else end except false fetch for foreign from go grant group having if in initially intersect into is it
    key lambda lateral leading limit no not null of offset on only or order position primary references returning select
    some table then to trailing true type union unique us user using value values when where window with
    """.split()
)
"""Words that are quoted as names: those that SQL reserves, and some that read badly."""

__all__ = ["WORDS", "ElementTable", "Joined", "PlacedColumn", "inverse_sql", "name_sql"]
