"""What moves rows without crossfade: `rows_by_hand.py WHAT`, with the stores and files named in the environment.

pipe     PostgreSQL into PostgreSQL, binary COPY out into binary COPY in: nothing can be faster
adbc     a SQLite file into a table of its own, through ADBC on both sides, as it is
insert   ready documents out of memory into MongoDB, raw: nothing can be faster
loop     PostgreSQL's rows as dicts, inserted ten thousand at a time
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pymongo
from bson import CodecOptions, decode_all
from bson.binary import UuidRepresentation
from bson.raw_bson import RawBSONDocument
from psycopg.rows import dict_row

from child import DOCUMENTS, SOURCE, TARGET, report
from row_sources import TABLE

A_BATCH = 10_000
_UUIDS: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_READY = decode_all(Path(os.environ["BENCH_READY"]).read_bytes(), _RAW) if sys.argv[1] == "insert" else []


def pipe() -> int:
    """By psql, whose loops are C."""
    read, write = (
        ["psql", url, "--no-psqlrc", "--quiet", "--command", f"COPY {TABLE} {how} (FORMAT binary)"]
        for url, how in ((SOURCE.url, "TO STDOUT"), (TARGET, "FROM STDIN"))
    )
    with subprocess.Popen(read, stdout=subprocess.PIPE) as source:
        subprocess.run(write, stdin=source.stdout, check=True)
    if source.returncode:
        raise SystemExit(source.returncode)
    return DOCUMENTS


def adbc() -> int:
    import adbc_driver_postgresql.dbapi as postgresql
    import adbc_driver_sqlite.dbapi as sqlite  # type: ignore[import-not-found, unused-ignore]

    path = SOURCE.url.removeprefix("sqlite:///")
    with sqlite.connect(path) as source, postgresql.connect(TARGET) as target:
        with source.cursor() as rows, target.cursor() as into:
            rows.execute(f"SELECT * FROM {TABLE}")
            into.adbc_ingest("adbc_rows", rows.fetch_record_batch(), mode="create")
        target.commit()
    return DOCUMENTS


def insert() -> int:
    collection: Any = _into(_RAW)
    for some in _portions(iter(_READY)):
        collection.insert_many(some, ordered=False)
    return len(_READY)


def loop() -> int:
    count, collection = 0, _into(_UUIDS)
    with psycopg.connect(SOURCE.url, row_factory=dict_row) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = A_BATCH
        cursor.execute(f"SELECT * FROM {TABLE}".encode())
        for some in _portions(iter(cursor)):
            collection.insert_many([{"_id": row.pop("id"), **row} for row in some])
            count += len(some)
    return count


def _into(options: CodecOptions[Any]) -> Any:
    client = pymongo.MongoClient[dict[str, Any]](TARGET)
    return client.get_default_database().get_collection(TABLE, codec_options=options)


def _portions(items: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(items, A_BATCH)):
        yield some


if __name__ == "__main__":
    report({"pipe": pipe, "adbc": adbc, "insert": insert, "loop": loop}[sys.argv[1]])
