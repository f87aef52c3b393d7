"""The differences between two schemas, as rows of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossfade.model.described import Thing, plain
from crossfade.schema.compare import CHANGED, SchemaDifference
from crossfade.schema.side_by_side import SchemaDiff, TableDifferences

ABSENT = "-"


def rows(diff: SchemaDiff) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row of text for each difference: the table, what differs, and its form on both sides."""
    for table in diff.missing_tables:
        yield table, "table", "yes", ABSENT
    for table in diff.new_tables:
        yield table, "table", ABSENT, "yes"
    for found in diff.tables:
        yield from ((found.table, *_row(diff, d)) for d in found.differences)
    yield from ((plain(d.of) or ABSENT, *_row(diff, d)) for d in diff.others)


def _row(diff: SchemaDiff, difference: SchemaDifference) -> tuple[str, str, str]:
    of_table = difference.thing == "relation" and difference.kind == CHANGED
    what = difference.what if of_table else f"{difference.what} {_short_name(difference)}"
    fact = f": {difference.fact}" if difference.fact else ""
    one, other = _sides(diff, difference)
    return what + fact, ABSENT if one is None else one, ABSENT if other is None else other


def _sides(diff: SchemaDiff, difference: SchemaDifference) -> tuple[str | None, str | None]:
    """Return what each of the schemas has, or None."""
    if difference.kind == CHANGED:
        return difference.expected, difference.found
    key = (difference.thing, difference.name)
    return _shown(diff.one.get(key)), _shown(diff.other.get(key))


def _short_name(difference: SchemaDifference) -> str:
    """Return the name without the table that it is part of."""
    name, of = plain(difference.name), plain(difference.of)
    return name.removeprefix(f"{of}.").removeprefix(f"{of}: ") if of else name


def _shown(thing: Thing | None) -> str | None:
    """Return the description of a thing, on one line."""
    if thing is None:
        return None
    if thing.kind == "column":
        return ", ".join(_of_column(thing))
    return thing.facts.get("definition") or "yes"


def _of_column(thing: Thing) -> Iterator[str]:
    yield thing.facts.get("type") or "no type"
    if "definition" in thing.facts:  # SQLite keeps the text
        if thing.facts["definition"]:
            yield thing.facts["definition"]
        return
    if "not null" in thing.facts:
        yield "NOT NULL"
    for fact in ("default", "identity", "generated"):
        if fact in thing.facts:
            yield f"{fact} {thing.facts[fact]}"


def _column_name(thing: Thing) -> str:
    return plain(thing.name).removeprefix(f"{plain(thing.of)}.")


def _is_nullable(thing: Thing) -> bool:
    return "not null" not in thing.facts


def as_json(found: SchemaDiff, source: str, destination: str) -> dict[str, Any]:
    """Return the differences as the document that `schema diff --json` prints."""
    return {
        "equal": found.equal,
        "source": source,
        "destination": destination,
        "summary": {
            "missing_tables": len(found.missing_tables),
            "new_tables": len(found.new_tables),
            "tables_with_differences": len(found.tables),
        },
        "missing_tables": list(found.missing_tables),
        "new_tables": list(found.new_tables),
        "tables": [_table(found, table) for table in found.tables],
        "others": [_difference(found, d) for d in found.others],
    }


def _table(found: SchemaDiff, table: TableDifferences) -> dict[str, Any]:
    return {
        "table": table.table,
        "missing_columns": [_column(c) for c in table.missing],
        "new_columns": [_column(c) for c in table.new],
        "changed_columns": [_changed(one, other) for one, other in table.changed],
        "differences": [_difference(found, d) for d in table.differences],
    }


def _column(column: Thing) -> dict[str, Any]:
    return {
        "column": _column_name(column),
        "type": column.facts.get("type"),
        "nullable": _is_nullable(column),
    }


def _changed(one: Thing, other: Thing) -> dict[str, Any]:
    return {
        "column": _column_name(one),
        "source_type": one.facts.get("type"),
        "destination_type": other.facts.get("type"),
        "source_nullable": _is_nullable(one),
        "destination_nullable": _is_nullable(other),
    }


_KINDS = {"missing": "missing", "extra": "new", "changed": "changed"}


def _difference(found: SchemaDiff, difference: SchemaDifference) -> dict[str, Any]:
    one, other = _sides(found, difference)
    return {
        "kind": _KINDS[difference.kind],
        "what": difference.what,
        "name": difference.shown,
        "of": difference.of.removeprefix("public.") or None,
        "fact": difference.fact or None,
        "source": one,
        "destination": other,
    }
