"""The two servers of a run: a filled MongoDB, and a PostgreSQL in which every contender gets a fresh database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymongo
from psycopg import sql

from crossfade.testing import MONGODB_URL, POSTGRESQL_URL, mongodb, postgresql, with_database

HERE = Path(__file__).parent
TARGET = "crossfade_bench"


@dataclass(frozen=True)
class Stores:
    mongodb: str
    postgresql: str

    def source(self, project: str) -> str:
        return with_database(self.mongodb, f"bench_{project}")

    @property
    def target(self) -> str:
        return with_database(self.postgresql, TARGET)

    @property
    def documents(self) -> str:
        """The target of moves into MongoDB."""
        return with_database(self.mongodb, TARGET)

    @property
    def rows(self) -> str:
        """The source of moves out of PostgreSQL."""
        return with_database(self.postgresql, f"{TARGET}_rows")


@contextmanager
def servers(directory: Path) -> Iterator[Stores]:
    """Servers of our own, with room for the data, or those that the environment names, as they are."""
    with mongodb(directory) as source, postgresql(directory) as target:
        if not os.environ.get(MONGODB_URL):
            with pymongo.MongoClient[dict[str, Any]](source) as client:
                client.admin.command("setParameter", 1, wiredTigerEngineRuntimeConfig="cache_size=2GB")
        if not os.environ.get(POSTGRESQL_URL):
            with psycopg.connect(target, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
                connection.execute("SELECT pg_reload_conf()")
        stores = Stores(source, target)
        try:
            yield stores
        finally:
            drop_target(stores)
            drop_rows(stores)


def fill(stores: Stores, project: str, entity: str, scale: float) -> tuple[int, int]:
    """Fills the source; how many documents there are, and how many bytes each has on average."""
    command = [sys.executable, str(HERE / "data.py"), stores.source(project), entity, str(scale)]
    subprocess.run(command, check=True)
    with pymongo.MongoClient[dict[str, Any]](stores.source(project)) as client:
        found = client.get_default_database().command("collStats", entity)
        return found["count"], found["avgObjSize"]


def drop_source(stores: Stores, project: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](stores.source(project)) as client:
        client.drop_database(f"bench_{project}")


def drop_target(stores: Stores) -> None:
    with psycopg.connect(stores.postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TARGET} WITH (FORCE)")


def drop_rows(stores: Stores) -> None:
    with psycopg.connect(stores.postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TARGET}_rows WITH (FORCE)")
    with pymongo.MongoClient[dict[str, Any]](stores.mongodb) as client:
        client.drop_database(TARGET)


def fill_rows(stores: Stores, what: str, where: str, scale: float) -> None:
    """Writing sessions as rows in a database, or as documents in a file (row_sources.py)."""
    if what == "postgresql":
        drop_rows(stores)
        with psycopg.connect(stores.postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TARGET}_rows")
    subprocess.run([sys.executable, str(HERE / "row_sources.py"), what, where, str(scale)], check=True)


def row_size(stores: Stores) -> tuple[int, int]:
    """How many rows of writing sessions there are, and how many bytes each has on average."""
    query = "SELECT count(*), avg(pg_column_size(w)) FROM writing_sessions AS w"
    with psycopg.connect(stores.rows) as connection:
        row = connection.execute(query).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def fresh_documents(stores: Stores) -> None:
    with pymongo.MongoClient[dict[str, Any]](stores.mongodb) as client:
        client.drop_database(TARGET)


def run_before(stores: Stores, statement: str) -> None:
    with psycopg.connect(stores.target) as connection:
        connection.execute(statement.encode())


def fresh_target(stores: Stores, schema: Path | None) -> None:
    """An empty database, with the tables of a schema file where one is given, and nothing left to be written back."""
    drop_target(stores)
    with psycopg.connect(stores.postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TARGET}")
    with psycopg.connect(stores.target, autocommit=True) as connection:
        if schema is not None:
            connection.execute(schema.read_bytes())
        connection.execute("CHECKPOINT")


def count_documents(stores: Stores, names: Mapping[str, int]) -> dict[str, int]:
    with pymongo.MongoClient[dict[str, Any]](stores.documents) as client:
        return {name: client.get_default_database()[name].count_documents({}) for name in names}


def count_rows(stores: Stores, tables: Mapping[str, int]) -> dict[str, int]:
    """Table (`schema.table`, or a name alone) -> rows."""
    with psycopg.connect(stores.target) as connection:
        return {name: _count(connection, name) for name in tables}


def _count(connection: psycopg.Connection[Any], name: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*name.split(".")))
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def export(stores: Stores, tables: Mapping[str, int], folder: Path) -> None:
    """Every table as binary COPY data, `folder/TABLE.copy`."""
    folder.mkdir(parents=True)
    with psycopg.connect(stores.target) as connection:
        for name in tables:
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
            file = folder / f"{name}.copy"
            with file.open("wb") as out, connection.cursor() as cursor, cursor.copy(statement) as copy:
                out.writelines(copy)


def versions(stores: Stores) -> dict[str, str]:
    with pymongo.MongoClient[dict[str, Any]](stores.mongodb) as client:
        source = str(client.server_info()["version"])
    with psycopg.connect(stores.postgresql) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return {"MongoDB": source, "PostgreSQL": row[0] if row else ""}
