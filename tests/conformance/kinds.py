"""The stores under test: how each is opened, filled as a source, and given tables as a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bson.raw_bson import RawBSONDocument
from documents_of import schema_in_documents
from gaps import Gap

from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.target import TargetSchema, TargetTable
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import canonical, to_bson
from crossfade.records.codec import Codec
from crossfade.schema.statements import split
from crossfade.stores.contract import Ddl, Inspector, Reader, RowReader, Store, TargetTransaction, Writer, need
from crossfade.stores.memory.database import database
from crossfade.stores.open import open_store
from crossfade.testing.dump_writer import write_archive, write_dump_folder

Entities = Mapping[str, Sequence[bytes]]
"""Records by entity, as BSON."""


@dataclass(frozen=True)
class Source:
    """A source that holds what a test asked for. `url` opens it again."""

    kind: str
    url: str
    store: Store

    @property
    def reader(self) -> Reader:
        return need(self.store.reader, self.store, "read records")

    @property
    def inspector(self) -> Inspector:
        return need(self.store.inspector, self.store, "be looked into")

    @property
    def codec(self) -> Codec:
        return need(self.store.codec, self.store, "read records")

    def everything(self, entity: str) -> list[bytes]:
        return [one for raw in self.reader.scan(entity) for one in self.codec.split(raw)]


@dataclass(frozen=True)
class Target:
    """An empty target."""

    kind: str
    url: str
    store: Store

    @property
    def writer(self) -> Writer:
        return need(self.store.writer, self.store, "be written to")

    @property
    def row_reader(self) -> RowReader:
        return need(self.store.row_reader, self.store, "be read back")

    @property
    def ddl(self) -> Ddl:
        return need(self.store.ddl, self.store, "be looked into")

    def schema(self, script: str) -> TargetSchema:
        """Return the schema that the text describes, with its steps; nothing is created."""
        if self.kind == "mongodb":
            return schema_in_documents(script)
        return self.ddl.scratch_schema(script, "schema.sql")

    def make(self, script: str) -> TargetSchema:
        """Run the statements of the text, and return what is there then."""
        if self.kind == "mongodb":
            schema = self.schema(script)
            for step in (*schema.pre, *schema.post):
                need(self.store.steps, self.store, "run a step").start(step)
            return schema
        with self.writer.transaction() as tx:
            for statement in split(script).statements:
                tx.run(statement.text)
        return self.ddl.live_schema()

    def table(self, script: str, name: str = "items") -> TargetTable:
        found = self.make(script).table(name)
        assert found is not None
        return found

    def load(self, table: TargetTable, *rows: Sequence[Any]) -> None:
        with self.writer.transaction() as tx:
            tx.load(table, made(table, *rows))

    def rows(self, table: TargetTable) -> list[tuple[Any, ...]]:
        """All rows of the table that are committed, in order."""
        columns = [c.name for c in table.columns]
        batches = list(self.row_reader.scan(table, columns))
        return sorted((row for batch in batches for row in python_rows(pa.Table.from_batches([batch]))), key=repr)


def made(table: TargetTable, *rows: Sequence[Any], columns: Sequence[str] = ()) -> Any:
    """Rows in canonical Arrow, from Python values (times as numbers)."""
    return arrow_rows(table, columns or [c.name for c in table.columns], [tuple(row) for row in rows])


def keys(table: TargetTable, *rows: Sequence[Any]) -> Any:
    return made(table, *rows, columns=table.primary_key)


def owned(tx: TargetTransaction, table: TargetTable, by: Any, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(python_rows(tx.owned(table, by, columns)), key=repr)


# -- sources


def _mongodb(request: pytest.FixtureRequest, entities: Entities) -> str:
    scratch = request.getfixturevalue("mongo_db")
    for name, records in entities.items():
        scratch.db.create_collection(name)
        if records:
            scratch.db[name].insert_many([RawBSONDocument(record) for record in records])
    return str(scratch.url)


def _archive(request: pytest.FixtureRequest, entities: Entities) -> str:
    path: Path = request.getfixturevalue("tmp_path")
    return f"dump:{write_archive(path / 'shop.archive', 'shop', entities)}"


def _folder(request: pytest.FixtureRequest, entities: Entities) -> str:
    path: Path = request.getfixturevalue("tmp_path")
    return f"dump:{write_dump_folder(path, 'shop', entities)}"


def _exported(request: pytest.FixtureRequest, entities: Entities) -> str:
    path: Path = request.getfixturevalue("tmp_path") / "shop"
    path.mkdir()
    for name, records in entities.items():
        lines = [canonical(decode_one(record)) for record in records]
        (path / f"{name}.json").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"dump:{path}"


def _memory(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("new_memory")())


def _in_memory(request: pytest.FixtureRequest, entities: Entities) -> str:
    url = _memory(request)
    held = database(url, BSON)
    for name, records in entities.items():
        held.create(name)
        held.put(name, *records)
    return url


Fill = Callable[[pytest.FixtureRequest, Entities], str]
"""Return the URL of a source that holds these records."""

SOURCES: dict[str, Fill] = {
    "mongodb": _mongodb,
    "dump archive": _archive,
    "dump folder": _folder,
    "exported JSON": _exported,
    "memory": _in_memory,
}


def sql_source(name: str, request: pytest.FixtureRequest, script: str) -> Source:
    """Return a source whose tables the script creates and fills."""
    url = TARGETS[name](request)
    store = open_store(url)
    with need(store.writer, store, "be written to").transaction() as tx:
        for statement in split(script).statements:
            tx.run(statement.text)
    return Source(name, url, store)


# -- targets


def _empty_mongodb(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("mongo_db").url)


def _postgresql(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("emptied_postgresql"))


def _sqlite(request: pytest.FixtureRequest) -> str:
    path: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:///{path / 'target.db'}"


TARGETS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "postgresql": _postgresql,
    "sqlite": _sqlite,
    "memory": _memory,
    "mongodb": _empty_mongodb,
}

NAMES = tuple(dict.fromkeys([*SOURCES, *TARGETS]))

_DUMPS = ("dump archive", "dump folder", "exported JSON")
_READ = ("inspector", "reader", "codec")
SQL_SOURCES = ("postgresql", "sqlite")
_WRITTEN = ("writer", "row_reader", "ddl", "steps", "conflicts")
PARTS = (*_READ, "surveyor", "changes", "fence", *_WRITTEN, "watch")

_COUNTED = Gap("notimpl", "a survey reads every record")
_FILES = Gap("never", "a dump is a copy of the past: nothing is written to it, and nothing changes in it")

ABSENT: dict[tuple[str, str], Gap] = {
    **{("surveyor", store): _COUNTED for store in ("mongodb", "memory", *_DUMPS)},
    ("watch", "mongodb"): Gap("never", "a conflict of transactions ends one of them; no session waits for another"),
    **{(part, store): _FILES for part in (*_WRITTEN, "watch", "changes", "fence") for store in _DUMPS},
    ("changes", "sqlite"): Gap("notimpl", "triggers of a file could name the keys that changed"),
    ("watch", "memory"): Gap("never", "it has no sessions: one transaction is open at a time"),
    ("watch", "sqlite"): Gap("never", "a lock on a file names no session"),
}
"""Parts that a store does not have, and why."""


def record(**fields: Any) -> bytes:
    return to_bson({name.replace("id_", "_id"): value for name, value in fields.items()})


def opened_source(name: str, request: pytest.FixtureRequest, entities: Entities) -> Source:
    url = SOURCES[name](request, entities)
    return Source(name, url, open_store(url))


def opened_target(name: str, request: pytest.FixtureRequest) -> Target:
    url = TARGETS[name](request)
    return Target(name, url, open_store(url))
