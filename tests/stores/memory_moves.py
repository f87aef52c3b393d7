"""Whole moves from memory to memory: a project on disk, records put into a database of this process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossfade.move import Move
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.memory.database import Database, database, forget

SETTINGS = """
name = "small"
source.url = "{source}"
target.url = "{target}"
target.schema = "schema.sql"
limits.quarantine = 1.0
limits.chunk_mb = {chunk_mb}
"""


class Pair:
    """Two databases of this process and a project between them."""

    def __init__(self, folder: Path, schema: str, mapping: Mapping[str, str], chunk_mb: float = 1) -> None:
        self.urls = [f"memory://{role}-{secrets.token_hex(6)}" for role in ("source", "target")]
        self.folder = folder
        (folder / "mapping").mkdir(parents=True)
        settings = SETTINGS.format(source=self.urls[0], target=self.urls[1], chunk_mb=chunk_mb)
        (folder / "crossfade.toml").write_text(settings)
        (folder / "schema.sql").write_text(schema)
        for table, sql in mapping.items():
            (folder / "mapping" / f"{table}.sql").write_text(sql + "\n")

    @property
    def source(self) -> Database:
        return database(self.urls[0], BSON)

    @property
    def target(self) -> Database:
        return database(self.urls[1], BSON)

    def fill(self, entity: str, documents: Sequence[Mapping[str, Any]]) -> None:
        self.source.create(entity)
        self.source.put(entity, *map(to_bson, documents))

    def move(self) -> Move:
        return Move(load_project(self.folder))

    def rows(self, table: str) -> list[tuple[object, ...]]:
        return sorted((row.values for row in self.target.catalog.table(table).rows.values()), key=repr)


@contextmanager
def pair(folder: Path, schema: str, mapping: Mapping[str, str], chunk_mb: float = 1) -> Iterator[Pair]:
    found = Pair(folder, schema, mapping, chunk_mb)
    try:
        yield found
    finally:
        for url in found.urls:
            forget(url)
