"""Find what crosses the border of a group of entities: after its cutover, the two ends are written on two sides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from crossfade.model.findings import Finding
from crossfade.model.names import nearest
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema
from crossfade.project import Settings

KIND = "group"


def crossings(
    settings: Settings,
    program: Program,
    shapes: Mapping[str, Shape],
    schema: TargetSchema | None,
    rules: Mapping[str, str],
    inverses: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield a fault for everything that crosses a border, with the two entities. `rules` and `inverses` are the SQL of
    each, over the target's tables.
    """
    if not settings.groups:
        return
    if settings.target.schema_ != "live":
        message = "groups fill tables that exist before the first of them is moved"
        yield Finding("fault", KIND, "target.schema", message, 'create the tables, and set schema = "live"')
    yield from _unknown(settings, shapes)
    borders = _Borders(settings, program)
    yield from borders.lookups()
    yield from borders.shared_tables()
    if schema is not None:
        yield from borders.foreign_keys(schema)
    yield from borders.references(shapes)
    for name, sql in rules.items():
        yield from borders.read_by(f"rules/{name}.sql", sql)
    for entity, sql in inverses.items():
        yield from borders.read_by(f"inverse/{entity}.sql", sql, entity)


def _unknown(settings: Settings, shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    for name, entities in settings.groups.items():
        for entity in entities:
            if entity not in shapes:
                message = f"the group {name} names {entity}, which is not in source.lock.json"
                yield Finding("fault", KIND, entity, message, nearest(entity, shapes))


class _Borders:
    def __init__(self, settings: Settings, program: Program) -> None:
        self._settings, self._program = settings, program
        self._feeders: dict[str, list[str]] = defaultdict(list)
        for feed in program.feeds.values():
            for table in dict.fromkeys(branch.table for branch in feed.branches):
                self._feeders[table].append(feed.entity)

    def _fault(self, place: str, one: str, other: str, what: str) -> Iterator[Finding]:
        of = self._settings.group_of
        if of(one) != of(other):
            message = f"{what}: {one} is in the group {of(one)}, {other} in {of(other)}"
            yield Finding("fault", KIND, place, message, f"put {one} and {other} into one group in [groups]")

    def lookups(self) -> Iterator[Finding]:
        for feed in self._program.feeds.values():
            for branch in feed.branches:
                for entity in dict.fromkeys(lookup.entity for lookup in branch.lookups):
                    yield from self._fault(
                        branch.file, feed.entity, entity, f"the mapping of {branch.table} looks up {entity}"
                    )

    def shared_tables(self) -> Iterator[Finding]:
        for table, entities in self._feeders.items():
            for other in entities[1:]:
                yield from self._fault(table, entities[0], other, f"{entities[0]} and {other} fill the same table")

    def foreign_keys(self, schema: TargetSchema) -> Iterator[Finding]:
        for table in schema.tables:
            for key in table.foreign_keys:
                what = f"the foreign key {key.name} refers to {key.parent}"
                for child in self._feeders.get(table.name, ())[:1]:
                    for parent in self._feeders.get(key.parent, ())[:1]:
                        yield from self._fault(table.name, child, parent, what)

    def references(self, shapes: Mapping[str, Shape]) -> Iterator[Finding]:
        """Yield the references that the source declares; it does not enforce those that only names suggest."""
        for shape in shapes.values():
            for one in shape.references:
                if one.declared and one.to in self._program.feeds:
                    yield from self._fault(shape.entity, shape.entity, one.to, f"the source declares {one}")

    def read_by(self, file: str, sql: str, entity: str = "") -> Iterator[Finding]:
        """Yield a fault if SQL reads tables of two groups; `entity` is that whose records it makes, if any. If the SQL
        does not parse here, every word in it may be a table.
        """
        try:
            parsed = sqlglot.parse_one(sql, read="postgres" if not entity else "duckdb")
            names = {".".join(filter(None, (t.db, t.name))) for t in parsed.find_all(exp.Table)}
        except SqlglotError:
            names = set(re.findall(r"[\w.]+", sql))
        found = [entity] if entity else []
        found += [one for name in sorted(names) for one in self._feeders.get(name, ())[:1]]
        for other in dict.fromkeys(found[1:]):
            yield from self._fault(file, found[0], other, f"it reads tables of {found[0]} and of {other}")
