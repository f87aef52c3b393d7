"""Writing sessions as rows: `row_sources.py postgresql|sqlite|documents WHERE SCALE` fills a database or a file.

documents: a file of BSON, what PostgreSQL's rows are in MongoDB. A process of its own, as data.py is.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import psycopg
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from psycopg import sql
from psycopg.types.json import Jsonb

from data import SEED, session, size_of
from rows import Row, session_rows

HERE = Path(__file__).parent
TABLE = "writing_sessions"
TYPES = ["uuid", "uuid", "uuid", "timestamptz", "timestamptz", "int4", "jsonb", "jsonb", "jsonb", "timestamptz"]
_UUIDS: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
_FIELDS = {"id": "_id", "document_id": "document", "user_id": "user", "start_time": "startTime"} | {
    "end_time": "endTime",
    "created_at": "createdAt",
}


def sessions(scale: float) -> Iterator[Row]:
    rng = random.Random(f"{SEED} {TABLE}")
    for number in range(size_of("writingsessions", scale)):
        row = session_rows(session(number, rng.random))[TABLE]
        yield {name: v.replace(tzinfo=UTC) if isinstance(v, datetime) else v for name, v in row.items()}


def fill_postgresql(url: str, scale: float) -> None:
    with psycopg.connect(url) as connection:
        connection.execute((HERE / "projects" / "rows" / "schema.sql").read_bytes())
        statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(TABLE))
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(TYPES)
            for row in sessions(scale):
                copy.write_row([Jsonb(v) if isinstance(v, dict | list) else v for v in row.values()])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def fill_sqlite(path: str, scale: float) -> None:
    """As SQLAlchemy and Django store them: what SQLite has no type for is text."""
    names = next(sessions(scale)).keys()
    declared = ["TEXT PRIMARY KEY", *("INTEGER" if name == "duration" else "TEXT" for name in list(names)[1:])]
    with sqlite3.connect(path) as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, declared, strict=True))
        connection.execute(f"CREATE TABLE {TABLE} ({columns})")
        places = ", ".join("?" * len(names))
        connection.executemany(
            f"INSERT INTO {TABLE} VALUES ({places})", (tuple(map(_text, row.values())) for row in sessions(scale))
        )
    connection.close()


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return (
        json.dumps(value) if isinstance(value, dict | list) else str(value) if isinstance(value, uuid.UUID) else value
    )


def write_documents(path: str, scale: float) -> None:
    with open(path, "wb") as file:
        for row in sessions(scale):
            found = {_FIELDS.get(name, name): value for name, value in row.items() if value is not None}
            file.write(bson.encode(found, codec_options=_UUIDS))


if __name__ == "__main__":
    makers = {"postgresql": fill_postgresql, "sqlite": fill_sqlite, "documents": write_documents}
    makers[sys.argv[1]](sys.argv[2], float(sys.argv[3]))
