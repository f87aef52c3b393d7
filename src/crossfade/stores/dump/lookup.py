"""Finds documents of a dump by a value: an index for each path, built on first use.

Values are compared by their canonical Extended JSON, numbers by their value: 5 finds 5, 5.0 and Decimal 5, as on a
server. Long strings are compared by their hash.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path as File
from typing import Any

from crossfade.model.shape import ELEMENT, Path, format_path, unescape_step
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.walk import Unreadable
from crossfade.stores.dump.elements import id_document
from crossfade.stores.dump.spool import Spool, read_pieces

_AT_ONCE = 500  # of SQLite's 32,766 variables
_BLOCK = 4 * 1024 * 1024
_SHORT = 40
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


def match_key(text: str) -> bytes:
    """Return the key by which a value is found, from its canonical text: equal numbers have the same."""
    if text.startswith('{"$number'):
        text = _number(text)
    data = text.encode("utf-8", "surrogatepass")
    return data if len(data) <= _SHORT else hashlib.blake2b(data, digest_size=_SHORT // 2).digest()


def _number(text: str) -> str:
    ((kind, digits),) = json.loads(text).items()
    # A double counts as what it is exactly, not as its shortest digits: 0.1 is not the Decimal 0.1.
    value = Decimal(float(digits)) if kind == "$numberDouble" else Decimal(digits)
    if not value.is_finite():
        return f"#{value}"
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    bare = "".join(map(str, figures)).lstrip("0")
    short = bare.rstrip("0")
    return f"#{'-' if sign and short else ''}{short}e{exponent + len(bare) - len(short) if short else 0}"


def _places(spool: Spool, path: Path) -> Iterator[tuple[bytes, int, int]]:
    read = _id_values if path == _ID else partial(_values, path=path)
    for offset, document in documents_at(spool):
        for key in {match_key(canonical(value)) for value in read(document)}:
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


def _id_values(document: bytes) -> Iterable[Any]:
    alone = id_document(document)
    return _values(alone, _ID) if alone is not None else ()


def _values(document: bytes, path: Path) -> Iterable[Any]:
    try:
        return list(_at(decode_one(document), path))
    except Unreadable:  # a damaged document is quarantined wherever it is read, so no lookup can find it
        return ()


def _at(value: Any, path: Path) -> Iterator[Any]:
    """Yield the values at `path` as a server matches them: one value and an array of them match alike.

    So arrays are entered where the path does not say so, and single values are found where it does. An array inside an
    array is entered only where the path steps into both.
    """
    depth = next((n for n, step in enumerate(path) if step != ELEMENT), len(path))
    rest = path[depth:]
    for one in _with_elements(value, max(depth, 1)):
        if not rest:
            yield one
        elif type(one) is dict and (name := unescape_step(rest[0])) in one:
            yield from _at(one[name], rest[1:])


def _with_elements(value: Any, depth: int) -> Iterator[Any]:
    yield value
    if type(value) is list and depth:
        for each in value:
            yield from _with_elements(each, depth - 1)
