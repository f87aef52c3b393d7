"""The tables of a feed: the key of each, and the replica identity of its changed rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfade.errors import Refused
from crossfade.model.quoting import identifier, qualified
from crossfade.stores.contract.changes import BY_KEY, NamedBy
from crossfade.stores.postgresql.changes.control import queries
from crossfade.stores.postgresql.reading.relations import PARTITIONED, TABLE, Ask, Relation, Relations, SourceColumn

FULL = "f"
COLUMN_LISTS, GENERATED = 150000, 180000
"""The versions from which a publication can name columns, and generated columns."""


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table with rows, or a partitioned one. `identity` is its relreplident, `columns` are the columns of that."""

    name: str
    kind: str
    persistence: str
    identity: str
    is_own: bool
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Followed:
    """A table of a feed. `not_followed` are columns of its key that cannot be followed, with the reason."""

    entity: str
    relation: Relation
    key: tuple[SourceColumn, ...]
    parts: tuple[TablePart, ...]
    not_followed: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return qualified(self.relation.schema, self.relation.table)

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that its messages need: those of the key, and those of every identity."""
        return frozenset(c.name for c in self.key).union(*(part.columns for part in self._holding))

    @property
    def is_whole(self) -> bool:
        """Return whether its messages must have all columns: otherwise the application's UPDATE would fail."""
        return any(part.identity == FULL for part in self._holding)

    @property
    def _holding(self) -> Sequence[TablePart]:
        return [part for part in self.parts if part.kind == TABLE]

    def published(self, version: int) -> str:
        """Return the table as a publication names it."""
        table = f"ONLY {self.name}" if self.relation.kind == TABLE else self.name
        if version < COLUMN_LISTS or self.is_whole:
            return table
        return f"{table} ({', '.join(identifier(name) for name in sorted(self.columns))})"

    def faults(self) -> Iterator[str]:
        """Yield why it cannot be published, one sentence each."""
        yield from self.faults_of_key()
        if self.key:
            yield from (fault for part in self.parts for fault in self._faults_of(part))

    def faults_of_key(self) -> Iterator[str]:
        """Yield why its changed rows cannot be named, one sentence each."""
        if self.relation.kind not in (TABLE, PARTITIONED):
            yield f"{self.entity} is not a table, so its changes are not in the log: discard it with a reason"
            return
        if not self.key:
            yield (
                f"{self.entity} has no key, so a changed row cannot be named: add a primary key, or a unique index over"
                " columns that are not null"
            )
            return
        yield from (f"{self.entity}: its key has the column {name}, {why}" for name, why in self.not_followed)

    def _faults_of(self, part: TablePart) -> Iterator[str]:
        if not part.is_own:
            yield f"{part.name}: only its owner can publish its changes (connect as the owner, or as a superuser)"
        if part.kind not in (TABLE, PARTITIONED):
            yield f"{part.name} is a foreign table, so its changes are not in this server's log"
        elif part.persistence != "p":
            yield f"{part.name} is not logged: ALTER TABLE {part.name} SET LOGGED"
        elif part.kind == TABLE and part.identity != FULL and not part.columns:
            yield (
                f"{part.name} has no replica identity, so the application's UPDATE and DELETE would fail once it is"
                f" published: add a primary key, or ALTER TABLE {part.name} REPLICA IDENTITY USING INDEX ..."
            )
        elif part.kind == TABLE and part.identity != FULL and (missing := {c.name for c in self.key} - part.columns):
            yield (
                f"{part.name}: its replica identity lacks {', '.join(sorted(missing))} of the key by which its rows are"
                f" known: ALTER TABLE {part.name} REPLICA IDENTITY DEFAULT, or USING INDEX ..."
            )


def followed(ask: Ask, entities: Sequence[str], version: int, named_by: NamedBy = BY_KEY) -> list[Followed]:
    """Return the tables of these entities as they are now. Raises Refused if one does not exist."""
    relations = Relations(ask)
    return [_followed(ask, relations, entity, version, named_by) for entity in entities]


def existing(
    ask: Ask, entities: Sequence[str], version: int, named_by: NamedBy = BY_KEY
) -> tuple[list[Followed], list[str]]:
    """Like `followed`, but return the entities that do not exist separately."""
    relations = Relations(ask)
    found, missing = [], []
    for entity in entities:
        try:
            found.append(_followed(ask, relations, entity, version, named_by))
        except Refused:
            missing.append(entity)
    return found, missing


def _followed(ask: Ask, relations: Relations, entity: str, version: int, named_by: NamedBy) -> Followed:
    relation = relations.relation(entity)
    key = relations.key(relation).columns
    if entity in named_by:
        columns = {column.name: column for column in relations.columns(relation)}
        key = tuple(columns[name] for name in named_by[entity] if name in columns)
    if relation.kind not in (TABLE, PARTITIONED):
        return Followed(entity, relation, key, ())
    parts = tuple(_part(row) for row in ask(queries()["parts"].replace("{oid}", relation.oid)))
    names = {column.name for column in key}
    not_followed = [
        row for row in ask(queries()["key_columns_not_followed"].replace("{oid}", relation.oid)) if row[0] in names
    ]
    return Followed(entity, relation, key, parts, tuple(_not_followed(not_followed, version)))


def _part(row: Sequence[str | None]) -> TablePart:
    name, kind, persistence, identity, is_own, columns = (value or "" for value in row)
    return TablePart(name, kind, persistence, identity, is_own == "true", frozenset(json.loads(columns)))


def _not_followed(rows: Sequence[Sequence[str | None]], version: int) -> Iterator[tuple[str, str]]:
    for name, generated, has_cast in rows:
        if generated and (generated == "v" or version < GENERATED):
            yield str(name), "which is computed and not in the log"
        elif has_cast == "true":
            yield str(name), "whose type has a conversion to text of its own, which the log does not use"
