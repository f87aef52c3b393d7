"""Finds the records that the database itself would delete or change with another one: those that refer to it ON DELETE
or ON UPDATE CASCADE, SET NULL or SET DEFAULT, also by way of rows of tables that are no entities.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.quoting import identifier
from crossfade.model.sql_files import named_queries
from crossfade.records.rows.keys import key_of_texts, texts_of_key
from crossfade.stores.postgresql.reading.relations import Relation, Relations

Who = tuple[str, str]
DELETE, UPDATE = "confdeltype", "confupdtype"
CASCADE = "c"


@cache
def _queries() -> dict[str, str]:
    return named_queries(__package__, "cascades.sql")


@dataclass(frozen=True)
class _Reference:
    """A foreign key of an entity's `table`. `condition`: which of its rows, c, are deleted or changed with one of t.
    `columns`: those of t that are referred to.
    """

    entity: str
    table: str
    condition: str
    columns: frozenset[str]


@dataclass(frozen=True)
class _Through:
    """A foreign key of a table of no entity: its number, the table with its name in the query, what its rows have in
    common with those that they refer to, the columns that change, and those of t.
    """

    number: str
    table: str
    condition: str
    own: frozenset[str]
    columns: frozenset[str]


class Cascades:
    """The foreign keys between the tables of some entities."""

    def __init__(self, connection: psycopg.Connection[Any], relations: Relations, entities: Sequence[str]) -> None:
        self._connection, self._relations = connection, relations
        self._entities = {relations.by_name[name].oid: name for name in entities if name in relations.by_name}
        self._references: dict[tuple[str, str], list[_Reference]] = {}

    def held(self, deleted: Mapping[str, Sequence[str]]) -> set[Who]:
        """Return those of these records (entity -> keys) with which others would be deleted or changed: records of the
        entities that refer to them, and are not among them.
        """
        pairs = [
            pair
            for entity, keys in deleted.items()
            for one in self._references_to(entity, DELETE)
            for pair in self._pairs(entity, keys, one, len(deleted.get(one.entity, ())) + 1)
        ]
        everything = {(entity, key) for entity, keys in deleted.items() for key in keys}
        left = everything
        while out := {parent for parent, child in pairs if parent in left and child not in left}:
            left = left - out
        return everything - left

    def changed(self, updated: Mapping[Who, Collection[str]]) -> set[Who]:
        """Return the records that would be changed with these, of which some columns are updated."""
        found = set[Who]()
        for entity in sorted({entity for entity, _ in updated}):
            for one in self._references_to(entity, UPDATE):
                keys = [key for (of, key), columns in updated.items() if of == entity and one.columns & {*columns}]
                found |= {child for _, child in self._pairs(entity, keys, one, None)} if keys else set()
        return found

    def _references_to(self, entity: str, action: str) -> list[_Reference]:
        if (entity, action) not in self._references:
            oid = self._relations.relation(entity).oid
            self._references[entity, action] = list(self._found(action, oid, "t", ()))
        return self._references[entity, action]

    def _found(self, action: str, oid: str, parent: str, through: Sequence[_Through]) -> Iterator[_Reference]:
        """Yield what refers to a table, which the query calls `parent`, and is reached `through` tables of no entity:
        their rows are deleted, or the columns that are referred to are updated.
        """
        rows = self._connection.execute(_queries()["references"].format(oid=oid, action=action).encode()).fetchall()
        for number, of, table, how, own, others in rows:
            if number in {one.number for one in through} or (
                through and action == UPDATE and not through[-1].own & {*others}
            ):
                continue
            name = "c" if of in self._entities else f"m{len(through)}"
            pairs = zip(own, others, strict=True)
            same = " AND ".join(f"{name}.{identifier(c)} = {parent}.{identifier(p)}" for c, p in pairs)
            columns = through[0].columns if through else frozenset(others)
            if of in self._entities:
                yield _Reference(self._entities[of], table, _condition(through, same), columns)
            elif action == UPDATE or how == CASCADE:
                by = _Through(number, f"{table} AS {name}", same, frozenset(own), columns)
                yield from self._found(action, of, name, [*through, by])

    def _pairs(self, entity: str, keys: Sequence[str], one: _Reference, most: int | None) -> Iterator[tuple[Who, Who]]:
        """Yield the records with those that refer to them, at most so many for each (None: all)."""
        parent, child = self._relations.relation(entity), self._relations.relation(one.entity)
        own = self._relations.key(parent).columns
        names = [f"k{number}" for number in range(len(own))]
        query = sql.SQL(
            "SELECT k.n, {key} FROM ROWS FROM ({keys}) WITH ORDINALITY AS k({names}, n) JOIN {parent} AS t ON {same}"
            " CROSS JOIN LATERAL (SELECT * FROM {child} AS c WHERE {condition} LIMIT {most}) AS c"
        ).format(
            key=sql.SQL(", ").join(
                sql.SQL("c.{}::text").format(sql.Identifier(column.name))
                for column in self._relations.key(child).columns
            ),
            keys=sql.SQL(", ").join([sql.SQL("pg_catalog.unnest(%s::text[])")] * len(own)),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            parent=_name(parent),
            same=sql.SQL(" AND ").join(
                sql.SQL("t.{} = k.{}::{}").format(sql.Identifier(c.name), sql.Identifier(n), sql.SQL(c.cast))
                for n, c in zip(names, own, strict=True)
            ),
            child=sql.SQL(one.table),
            condition=sql.SQL(one.condition.replace("%", "%%")),
            most=sql.Literal(most),
        )
        texts = [list(column) for column in zip(*map(texts_of_key, keys), strict=True)]
        for number, *of in self._connection.execute(query, texts).fetchall():
            yield (entity, keys[number - 1]), (one.entity, key_of_texts(of))


def _condition(through: Sequence[_Through], same: str) -> str:
    if not through:
        return same
    tables = ", ".join(one.table for one in through)
    return f"EXISTS (SELECT FROM {tables} WHERE {' AND '.join([*(one.condition for one in through), same])})"


def _name(relation: Relation) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.Identifier(relation.schema), sql.Identifier(relation.table))
