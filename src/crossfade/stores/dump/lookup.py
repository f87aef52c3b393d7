"""Finds documents of a dump by a value (records/bson/finding.py): an index for each path, built on first use."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path as File

from crossfade.model.shape import Path, format_path
from crossfade.records.bson.finding import match_key, match_keys
from crossfade.stores.dump.elements import id_document
from crossfade.stores.dump.spool import Spool, read_pieces

_AT_ONCE = 500  # of SQLite's 32,766 variables
_BLOCK = 4 * 1024 * 1024
_ID: Path = ("_id",)


def index_name(path: Path) -> str:
    """Return the name of the index of `path` in the cache."""
    return hashlib.blake2b(format_path(path).encode(), digest_size=8).hexdigest()


def build_index(spool: Spool, path: Path, target: File) -> None:
    """Write the index of every value at `path`. The file appears when it is complete."""
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as db, db:
        db.execute("PRAGMA synchronous = off")  # an index lost in a crash is built again
        db.execute("CREATE TABLE place (key BLOB, offset INTEGER, length INTEGER)")
        rows = _places(spool, path)
        while batch := list(islice(rows, 10_000)):
            db.executemany("INSERT INTO place VALUES (?, ?, ?)", batch)
        db.execute("CREATE INDEX by_key ON place (key)")
    draft.replace(target)


def find(index: File, values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Return offset and length of the documents that hold one of `values` (canonical Extended JSON), each once."""
    wanted = sorted({match_key(text) for text in values})
    seen: set[int] = set()
    with closing(sqlite3.connect(index)) as db:
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            for offset, length in db.execute(f"SELECT offset, length FROM place WHERE key IN ({marks})", some):
                if offset not in seen:
                    seen.add(offset)
                    yield offset, length


def _places(spool: Spool, path: Path) -> Iterator[tuple[bytes, int, int]]:
    read = _id_keys if path == _ID else partial(match_keys, path=path)
    for offset, document in documents_at(spool):
        for key in read(document):
            yield key, offset, len(document)


def documents_at(spool: Spool) -> Iterator[tuple[int, bytes]]:
    """Yield every document with its offset in the spool's file; broken pieces are skipped."""
    offset = 0
    for piece in read_pieces(spool, 0, spool.count, _BLOCK):
        if piece.broken is None:
            at = 0
            while at < len(piece.data):
                length = int.from_bytes(piece.data[at : at + 4], "little")
                yield offset + at, piece.data[at : at + length]
                at += length
        offset += len(piece.data)


def _id_keys(document: bytes) -> Collection[bytes]:
    alone = id_document(document)
    return match_keys(alone, _ID) if alone is not None else ()
