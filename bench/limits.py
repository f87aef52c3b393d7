"""What nothing can be faster than: `limits.py scan|load|pipe`, with the stores and files named in the environment.

scan   every document out of MongoDB as raw bytes, and nothing done with them
load   the very rows into PostgreSQL, from binary COPY data that was made before
pipe   both at once, as if turning the one into the other cost nothing
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from child import DOCUMENTS, SOURCE, TARGET, collection, report

BATCH = 2000  # documents a reply; of 1000 to 5000 all are about as fast
BLOCK = 1 << 17
BINARY = Path(SOURCE.binary)

Write = Callable[[bytes], None]


def scan() -> int:
    for _ in collection().find_raw_batches({}, batch_size=BATCH):
        pass
    return DOCUMENTS


def load() -> int:
    for file in sorted(BINARY.glob("*.copy")):
        with _copying(file.stem) as write:
            _feed(file, write)
    return DOCUMENTS


def _feed(file: Path, write: Write) -> None:
    with file.open("rb") as data:
        while block := data.read(BLOCK):
            write(block)


def pipe() -> int:
    """Each reply lets its share of every table's data go."""
    found = collection()
    files = sorted(BINARY.glob("*.copy"))
    whole = found.database.command("collStats", found.name)["size"]
    with ExitStack() as open_ones:
        tables = [_Paced(file, open_ones.enter_context(_copying(file.stem))) for file in files]
        read = 0
        for reply in found.find_raw_batches({}, batch_size=BATCH):
            read += len(reply)
            for table in tables:
                table.go_on(min(1.0, read / whole))
        for table in tables:
            table.go_on(1.0)
    return DOCUMENTS


class _Paced:
    """A file that is written out in proportion to what was read elsewhere."""

    def __init__(self, file: Path, write: Write) -> None:
        self._data, self._size, self._sent = file.open("rb"), file.stat().st_size, 0
        self._write = write

    def go_on(self, share: float) -> None:
        until = int(self._size * share)
        while self._sent < until:
            block = self._data.read(min(BLOCK, until - self._sent))
            self._write(block)
            self._sent += len(block)


@contextmanager
def _copying(table: str) -> Iterator[Write]:
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
    with psycopg.connect(TARGET) as connection, connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield copy.write


if __name__ == "__main__":
    report({"scan": scan, "load": load, "pipe": pipe}[sys.argv[1]])
