"""Find documents of a collection that are not the move's. MongoDB does not record who wrote a document."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from bson import CodecOptions, decode
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from crossfade.model.target import TargetTable
from crossfade.records.bson.ejson import canonical
from crossfade.stores.contract import OtherRows
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.documents import compound_keys, values_of
from crossfade.stores.mongodb.fields import is_compound
from crossfade.stores.mongodb.journal import whole
from crossfade.stores.mongodb.transaction import Session

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_ID = len("_id\0")
_SMALL = 100_000
_KEYS_IN_A_NOTE = 100_000


def mark(table: TargetTable, rows: Any) -> bytes:
    """Return the keys of the rows, compressed."""
    parts = compound_keys(table, rows) if is_compound(table) else _single_keys(table, rows)
    return zlib.compress(b"".join(map(_framed, parts)), 1)


def _framed(key: bytes) -> bytes:
    return len(key).to_bytes(4, "little") + key


def _single_keys(table: TargetTable, rows: Any) -> list[bytes]:
    (name,) = table.primary_key
    column = table.column(name)
    assert column is not None
    values = rows.column(name)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return [value for value in values_of(values, column.type) if value is not None]


def _keys_in(noted: bytes) -> Iterator[bytes]:
    data = zlib.decompress(noted)
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def other_rows(db: Database[dict[str, Any]], table: TargetTable, limit: int, session: Session) -> OtherRows:
    """Return the documents whose key the move never wrote, or deleted again. One that was changed in place keeps its
    key and counts as the move's.
    """
    written: set[bytes] = set()
    noted = db["crossfade.loaded"].find({"table_name": table.name}, session=session).sort("$natural")
    for note in noted:
        keys = set(_keys_in(whole(db, note["mark"], session)))
        written = written - keys if note["gone"] else written | keys
    count, first = 0, list[str]()
    collection = collection_of(db, table.table).with_options(codec_options=_RAW)
    for document in collection.find({}, {"_id": 1}, session=session):
        raw = bytes(document.raw)
        if raw[4:5] + raw[5 + _ID : -1] not in written:
            count += 1
            if len(first) < limit:
                first.append(canonical(decode(raw)["_id"]))
    return OtherRows(count, tuple(first))


def pack(db: Database[dict[str, Any]], session: Session) -> None:
    """Replace many small notes by a few large ones. The last note of each key counts; large notes stay as they are."""
    notes = db["crossfade.loaded"]
    small = [note for note in notes.find({}, session=session).sort("$natural") if _is_small(note)]
    for name in sorted({note["table_name"] for note in small}):
        own = [note for note in small if note["table_name"] == name]
        last = {key: note["gone"] for note in own for key in _keys_in(note["mark"])}
        notes.delete_many({"_id": {"$in": [note["_id"] for note in own]}}, session=session)
        if last:
            notes.insert_many(list(_packed(name, last)), session=session)


def _is_small(note: dict[str, Any]) -> bool:
    return isinstance(note["mark"], bytes) and len(note["mark"]) < _SMALL


def _packed(name: str, last: dict[bytes, int]) -> Iterator[dict[str, Any]]:
    for gone in (0, 1):
        keys = [key for key, of in last.items() if of == gone]
        for at in range(0, len(keys), _KEYS_IN_A_NOTE):
            some = zlib.compress(b"".join(map(_framed, keys[at : at + _KEYS_IN_A_NOTE])), 1)
            own = secrets.token_hex(12)
            yield {"_id": own, "id": own, "table_name": name, "gone": gone, "mark": some, "mark#size": len(some)}
