"""Compare the target's catalog with the schema that the move created, separately from the data and before reading it.

All values can be equal in a database that will lose, hide or refuse the next row. A table whose columns have changed
cannot be compared at all: this is reported for that table, and the others are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from crossfade.model.described import Described, unquoted
from crossfade.model.target import TargetTable
from crossfade.schema.compare import CHANGED, EXTRA, FAULT, MISSING, NOTE, SchemaDifference, compare
from crossfade.stores.contract import Ddl, Unsound
from crossfade.verify.verdict import SchemaVerdict

_READABLE = {"table", "partitioned table", "collection"}


def compare_schema(
    ddl: Ddl,
    expected: Described,
    fed: Sequence[TargetTable],
    unfed: Sequence[TargetTable] = (),
    elsewhere: Collection[str] = (),
) -> SchemaVerdict:
    """Compare the schema. `fed` are the tables that a mapping fills; `unfed` are tables that should have no rows.
    Tables `elsewhere` belong to other groups of entities, and are verified with those.
    """
    expected, found = _beside(expected, elsewhere, ddl), _beside(ddl.describe(), elsewhere, ddl)
    differences = list(_with_data(ddl, compare(expected, found), found))
    unread = {t.name: reason for t in fed if (reason := _unreadable(t, differences))}
    unread |= _hidden(ddl, [t for t in fed if t.name not in unread], found)
    unsound = [_as_difference(u) for u in ddl.unsound([*fed, *unfed])]
    readable = [t for t in fed if t.name not in unread]
    return SchemaVerdict(
        (
            *(d for d in differences if d.severity == FAULT),
            *_behind(ddl, readable),
            *(d for d in unsound if d.severity == FAULT),
            *(d for d in differences if d.severity != FAULT),
            *(d for d in unsound if d.severity != FAULT),
            *_filled(ddl, unfed, found),
        ),
        len(expected.things),
        unread,
    )


def _beside(found: Described, elsewhere: Collection[str], ddl: Ddl) -> Described:
    if not elsewhere:
        return found
    names = {*elsewhere, *(f"{ddl.default_schema()}.{name}" for name in elsewhere)}
    return replace(found, things=tuple(t for t in found.things if unquoted(t.of or t.name) not in names))


def _with_data(ddl: Ddl, differences: Sequence[SchemaDifference], found: Described) -> Iterator[SchemaDifference]:
    """Yield the differences. An unexpected table or column is a fault if it holds data; a partition's rows count as its
    table's.
    """
    partitions = {t.name for t in found.things if "partition of" in t.facts}
    for difference in differences:
        if difference.kind != EXTRA:
            yield difference
        elif difference.thing == "relation" and difference.what in _READABLE and difference.name not in partitions:
            (holds,) = ddl.holding_rows([difference.name]).values()
            yield _with_detail(difference, holds, "rows")
        elif difference.thing == "column":
            holds = ddl.holds_values(difference.of, difference.name)
            yield _with_detail(difference, holds, "values")
        else:
            yield difference


def _with_detail(difference: SchemaDifference, holds: bool | None, what: str) -> SchemaDifference:
    if holds is False:
        return replace(difference, detail=f"it holds no {what}")
    return replace(difference, severity=FAULT, detail=f"it holds {what}" if holds else "no privilege to read it")


def _unreadable(table: TargetTable, differences: Sequence[SchemaDifference]) -> str | None:
    """Return why the table's rows cannot be compared with those of the mapping, or None."""
    columns = {c.name for c in table.columns}
    name = f"{table.schema or 'public'}.{table.table}"
    altered = []
    for difference in differences:
        of = unquoted(difference.of or difference.name)
        if of not in (name, table.table):
            continue
        if difference.thing == "relation" and difference.kind == MISSING:
            return "the table is missing"
        if difference.thing == "relation" and difference.fact == "kind" and difference.found not in _READABLE:
            return f"it is a {difference.found}"
        column = unquoted(difference.name).removeprefix(of + ".")
        if difference.thing == "column" and column in columns:
            if difference.kind == MISSING:
                altered.append(f"the column {column} is missing")
            if difference.kind == CHANGED and difference.fact == "type":
                altered.append(f"the column {column} has another type")
    return ", ".join(altered) or None


def _hidden(ddl: Ddl, tables: Sequence[TargetTable], found: Described) -> dict[str, str]:
    """Return the tables that the role of the target URL may not read, or of which a policy hides rows from it."""
    places = _places(found, tables)
    holding = ddl.holding_rows(list(places))
    return {
        places[place]: "the role of the target URL cannot read all of its rows"
        for place, holds in holding.items()
        if holds is None
    }


def _places(found: Described, tables: Sequence[TargetTable]) -> dict[str, str]:
    """Map the names of the existing tables in the description to the names of the target tables."""
    named = {unquoted(t.name): t.name for t in found.things if t.kind == "relation" and t.what in _READABLE}
    pairs = ((named.get(f"{t.schema or 'public'}.{t.table}", named.get(t.table)), t.name) for t in tables)
    return {place: name for place, name in pairs if place is not None}


def _behind(ddl: Ddl, tables: Sequence[TargetTable]) -> Iterator[SchemaDifference]:
    for found in ddl.numbers_behind(tables):
        yield SchemaDifference(
            CHANGED, "sequence", "sequence", found.sequence, "", "next number", f"beyond {found.last}", str(found.next),
            detail=f"{found.table}.{found.column} holds numbers up to {found.last}",
        )  # fmt: skip


def _as_difference(found: Unsound) -> SchemaDifference:
    severity = FAULT if found.fails else NOTE
    return SchemaDifference(
        CHANGED, found.what, "content", found.name, "", found.fact, found.expected, found.found, severity, found.detail
    )


def _filled(ddl: Ddl, tables: Sequence[TargetTable], found: Described) -> Iterator[SchemaDifference]:
    """Yield rows in tables of the schema that no mapping fills. A trigger or another program may have written them."""
    for name, holds in sorted(ddl.holding_rows(list(_places(found, tables))).items()):
        if holds is not False:
            said = "some" if holds else "no privilege to read it"
            yield SchemaDifference(
                CHANGED, "table", "relation", name, "", "rows", "none", said, NOTE, "no mapping fills it"
            )
