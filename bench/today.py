"""What people write today: `today.py orm|upserts|script`, over the first BENCH_DOCUMENTS documents.

orm      a loop that makes an object of each document, committed every hundred
upserts  batches of a hundred INSERT ... ON CONFLICT DO UPDATE
script   a careful script: rows gathered by the thousand, binary COPY, column types set
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import Session, registry

from child import DOCUMENTS, SOURCE, TARGET, collection, report
from rows import ROWS, Row

A_COMMIT = 100
A_COPY = 5000


def orm() -> int:
    engine = create_engine(TARGET.replace("postgresql://", "postgresql+psycopg://", 1))
    classes = _classes(engine)
    make, count = ROWS[SOURCE.entity], 0
    with Session(engine) as session:
        for count, document in enumerate(collection().find(limit=DOCUMENTS), 1):
            session.add_all(classes[table](**row) for table, row in make(document).items())
            if count % A_COMMIT == 0:
                session.commit()
        session.commit()
    return count


def _classes(engine: Any) -> dict[str, type[Any]]:
    """A mapped class for each table, as an application's models are."""
    metadata, mapped = MetaData(), registry()
    metadata.reflect(engine)
    made = {}
    for name, table in metadata.tables.items():
        made[name] = type(name, (), {})
        mapped.map_imperatively(made[name], table)
    return made


def upserts() -> int:
    count = 0
    with psycopg.connect(TARGET) as connection, connection.cursor() as cursor:
        for batch in _batches(A_COMMIT):
            for table, rows in batch.items():
                cursor.executemany(_upsert(table, rows[0]), [_values(row) for row in rows])
            connection.commit()
            count += len(rows)
    return count


def script() -> int:
    count = 0
    with psycopg.connect(TARGET) as connection:
        types = {name: _types(connection, name) for name in _tables(connection)}
        for batch in _batches(A_COPY):
            for table, rows in batch.items():
                _copy(connection, table, rows, types[table])
            count += len(rows)
    return count


def _batches(size: int) -> Iterator[dict[str, list[Row]]]:
    """The rows of so many documents at a time, by table."""
    found, make = iter(collection().find(limit=DOCUMENTS)), ROWS[SOURCE.entity]
    while documents := list(islice(found, size)):
        batch: dict[str, list[Row]] = {}
        for document in documents:
            for table, row in make(document).items():
                batch.setdefault(table, []).append(row)
        yield batch


def _values(row: Row) -> list[Any]:
    return [Jsonb(value) if isinstance(value, (dict, list)) else value for value in row.values()]


def _upsert(table: str, row: Row) -> sql.Composed:
    key, *others = row
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        sql.Identifier(key),
        sql.SQL(", ").join([sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others]),
    )


def _copy(connection: psycopg.Connection[Any], table: str, rows: list[Row], types: list[str]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(_values(row))


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in found]


def _types(connection: psycopg.Connection[Any], table: str) -> list[str]:
    found = connection.execute(
        "SELECT udt_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", [table]
    )
    return [name for (name,) in found.fetchall()]


if __name__ == "__main__":
    report({"orm": orm, "upserts": upserts, "script": script}[sys.argv[1]])
