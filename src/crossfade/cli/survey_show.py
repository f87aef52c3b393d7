"""`crossfade survey show ENTITY`: show the shape of an entity from source.lock.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.cli.survey import planned
from crossfade.errors import Misused
from crossfade.model.counts import counted
from crossfade.model.names import choices
from crossfade.model.quoting import identifier
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, Shape, TypeStats, format_path, parse_path
from crossfade.move.records import Records

ENTITY = Annotated[str, typer.Argument(metavar="ENTITY", help="An entity of source.lock.json.")]

COLUMNS = ("path", "type", "count", "share", "values")
VALUE = 13
"""The number of characters shown of one value in a table, so that it usually fits 80 columns."""
_TIME = re.compile(r'(ISODate\()?"?\d{4,6}-\d\d-\d\d([T ][\d:.,+Z-]*)?"?\)?|Timestamp\(\d+, \d+\)')
_CALL = re.compile(r'\w+\("([^"]*)"\)')
"""A value that the shell writes as a call: `Type("...")`. The column before it has the type."""
_LENGTHS = {
    **dict.fromkeys(("string", "symbol", "text", "character varying", "character", "citext", "name"), "character"),
    "array": "element",
    "object": "field",
}
"""The unit of the lengths of a type; of other types, bytes."""


@command("crossfade survey show courses --project examples/scribe-tree")
def show(call: Invocation, entity: ENTITY) -> Answer:
    """Show the paths of an entity as a tree, each with its types, their counts, and their values.

    Reads only source.lock.json. Below the table are the keys of some records for each type that at most half of the
    values at its path have.
    """
    with call.move() as move:
        shapes, records = move.shapes, move.records
    if entity not in shapes:
        raise Misused(f"source.lock.json has no entity {entity!r}", hint=choices(entity, shapes))
    document, record = _document(records, shapes[entity]), shapes[entity].vocabulary.record
    return Answer(document, lambda screen: _draw(screen, records, document, record))


def _document(records: Records, shape: Shape) -> dict[str, Any]:
    return {
        "entity": shape.entity,
        "class": shape.entity_class,
        "plan": shape.plan,
        "documents": shape.count,
        "bytes": shape.bytes,
        "problems": dict(sorted(shape.problems.items())),
        "references": [{"to": str(one), "declared": one.declared, "orphans": one.orphans} for one in shape.references],
        "paths": [_place(records, path, node) for path, node in shape.root.walk() if path],
    }


def _place(records: Records, path: Path, node: Node) -> dict[str, Any]:
    total = node.missing + sum(stats.count for stats in node.types.values())
    by_count = sorted(node.types.items(), key=lambda item: (-item[1].count, item[0]))
    return {
        "path": format_path(path),
        "sql": None if node.engine == node.name or path[-1] in (ELEMENT, ENTRY) else node.engine,
        "depth": len(path) - 1,
        "missing": node.missing,
        "missing_share": _share(node.missing, total),
        "keys": _values(records, "string", node.names) if node.names is not None else None,
        "types": [
            {
                "type": kind,
                "count": stats.count,
                "share": _share(stats.count, total),
                "values": _values(records, kind, stats),
                "examples": list(stats.keys),
            }
            for kind, stats in by_count
        ],
    }


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def _values(records: Records, kind: str, stats: TypeStats) -> str:
    """Return what is known of the values in words: `1 to 30`, `"a" to "z", 1 to 8 characters`."""
    parts = []
    if stats.least is not None and stats.greatest is not None:
        parts.append(_range(records.key(stats.least), records.key(stats.greatest)))
    if stats.min_length is not None and stats.max_length is not None:
        unit = _LENGTHS.get(kind, "byte")
        parts.append(f"{_range(str(stats.min_length), str(stats.max_length))} {unit}{'s' * (stats.max_length != 1)}")
    if stats.distinct is not None:
        parts.append(f"{stats.distinct:,} distinct")
    return ", ".join(parts)


def _range(least: str, greatest: str) -> str:
    return least if least == greatest else f"{least} to {greatest}"


def _draw(screen: Screen, records: Records, document: dict[str, Any], record: str) -> None:
    screen.line(f"{document['entity']}: {counted(document['documents'], record)}, {document['class']}", "bold")
    screen.line(planned(document["plan"]))
    for reason, count in document["problems"].items():
        screen.line(f"{counted(count, record)} cannot be read: {reason}", "bold red")
    screen.line()
    screen.table(COLUMNS, [row for place in document["paths"] for row in _rows(place)], right=("count", "share"))
    _draw_references(screen, document["references"])
    _draw_examples(screen, records, document["paths"], record)


def _draw_references(screen: Screen, references: list[dict[str, Any]]) -> None:
    if references:
        screen.line("\nreferences, and the rows that refer to nothing", "bold")
    for one in references:
        undeclared = "" if one["declared"] else ", not declared"
        screen.line(f"  {one['to']}: {one['orphans']:,}{undeclared}")


def _draw_examples(screen: Screen, records: Records, places: list[dict[str, Any]], record: str) -> None:
    """Draw the keys of records with a less common type, below the table because they are wide."""
    found_in = [(place["path"], found) for place in places for found in place["types"] if found["examples"]]
    if found_in:
        screen.line(f"\nless common types, and the keys of some {record}s that hold them", "bold")
    for path, found in found_in:
        screen.line(f"  {path} ({found['type']}): {', '.join(map(records.key, found['examples']))}")


def _rows(place: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    name = "  " * place["depth"] + _last_step(place["path"])
    name += "" if place["sql"] is None else f" (in SQL {identifier(place['sql'])})"
    for found in place["types"]:
        values = f"a map, keys {place['keys']}" if place["keys"] and found["type"] == "object" else found["values"]
        yield name, found["type"], number(found["count"]), f"{found['share']:.1%}", _short(values)
        name = ""
    if place["missing"] or not place["types"]:
        yield name, "missing", number(place["missing"]), f"{place['missing_share']:.1%}", ""


def _short(values: str) -> str:
    """Return both ends of each long value, but times as they are. --json has all of it."""
    return "".join(map(_short_value, re.split(r"( to |, (?![^()]*\)))", values)))


def _short_value(value: str) -> str:
    if len(value) <= VALUE or _TIME.fullmatch(value):
        return value
    inside = _CALL.fullmatch(value)
    value = inside[1] if inside else value
    return value if len(value) <= VALUE else f"{value[:6]}…{value[-6:]}"


def _last_step(path: str) -> str:
    """Return the last step of a path as source.lock.json writes it."""
    return format_path(parse_path(path)[-1:])
