"""The club in real databases: how its source is created, written and read, and how its target is read. With the
drivers alone; nothing here is Crossfade's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import club
import psycopg
import pymongo
from club import Document, Row, Who
from club_projects import DOCUMENT_INDEXES, SOURCE_SCHEMA
from psycopg import sql
from psycopg.rows import dict_row


@dataclass(frozen=True)
class Effect:
    """A record as it is after a write, or None. `before`: what it was, if that is known. `moved_from`: the primary key
    that it had. `implied`: the database does it itself (a cascade).
    """

    entity: str
    key: Any
    doc: Document | None
    before: Document | None = None
    moved_from: Any = None
    implied: bool = False


@dataclass(frozen=True)
class Change:
    """What is written at once: several effects are one transaction. `bulk`: fields that one statement sets in all."""

    effects: Sequence[Effect]
    bulk: Document | None = None


State = dict[str, dict[Any, Document]]


class Source(Protocol):
    """A connection to the source."""

    rows: bool
    """Whether the records are rows: lines are an entity, and a primary key can change."""

    def write(self, changes: Sequence[Change]) -> None:
        """Write the changes; each is durable when this returns. If it raises, each may be or not."""
        ...

    def read(self) -> State: ...

    def close(self) -> None: ...


# -- MongoDB


class Documents:
    rows = False

    def __init__(self, url: str) -> None:
        self.client = pymongo.MongoClient[Document](url, retryWrites=False, serverSelectionTimeoutMS=20_000)
        self.db = self.client.get_default_database()

    def create(self, state: State) -> None:
        for entity, records in state.items():
            self.db.create_collection(entity)
            if records:
                self.db[entity].insert_many([_stored(key, doc) for key, doc in records.items()])
        for entity, field in DOCUMENT_INDEXES.items():
            self.db[entity].create_index(field)

    def write(self, changes: Sequence[Change]) -> None:
        for alone, run in groupby(changes, key=lambda change: len(change.effects) == 1 or change.bulk is not None):
            if alone:
                self._each(run)
            else:
                for change in run:
                    self._together(change)

    def _each(self, changes: Iterable[Change]) -> None:
        requests: dict[str, list[Any]] = {}
        for change in changes:
            entity = change.effects[0].entity
            requests.setdefault(entity, []).append(_update_many(change) if change.bulk else _request(change.effects[0]))
        for entity, listed in requests.items():
            self.db[entity].bulk_write(listed)

    def _together(self, change: Change) -> None:
        with self.client.start_session() as session, session.start_transaction():
            for effect in change.effects:
                self.db[effect.entity].bulk_write([_request(effect)], session=session)

    def read(self) -> State:
        entities = [name for name in club.ENTITIES if name != "lines"]
        return {name: {d.pop("_id"): d for d in self.db[name].find()} for name in entities}

    def close(self) -> None:
        self.client.close()


def _stored(key: Any, doc: Document) -> Document:
    return {"_id": key, **doc}


def _request(effect: Effect) -> Any:
    if effect.doc is None:
        return pymongo.DeleteOne({"_id": effect.key})
    if effect.before is None:
        return pymongo.ReplaceOne({"_id": effect.key}, dict(effect.doc), upsert=True)
    return pymongo.UpdateOne({"_id": effect.key}, {"$set": _changed(effect)})


def _update_many(change: Change) -> Any:
    return pymongo.UpdateMany({"_id": {"$in": [e.key for e in change.effects]}}, {"$set": change.bulk})


def _changed(effect: Effect) -> Document:
    assert effect.doc is not None
    before = effect.before or {}
    return {name: value for name, value in effect.doc.items() if name not in before or before[name] != value}


# -- PostgreSQL


class Tables:
    rows = True

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, connect_timeout=30)

    def create(self, state: State) -> None:
        self.connection.execute(SOURCE_SCHEMA)
        for entity, records in state.items():
            for key, doc in records.items():
                self.connection.execute(*_insert(Effect(entity, key, doc)))

    def write(self, changes: Sequence[Change]) -> None:
        """Sent together, each in a transaction of its own."""
        with self.connection.pipeline():
            for change in changes:
                self.connection.execute("BEGIN")
                for statement, values in _statements(change):
                    self.connection.execute(statement, values)
                self.connection.execute("COMMIT")

    def read(self) -> State:
        with self.connection.transaction(), self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found: State = {}
            for name in club.ENTITIES:
                listed = cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
                found[name] = {row.pop("id"): row for row in listed}
            return found

    def close(self) -> None:
        self.connection.close()


Statement = tuple[sql.Composed, list[Any]]


def _statements(change: Change) -> list[Statement]:
    if change.bulk is not None:
        return [_update(change.effects[0].entity, [e.key for e in change.effects], change.bulk)]
    return [_statement(effect) for effect in change.effects if not effect.implied]


def _statement(effect: Effect) -> Statement:
    if effect.moved_from is not None:
        assert effect.doc is not None
        return _update(effect.entity, [effect.moved_from], {"id": effect.key, **_changed(effect)})
    if effect.doc is None:
        return sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(effect.entity)), [effect.key]
    if effect.before is None:
        return _insert(effect)
    return _update(effect.entity, [effect.key], _changed(effect))


def _insert(effect: Effect) -> Statement:
    names = ["id", *(effect.doc or {})]
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET ({}) = ROW ({})").format(
        sql.Identifier(effect.entity),
        _listed(names),
        sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        _listed(names),
        sql.SQL(", ").join(sql.SQL("excluded.") + sql.Identifier(name) for name in names),
    )
    return query, [effect.key, *(effect.doc or {}).values()]


def _update(entity: str, keys: list[Any], fields: Document) -> Statement:
    sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in fields)
    query = sql.SQL("UPDATE {} SET {} WHERE id = ANY(%s)").format(sql.Identifier(entity), sets)
    return query, [*fields.values(), keys]


def _listed(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def connect(url: str) -> Documents | Tables:
    return Documents(url) if url.startswith("mongodb") else Tables(url)


# -- the target, and what the move says of it


OF_TABLES = {
    "cities": "SELECT id, name, stamp FROM cities",
    "teams": "SELECT id, name, slug, city_id, city_name, chief_id, stamp FROM teams",
    "team_sizes": "SELECT team_id, members FROM team_sizes",
    "people": "SELECT id, email, age, team_id, boss_id, team_name, bio, stamp FROM people",
    "tags": "SELECT person_id, place, tag FROM tags",
    "handles": "SELECT handle, holder FROM handles",
    "orders": "SELECT id, person_id, amount, stamp, skus FROM orders",
    "lines": "SELECT id, order_id, sku, qty, stamp FROM lines",
}
OPEN = "SELECT entity, record_key, reason FROM crossfade.quarantine WHERE state = 'open'"
OPEN_OF_DOCUMENTS = ({"state": "open"}, {"entity": 1, "record_key": 1, "reason": 1})


def read_target(url: str) -> tuple[dict[str, Counter[Row]], dict[Who, str]]:
    """Return the target's rows, and the open entries of quarantine with their reasons."""
    return _of_collections(url) if url.startswith("mongodb") else _of_tables(url)


def _of_tables(url: str) -> tuple[dict[str, Counter[Row]], dict[Who, str]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tables = {name: Counter(map(_hashable, connection.execute(query))) for name, query in OF_TABLES.items()}
        return tables, _entries(connection.execute(OPEN).fetchall())


def _of_collections(url: str) -> tuple[dict[str, Counter[Row]], dict[Who, str]]:
    with pymongo.MongoClient[Document](url) as client:
        db, tables = client.get_default_database(), dict[str, Counter[Row]]()
        for name, query in OF_TABLES.items():
            columns = [c.strip() for c in query.removeprefix("SELECT ").partition(" FROM ")[0].split(",")]
            rows = ([d.get("_id" if n == 0 else c) for n, c in enumerate(columns)] for d in db[name].find())
            tables[name] = Counter(map(_hashable, rows))
        tags = ((d["_id"], n, tag) for d in db["people"].find() for n, tag in enumerate(d["tags"], 1))
        tables["tags"] = Counter(tags)
        found = db["crossfade.quarantine"].find(*OPEN_OF_DOCUMENTS)
        return tables, _entries((e["entity"], e["record_key"], e["reason"]) for e in found)


def _hashable(row: Sequence[Any]) -> Row:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)


def _entries(found: Iterable[Sequence[Any]]) -> dict[Who, str]:
    return {(entity, key_of(entity, key)): reason for entity, key, reason in found}


def key_of(entity: str, text: str) -> Any:
    """Return the key that the text in the journal names: canonical Extended JSON, or a JSON array of texts."""
    value = json.loads(text)
    if isinstance(value, list):
        (value,) = value
    if isinstance(value, dict):
        (value,) = value.values()
    return value if entity == "teams" else int(value)
