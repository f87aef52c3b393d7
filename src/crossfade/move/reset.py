"""Undo a move: drop what it created in the target, and delete its rows from tables that existed before.

The journal says what is the move's: each step of the schema and each load of rows is recorded in the transaction that
executed it (others.py). A reset is one transaction of the target. Nothing is dropped with CASCADE: if an object of
others depends on a table of the move, the target refuses, and nothing is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from crossfade.errors import CrossfadeError, Refused
from crossfade.journal import agreement, journal
from crossfade.model.events import Listener, TargetReset
from crossfade.model.target import Step, TargetTable
from crossfade.move import cutting_back, groups, starting, way_back
from crossfade.move.context import Context
from crossfade.move.others import Other, built_by_others, names_of, require_none, rows_of_others, values_of_others
from crossfade.move.target_ownership import bring_up_to_date, find_move
from crossfade.schema import live
from crossfade.schema.triggers import Trigger, triggers_in
from crossfade.schema.undo import Undo, undo_of
from crossfade.stores.contract import RowRejected, TargetTransaction, need

_SHARED = {"SCHEMA": "schema", "EXTENSION": "extension", "FUNCTION": "function", "PROCEDURE": "procedure",
           "AGGREGATE": "aggregate"}  # fmt: skip
"""Kinds of objects that may have existed before a step created them, with their names in there_before."""


@dataclass(frozen=True)
class Reset:
    """What a reset does. `rows` counts the rows that are deleted from each table, `rows_in` the same by the names that
    tables have in `drops`; `kept` names what existed before the move, and what Crossfade cannot drop. In a live
    target tables are emptied, and `back` lists what is created on them again.
    """

    drops: tuple[Undo, ...] = ()
    rows: Mapping[str, int] | None = None
    kept: tuple[str, ...] = ()
    away: tuple[Step, ...] = ()
    emptied: tuple[TargetTable, ...] = ()
    back: tuple[Step, ...] = ()
    journal_schema: bool = False
    at_source: tuple[str, ...] = ()
    """What following created at the source, in words."""
    rows_in: Mapping[str, int] = field(default_factory=dict)
    silent: tuple[Trigger, ...] = ()
    """Triggers of the emptied tables that are for a DELETE, but do not fire for this one."""

    @property
    def row_count(self) -> int:
        return sum((self.rows or {}).values())


def plan(context: Context, including: Collection[str] = ()) -> Reset | None:
    """Return what a reset would do, or None if the target has no journal. Raises NotEmpty if it would delete rows or
    objects of others that are not named in `including`.
    """
    groups.require_one(context)
    if not context.has_journal:
        return None
    _require_own(context)
    bring_up_to_date(context)
    _read_schema(context)
    with _refusals_told(), context.transaction() as tx:
        found = _plan(context, tx, including, hold=False)
    return replace(found, at_source=starting.created(context) if starting.has_begun(context) else ())


def reset(context: Context, listen: Listener, including: Collection[str] = ()) -> Reset | None:
    """Reset the target. Raises Refused, with nothing changed, if others' objects depend on what would be dropped."""
    bring_up_to_date(context)
    with _locked(context) as there:
        if not there:
            return None
        _read_schema(context)
        at_source: tuple[str, ...] = ()
        if starting.has_begun(context):
            with _refusals_told(), context.transaction() as tx:
                _plan(context, tx, including, hold=False)  # raises before anything at the source is removed
            cutting_back.end_controller(context)
            at_source = starting.created(context)
            starting.finish(context)
            way_back.remove(context)
        cutting_back.remove_fences(context)
        with _refusals_told(), context.transaction() as tx:
            found = _plan(context, tx, including, hold=True)
            _carry_out(found, tx)
    listen(TargetReset(len(found.drops), found.row_count))
    return replace(found, at_source=at_source)


def _read_schema(context: Context) -> None:
    """Read the schema before the transaction, because reading it from the journal takes a transaction of its own."""
    if context.is_live:
        _ = context.schema


@contextmanager
def _refusals_told() -> Iterator[None]:
    """Report any statement that the target refuses, whether it counts or drops."""
    try:
        yield
    except RowRejected as error:
        raise _stays(error.message) from error
    except CrossfadeError as error:
        if type(error) is CrossfadeError:
            raise _stays(error.message) from error
        raise


def _stays(message: str) -> Refused:
    return Refused(
        f"the target refused the reset: {message}\n  nothing was changed",
        hint="drop the objects that depend on the move's tables, or use a new database",
    )


@contextmanager
def _locked(context: Context) -> Iterator[bool]:
    """Lock like target_ownership.locked, but independently of the schema files. Yield whether there is a journal."""
    with need(context.target.writer, context.target, "be written to").lock():
        there = context.has_journal
        if there:
            _require_own(context)
            context.take_over()
        try:
            yield there
        finally:
            context.takes_part = False


def _require_own(context: Context) -> None:
    move = find_move(context)
    if move is not None:
        agreement.require_own(move, context.target.url, context.project.name, move.schema_digest)


def _plan(context: Context, tx: TargetTransaction, including: Collection[str], *, hold: bool) -> Reset:
    """Plan the reset. With `hold`, the counted rows are locked against changes by others until `tx` ends."""
    noted: Counter[str] = Counter()
    for chunk in journal.chunks(tx):
        noted.update(chunk.rows)
    before = journal.there_before(tx)
    own_schema = context.target.traits.has_journal_schema and bool(before) and ("schema", "crossfade") not in before
    own_schema = own_schema and not any(groups.others(context))
    steps = journal.steps_with_sql(tx)
    expected = journal.expected(tx)
    if context.is_live:
        found, others = _plan_live(context, tx, hold, noted, {s.id for s in steps}, own_schema)
        others += values_of_others(tx, expected, found.emptied, found.rows or {})
        require_none(others, including)
        return replace(found, silent=tuple(_silent(tx, found)))
    drops, kept = _drops(steps, before)
    default = need(context.target.ddl, context.target, "be inspected").default_schema()
    rows, rows_in, others = _rows(tx, drops, noted, default, hold)
    require_none([*others, *built_by_others(tx, expected, names_of(drops))], including)
    _require_unneeded(tx, drops)
    return Reset(tuple(drops), rows, tuple(kept), journal_schema=own_schema, rows_in=rows_in)


def _silent(tx: TargetTransaction, found: Reset) -> list[Trigger]:
    emptied = {name for name, rows in (found.rows or {}).items() if rows}
    return (
        [t for t in triggers_in(tx.describe()) if t.table in emptied and "DELETE" in t.when.upper()] if emptied else []
    )


def _require_unneeded(tx: TargetTransaction, drops: Sequence[Undo]) -> None:
    """Raise Refused if an object of others needs something that the target would drop nevertheless."""
    broken = tx.left_broken([d.sql for d in drops])
    if broken:
        raise _stays(f"{', '.join(broken)} would no longer work without the move's tables")


def _drops(steps: list[Step], before: set[tuple[str, str]]) -> tuple[list[Undo], list[str]]:
    """Return what to drop, the most recently created first, and the names of what stays."""
    drops: list[Undo] = []
    kept: list[str] = []
    for step in reversed(steps):
        try:
            undo = undo_of(step)
        except LookupError:
            kept.append(step.id)
            continue
        if undo is None:
            continue
        if undo.kind in _SHARED and (not before or (_SHARED[undo.kind], _of_id(step)) in before):
            kept.append(step.id)
        elif undo.sql not in {d.sql for d in drops}:
            drops.append(undo)
    return sorted(drops, key=lambda d: d.kind != "CONSTRAINT"), kept


def _of_id(step: Step) -> str:
    return step.id.partition(" ")[2]


def _rows(
    tx: TargetTransaction, drops: list[Undo], noted: Mapping[str, int], default: str, hold: bool
) -> tuple[dict[str, int], dict[str, int], list[Other]]:
    """Return the number of rows of each table that still exists, by its name in mapping files and by that of its drop,
    and the rows that are not the move's.
    """
    rows: dict[str, int] = {}
    rows_in: dict[str, int] = {}
    others: list[Other] = []
    for drop in drops:
        if drop.kind != "TABLE" or drop.partition:
            continue
        schema, table = drop.plain
        name = table if schema in ("", default) else f"{schema}.{table}"
        target = TargetTable(name, schema or None, table, (), ())
        if (count := tx.count(target, hold=hold)) is not None:
            rows[name] = rows_in[drop.name] = count
            others += rows_of_others(tx, target, count, noted.get(name, 0))
    return rows, rows_in, others


def _plan_live(
    context: Context, tx: TargetTransaction, hold: bool, noted: Mapping[str, int], done: set[str], own_schema: bool
) -> tuple[Reset, list[Other]]:
    """Plan for a live target: existing tables stay, their rows are deleted, and what was dropped from them is created
    again. Nothing is deleted from a table that no longer exists.
    """
    if not noted and not done:
        return Reset(rows={}, journal_schema=own_schema), []
    schema = context.schema
    rows: dict[str, int] = {}
    others: list[Other] = []
    for table in schema.tables:
        if table.name not in noted and table.name not in context.fed_tables:
            continue
        if (count := tx.count(table, hold=hold)) is not None:
            rows[table.name] = count
            others += rows_of_others(tx, table, count, noted.get(table.name, 0))
    filled = set(rows)
    tables = tuple(t for t in schema.tables if t.name in filled)
    away = live.still_there(schema, filled, done)
    everything = {s.id for s in live.steps_before(schema, filled)} | done
    found = Reset(
        rows=rows, away=away, emptied=tables, back=live.steps_after(schema, filled, everything),
        journal_schema=own_schema,
    )  # fmt: skip
    return found, others


def _carry_out(found: Reset, tx: TargetTransaction) -> None:
    for step in found.away:
        tx.run(step.sql)
    for table in found.emptied:
        tx.empty(table, beside=found.emptied)
    for step in found.back:
        tx.run(step.sql)
    for drop in found.drops:
        tx.run(drop.sql)
    journal.drop(tx)
    if found.journal_schema:
        tx.run("DROP SCHEMA IF EXISTS crossfade")
