"""`crossfade explain TABLE.COLUMN`: what of the source stands behind a column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import sqlglot
import typer
from sqlglot import exp

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused
from crossfade.mapping.program import Branch, Program, Use
from crossfade.mapping.resolve import nearest
from crossfade.model.shape import Shape, format_path
from crossfade.move import Move

PLACE = Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="A target table, or one of its columns.")]

_DEPTHS = {"value": "", "whole": " (with all below it)", "rest": " (all that no mapping mentions)"}


@command("crossfade explain courses.max_students --project examples/scribe-tree")
def explain(call: Invocation, place: PLACE) -> Answer:
    """Show the source paths behind a target column, with their types and counts as the survey saw them.

    Paths that only steer (they decide in WHERE, ON or GROUP BY which rows there are) are shown apart.
    """
    with call.move() as move:
        table, column = _find(move.program, place)
        document = _document(move, table, column)
    return Answer(document, lambda screen: _draw(screen, document))


def _find(program: Program, place: str) -> tuple[str, str | None]:
    """Table and column; a table of another schema has a point in its name. Raises Misused for what is not mapped."""
    if place in program.files:
        return place, None
    table, _, column = place.rpartition(".")
    if table not in program.files:
        hint = nearest(table or place, program.files)
        raise Misused(f"no mapping fills a table {table or place!r}", hint=hint)
    outputs = [name for b in program.branches if b.table == table for name in b.outputs]
    if column not in outputs:
        raise Misused(f"{program.files[table]} does not fill a column {column!r}", hint=nearest(column, outputs))
    return table, column


def _document(move: Move, table: str, column: str | None) -> dict[str, Any]:
    branches = [b for b in move.program.branches if b.table == table]
    uses = list(dict.fromkeys(u for b in branches for u in b.uses))
    text = (move.project.mapping_dir / f"{table}.sql").read_text(encoding="utf-8")
    expressions = expressions_of(text)
    return {
        "table": table,
        "file": move.program.files[table],
        "entities": sorted({b.entity for b in branches}),
        "columns": [
            {
                "column": name,
                "expressions": expressions.get(name, []),
                "sources": _places((u for u in uses if u.output == name), move.shapes),
            }
            for name in ([column] if column else _outputs(branches))
        ],
        "steering": _places((u for u in uses if not u.output), move.shapes),
    }


def _outputs(branches: Iterable[Branch]) -> list[str]:
    return list(dict.fromkeys(name for branch in branches for name in branch.outputs))


def expressions_of(text: str) -> dict[str, list[str]]:
    """Output -> what each SELECT of the mapping says for it. Parts of a UNION ALL take the names of the first."""
    (statement,) = (s for s in sqlglot.parse(text, read="duckdb") if s is not None)
    selects = list(_selects(statement))
    names = [projection.alias_or_name for projection in selects[0].selects]
    found: dict[str, list[str]] = {name: [] for name in names}
    for select in selects:
        for name, projection in zip(names, select.selects, strict=False):
            sql = projection.unalias().sql("duckdb", comments=False, normalize_functions=False)
            if sql not in found[name]:
                found[name].append(sql)
    return found


def _selects(statement: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(statement, exp.Union):
        yield from _selects(statement.this)
        yield from _selects(statement.expression)
    elif isinstance(statement, exp.Subquery):
        yield from _selects(statement.this)
    elif isinstance(statement, exp.Select):
        yield statement


def _places(uses: Iterable[Use], shapes: Mapping[str, Shape]) -> list[dict[str, Any]]:
    return [_place(use, shapes[use.entity]) for use in uses]


def _place(use: Use, shape: Shape) -> dict[str, Any]:
    node = shape.node(use.path)
    types = {name: stats.count for name, stats in sorted(node.types.items())} if node else {}
    return {
        "entity": use.entity,
        "path": format_path(use.path),
        "depth": use.depth,
        "types": types,
        "missing": node.missing if node else 0,
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    screen.line(f"{document['table']}: {document['file']}, of {', '.join(document['entities'])}")
    for column in document["columns"]:
        screen.line(f"\n{column['column']}", "bold")
        for sql in column["expressions"]:
            screen.line(f"  = {sql}")
        _draw_places(screen, column["sources"])
        if not column["sources"]:
            screen.line("    a constant: nothing of the source")
    if document["steering"]:
        screen.line("\nwhat only steers (WHERE, ON, GROUP BY)", "bold")
        _draw_places(screen, document["steering"])


def _draw_places(screen: Screen, places: Iterable[dict[str, Any]]) -> None:
    for place in places:
        types = ", ".join(f"{name} x {number(count)}" for name, count in place["types"].items()) or "never seen"
        missing = f", missing x {number(place['missing'])}" if place["missing"] else ""
        screen.line(f"    {place['entity']}.{place['path']}{_DEPTHS.get(place['depth'], '')}: {types}{missing}")
