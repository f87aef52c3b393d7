"""Find what is not the move's in a target: rows that others inserted or changed, and what others created on its tables.

A reset deletes rows and drops tables. The move's rows are known from the journal's record of every load
(`TargetTransaction.other_rows`); its tables, views and functions from the description recorded when the move began.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.errors import NotEmpty
from crossfade.model.counts import counted
from crossfade.model.described import Described, Thing, plain
from crossfade.model.target import TargetTable
from crossfade.schema.compare import CHANGED, EXTRA, SchemaDifference, compare
from crossfade.schema.undo import Undo
from crossfade.stores.contract import TargetTransaction

_NAMED = 3  # keys shown, of rows that are not the move's
_BODY = {"definition", "generated", "type", "kind", "base", "labels", "fields", "checks", "parts"}
"""Facts that define an object: if others changed one, they may want to keep it."""


@dataclass(frozen=True, slots=True)
class Other:
    """Something that is not the move's. `name` is the table (or view, ...) that `crossfade reset --including` takes."""

    name: str
    said: str


def rows_of_others(tx: TargetTransaction, table: TargetTable, there: int, noted: int) -> Iterator[Other]:
    """Yield the rows that are not the move's. The table holds `there` rows; the journal recorded `noted`."""
    found = tx.other_rows(table, limit=_NAMED)
    if found.count:
        more = ", ..." if found.count > len(found.keys) else ""
        keys = f" (key {'; '.join(found.keys)}{more})" if found.keys else ""
        said = f"{counted(found.count, 'row')} that this move did not write"
        yield Other(table.name, said + (", or that were changed since" if found.edits_show else "") + keys)
    elif there > noted:
        yield Other(table.name, f"{counted(there, 'row')}, of which the move wrote {noted:,}")


def built_by_others(tx: TargetTransaction, expected: Described | None, gone: Collection[str]) -> Iterator[Other]:
    """Yield what others created on, or changed of, the objects in `gone` (unquoted names), and would be dropped."""
    if expected is None:
        return
    found = tx.describe()
    things = {t.key: t for t in found.things}
    for difference in compare(expected, found):
        thing = things.get((difference.thing, difference.name))
        if thing is None:
            continue
        if difference.kind == EXTRA and (owner := _owner(thing, gone)):
            yield Other(owner, f"{difference.what} {difference.shown}")
        elif difference.kind == CHANGED and difference.fact in _BODY and expected.server == found.server:
            owner = next((n for n in (plain(thing.name), plain(thing.of)) if n in gone), None)
            if owner:
                yield Other(owner, f"{difference.what} {difference.shown}: its {difference.fact} was changed")


def _owner(thing: Thing, gone: Collection[str]) -> str | None:
    """Return the object in `gone` that the thing (a column, index, partition or owned sequence) is dropped with."""
    owned = thing.facts.get("owned by", "").rpartition(".")[0]
    return next((name for of in (thing.of, thing.parent, owned) if of and (name := plain(of)) in gone), None)


def values_of_others(
    tx: TargetTransaction, expected: Described | None, tables: Sequence[TargetTable], rows: Mapping[str, int]
) -> Iterator[Other]:
    """Yield the columns with values that others added to tables whose rows are deleted."""
    if expected is None:
        return
    emptied = {plain(_said(t)): t for t in tables if rows.get(t.name)}
    for difference in compare(expected, tx.describe()):
        table = emptied.get(plain(difference.of))
        if (
            table is not None
            and difference.kind == EXTRA
            and difference.thing == "column"
            and _holds(tx, table, difference)
        ):
            yield Other(table.name, f"column {difference.shown}, which holds values")


def _holds(tx: TargetTransaction, table: TargetTable, column: SchemaDifference) -> bool:
    short = column.name.removeprefix(column.of + ".")
    return tx.holds(table, short)


def _said(table: TargetTable) -> str:
    return f"{table.schema}.{table.table}" if table.schema else table.table


def names_of(drops: Iterable[Undo]) -> set[str]:
    """Return the unquoted names of what a reset drops."""
    return {plain(".".join(filter(None, d.plain))) if d.plain[1] else plain(d.name) for d in drops}


def require_none(others: Sequence[Other], including: Collection[str]) -> None:
    """Raise NotEmpty with everything that is not the move's and not named in `including`."""
    left = [o for o in others if o.name not in including]
    if not left:
        return
    names = list(dict.fromkeys(o.name for o in left))
    lines = [f"  {name}: {'; '.join(o.said for o in left if o.name == name)}" for name in names]
    options = " ".join(f"--including {shlex.quote(name)}" for name in dict.fromkeys([*including, *names]))
    raise NotEmpty(
        "the reset would delete data or objects that this move did not create; nothing was changed\n"
        + "\n".join(lines),
        hint=f"move them elsewhere, then crossfade reset; or delete them too: crossfade reset {options}",
    )
