"""Two schemas side by side: the differences that compare.py finds, table by table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from crossfade.model.described import OWNING, Described, Thing, plain
from crossfade.schema.compare import CHANGED, EXTRA, MISSING, SchemaDifference, compare

_TABLES = {"table", "partitioned table", "foreign table", "virtual table"}


@dataclass(frozen=True)
class TableDifferences:
    """The `differences` of a table that both schemas have, and what they mean for its columns.

    `changed` are columns with another type or nullability, as they are in each schema.
    """

    table: str
    missing: tuple[Thing, ...]
    new: tuple[Thing, ...]
    changed: tuple[tuple[Thing, Thing], ...]
    differences: tuple[SchemaDifference, ...]


@dataclass(frozen=True)
class SchemaDiff:
    """The tables that the other schema lacks (`missing`), adds (`new`) or defines differently. `others` are differences
    of no table.

    `one` and `other` give the things of both schemas by their kind and name.
    """

    one: Mapping[tuple[str, str], Thing]
    other: Mapping[tuple[str, str], Thing]
    missing_tables: tuple[str, ...]
    new_tables: tuple[str, ...]
    tables: tuple[TableDifferences, ...]
    others: tuple[SchemaDifference, ...]

    @property
    def equal(self) -> bool:
        return not (self.missing_tables or self.new_tables or self.tables or self.others)


def side_by_side(one: Described, other: Described, *, both_live: bool = True) -> SchemaDiff:
    """Compare two descriptions. Unless both are of live databases, what schema files do not declare is not compared:
    owners, privileges, settings, publications and subscriptions.
    """
    one, other = (one, other) if both_live else (_as_in_files(one), _as_in_files(other))
    mine, theirs = ({t.key: t for t in side.things} for side in (one, other))
    differences = compare(one, other)
    whole = [d for d in differences if d.thing == "relation" and d.kind != CHANGED and d.what in _TABLES]
    common = {t.name for t in one.things if t.kind == "relation" and t.what in _TABLES and t.key in theirs}
    rest = [d for d in differences if d not in whole]
    return SchemaDiff(
        mine,
        theirs,
        _names(d for d in whole if d.kind == MISSING),
        _names(d for d in whole if d.kind == EXTRA),
        tuple(_of_table(name, rest, mine, theirs) for name in sorted(common) if any(_is_of(d, name) for d in rest)),
        tuple(d for d in rest if not any(_is_of(d, name) for name in common)),
    )


def _as_in_files(described: Described) -> Described:
    things = (t for t in described.things if t.kind not in _NOT_IN_FILES)
    return replace(described, things=tuple(replace(t, facts=_declared(t.facts)) for t in things))


_NOT_IN_FILES = {"setting", "publication", "subscription"}


def _declared(facts: Mapping[str, str]) -> Mapping[str, str]:
    return {fact: value for fact, value in facts.items() if fact not in OWNING}


def _names(differences: Iterable[SchemaDifference]) -> tuple[str, ...]:
    return tuple(sorted(plain(d.name) for d in differences))


def _is_of(difference: SchemaDifference, table: str) -> bool:
    return table in (difference.of, difference.name if difference.thing == "relation" else None)


def _of_table(
    name: str,
    differences: Iterable[SchemaDifference],
    one: Mapping[tuple[str, str], Thing],
    other: Mapping[tuple[str, str], Thing],
) -> TableDifferences:
    own = tuple(d for d in differences if _is_of(d, name))
    columns = [d for d in own if d.thing == "column"]
    changed = {(d.thing, d.name) for d in columns if d.kind == CHANGED and d.fact in ("type", "not null")}
    return TableDifferences(
        plain(name),
        tuple(one[d.thing, d.name] for d in columns if d.kind == MISSING),
        tuple(other[d.thing, d.name] for d in columns if d.kind == EXTRA),
        tuple((one[key], other[key]) for key in one if key in changed),
        own,
    )
