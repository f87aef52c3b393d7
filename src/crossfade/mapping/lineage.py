"""The source paths that a target table, or one of its columns, is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossfade.errors import Misused
from crossfade.model.names import choices
from crossfade.model.program import DECIDES, LESS, WHOLE, Branch, Excerpt, Program, Use
from crossfade.model.shape import Path, Shape, format_path


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A path that is read, with the types that the survey saw there. `depth` and `keeps` are as in program.Use."""

    entity: str
    path: str
    depth: str
    keeps: str
    types: Mapping[str, int]
    missing: int


@dataclass(frozen=True)
class ColumnLineage:
    """A column: its expression in each SELECT, as written, and the paths that they read."""

    column: str
    expressions: tuple[Excerpt, ...]
    sources: tuple[SourcePlace, ...]


@dataclass(frozen=True)
class Lineage:
    """`steering` are the paths that feed no column but decide which rows are made."""

    table: str
    file: str
    entities: tuple[str, ...]
    columns: tuple[ColumnLineage, ...]
    steering: tuple[SourcePlace, ...]


def lineage(program: Program, shapes: Mapping[str, Shape], place: str) -> Lineage:
    """Return the lineage of `table` or `table.column`. Raises Misused if no mapping fills it."""
    table, column = _find(program, place)
    branches = [b for b in program.branches if b.table == table]
    uses = list(dict.fromkeys(use for b in branches for use in b.uses))
    columns = [column] if column is not None else list(dict.fromkeys(name for b in branches for name in b.outputs))
    return Lineage(
        table=table,
        file=program.files[table],
        entities=tuple(sorted({b.entity for b in branches})),
        columns=tuple(
            ColumnLineage(name, _expressions(branches, name), _places((u for u in uses if u.output == name), shapes))
            for name in columns
        ),
        steering=_places((u for u in uses if not u.output), shapes),
    )


def _find(program: Program, place: str) -> tuple[str, str | None]:
    """Return table and column. The name of a table in another schema contains a dot."""
    if place in program.files:
        return place, None
    table, _, column = place.rpartition(".")
    if table not in program.files:
        raise Misused(f"no mapping fills a table {table or place!r}", hint=choices(table or place, program.files))
    outputs = [name for b in program.branches if b.table == table for name in b.outputs]
    if column not in outputs:
        raise Misused(f"{program.files[table]} does not fill a column {column!r}", hint=choices(column, outputs))
    return table, column


def _expressions(branches: Iterable[Branch], column: str) -> tuple[Excerpt, ...]:
    """Return one expression for each different text."""
    found = {b.excerpts[column].text: b.excerpts[column] for b in reversed(list(branches)) if column in b.excerpts}
    return tuple(sorted(found.values(), key=lambda w: (w.line, w.column)))


def _places(uses: Iterable[Use], shapes: Mapping[str, Shape]) -> tuple[SourcePlace, ...]:
    seen: dict[tuple[str, Path, str], list[str]] = {}
    for use in uses:
        seen.setdefault((use.entity, use.path, use.depth), []).append(use.keeps if use.output else DECIDES)
    return tuple(_place(*place, min(keeps, key=_KEPT.index), shapes[place[0]]) for place, keeps in seen.items())


_KEPT = (WHOLE, LESS, DECIDES)


def _place(entity: str, path: Path, depth: str, keeps: str, shape: Shape) -> SourcePlace:
    node = shape.node(path)
    types = {name: stats.count for name, stats in sorted(node.types.items())} if node else {}
    return SourcePlace(entity, format_path(path), depth, keeps, types, node.missing if node else 0)
