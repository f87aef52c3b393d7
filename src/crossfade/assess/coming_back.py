"""Find, before the copy, what cannot be brought back from the target's rows to the source's records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crossfade.mapping.owners import without_owner
from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.inverse import Inverse
from crossfade.model.program import Program
from crossfade.model.shape import Shape, format_path, parse_path
from crossfade.model.target import ColumnType, TargetSchema, TargetTable
from crossfade.project import Discard


def coming_back(
    inverses: Sequence[Inverse],
    program: Program,
    shapes: Mapping[str, Shape],
    schema: TargetSchema,
    discards: Sequence[Discard],
    *,
    times_are_exact: bool,
    lost: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Yield a note for everything that records of the source cannot hold, or that the rows do not determine. `lost` are
    columns (table.column) whose changes may be lost, with the reason.
    """
    lost = lost or {}
    for column, reason in lost.items():
        yield Finding("note", "lost", column, f"a change of it does not come back, by decision: {reason}")
    for inverse in inverses:
        yield from (finding for finding in _of_entity(inverse) if finding.place not in lost)
    yield from _discarded(program, shapes, discards)
    yield from _without_owner(program, shapes, schema)
    mapped = {branch.table for branch in program.branches}
    for table in schema.tables:
        if table.name in mapped:
            yield from _of_table(table, program, shapes, times_are_exact=times_are_exact)
        else:
            yield Finding("note", "stays_there", table.name, "no mapping fills it: its rows do not come back")


def _of_entity(inverse: Inverse) -> Iterator[Finding]:
    if inverse.why is not None:
        hint = f"write inverse/{inverse.entity}.sql by hand"
        yield Finding("note", "no_inverse", inverse.entity, f"its records cannot be rebuilt: {inverse.why}", hint)
    for one in inverse.no_way_back:
        values = f" ({counted(one.count, 'value')})" if one.count else ""
        message = f"{one.reason}{values}: a change of it is refused"
        yield Finding("note", "no_way_back", f"{one.table}.{one.column}", message, one.hint)
    for choice in inverse.chosen:
        message = (
            f"it is read from {', '.join((choice.place, *choice.others))}: a new value comes back in {choice.place}"
        )
        hint = f"if that is not its place, write inverse/{inverse.entity}.sql by hand"
        yield Finding("note", "chosen_place", f"{choice.table}.{choice.column}", message, hint)


def _without_owner(program: Program, shapes: Mapping[str, Shape], schema: TargetSchema) -> Iterator[Finding]:
    """Yield the tables whose new rows lead to no record."""
    tables = {table.name: table for table in schema.tables}
    for table, entities in sorted(without_owner(program, shapes, tables).items()):
        message = (
            f"a row that is inserted there leads to no record of {' or '.join(entities)}: it is set aside, and a"
            " rollback does not begin while there is one"
        )
        yield Finding("note", "no_owner", table, message, _SHARED if len(entities) > 1 else _OWNED)


_OWNED = "add a column with the root's key, or with uuid_of(...) of it"
_SHARED = (
    "a table for each entity, with a column of its key; or rollback.set_aside, which lets a rollback lose such rows"
)


def _discarded(program: Program, shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Yield the paths that are not copied: existing records keep them, but new records do not have them."""
    for discard in discards:
        if discard.path is None or discard.entity is None or discard.entity not in program.feeds:
            continue
        node = shapes[discard.entity].node(parse_path(discard.path))
        types = {} if node is None else {n: s for n, s in node.types.items() if not discard.types or n in discard.types}
        if count := sum(stats.count for stats in types.values()):
            place = f"{discard.entity}.{format_path(parse_path(discard.path))}"
            values = counted(count, "value is", "values are")
            message = f"{values} discarded: records that have such a value keep it, a new record has none"
            yield Finding("note", "not_rebuilt", place, message)


def _of_table(
    table: TargetTable, program: Program, shapes: Mapping[str, Shape], *, times_are_exact: bool
) -> Iterator[Finding]:
    branches = [branch for branch in program.branches if branch.table == table.name]
    filled = {name for branch in branches for name in branch.outputs}
    dates = {use.output for branch in branches for use in branch.uses if _is_date(shapes[use.entity], use.types)}
    for column in table.columns:
        place = f"{table.name}.{column.name}"
        if column.name not in filled and column.has_default and not column.generated:
            yield Finding("note", "stays_there", place, "no mapping fills it: its values do not come back")
    fine = [column.name for column in table.columns if column.name in dates and _is_finer(column.type)]
    if times_are_exact and fine:
        message = f"a date of the source has milliseconds: a finer time is refused ({', '.join(fine)})"
        yield Finding("note", "finer_times", table.name, message, _TIMES)


def _is_finer(kind: ColumnType) -> bool:
    return kind.kind in ("timestamptz", "timestamp") and (6 if kind.precision is None else kind.precision) > 3


_TIMES = 'timestamptz(3), or [inverse] times = "milliseconds"'


def _is_date(shape: Shape, types: frozenset[str]) -> bool:
    """Return whether a place holds dates of milliseconds."""
    return "date" in types and shape.vocabulary.uuids_are_bytes


__all__ = ["coming_back"]
