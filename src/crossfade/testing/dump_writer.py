"""Write dumps: folders and archives in the format of mongodump. For seeds and tests; a move never writes a dump.

Documents are mappings (encoded with pymongo's rules) or BSON bytes, which are written unchanged.
"""

from __future__ import annotations

import gzip as gz
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote

import bson

from crossfade.stores.dump.archive import FORMAT_VERSION, MAGIC, TERMINATOR
from crossfade.stores.dump.crc64 import Crc64

Document = Mapping[str, Any] | bytes
Collections = Mapping[str, Iterable[Document]]
Metadata = Mapping[str, Mapping[str, Any]]

SERVER_VERSION = "6.0.0"
TOOL_VERSION = "crossfade"
_RUN = 1000  # documents of one collection in a row, before an archive continues with the next


def write_dump_folder(
    path: Path | str, db: str, collections: Collections, *, gzip: bool = False, metadata: Metadata | None = None
) -> Path:
    """Write `path`/`db`/collection.bson with its metadata.json. Return the database's folder.

    `metadata` has, by collection, what mongodump would write (`options`, `indexes`, `type`, `uuid`). A name that occurs
    only there gets no .bson file, like a view.
    """
    folder = Path(path) / db
    folder.mkdir(parents=True, exist_ok=True)
    ending = ".gz" if gzip else ""
    for name, documents in collections.items():
        with _create(folder / f"{escape_name(name)}.bson{ending}", gzip) as file:
            for document in documents:
                file.write(to_bytes(document))
    for name in dict.fromkeys([*collections, *(metadata or {})]):
        with _create(folder / f"{escape_name(name)}.metadata.json{ending}", gzip) as file:
            file.write(_metadata(name, metadata).encode())
    return folder


def write_archive(
    path: Path | str,
    db: str,
    collections: Collections,
    *,
    gzip: bool = False,
    metadata: Metadata | None = None,
    run: int = _RUN,
) -> Path:
    """Write an archive with its collections interleaved, `run` documents at a time. Return its path."""
    target = Path(path)
    with _create(target, gzip) as file:
        file.write(MAGIC)
        file.write(_header(len(collections)))
        for name in dict.fromkeys([*collections, *(metadata or {})]):
            kind = str((metadata or {}).get(name, {}).get("type", "collection"))
            text = _metadata(name, metadata)
            file.write(bson.encode({"db": db, "collection": name, "metadata": text, "size": 0, "type": kind}))
        file.write(TERMINATOR)
        for block in _blocks(db, collections, run):
            file.write(block)
    return target


def escape_name(name: str) -> str:
    """Return a collection's name as a file name (like Go's url.PathEscape)."""
    return quote(name, safe="$&+:=@-_.~")


def to_bytes(document: Document) -> bytes:
    return document if isinstance(document, bytes) else bson.encode(document)


def _header(concurrent: int) -> bytes:
    return bson.encode(
        {
            "concurrent_collections": concurrent,
            "version": FORMAT_VERSION,
            "server_version": SERVER_VERSION,
            "tool_version": TOOL_VERSION,
        }
    )


def _blocks(db: str, collections: Collections, run: int) -> Iterator[bytes]:
    """Yield blocks of each collection in turn, until all are finished."""
    rest = {name: (iter(documents), Crc64()) for name, documents in collections.items()}
    while rest:
        for name, (documents, running) in list(rest.items()):
            body = b"".join(map(to_bytes, islice(documents, run)))
            if body:
                running.update(body)
                yield _namespace(db, name) + body + TERMINATOR
            else:
                del rest[name]
                yield _namespace(db, name, eof=True, crc=running.value()) + TERMINATOR


def _namespace(db: str, name: str, *, eof: bool = False, crc: int = 0) -> bytes:
    signed = crc - (1 << 64) if crc >= 1 << 63 else crc
    return bson.encode({"db": db, "collection": name, "EOF": eof, "CRC": bson.Int64(signed)})


def _metadata(name: str, metadata: Metadata | None) -> str:
    id_index = {"v": {"$numberInt": "2"}, "key": {"_id": {"$numberInt": "1"}}, "name": "_id_"}
    given = (metadata or {}).get(name, {})
    whole = {"options": {}, "indexes": [id_index], "uuid": "", "collectionName": name, "type": "collection", **given}
    return json.dumps({key: value for key, value in whole.items() if value != ""})


@contextmanager
def _create(path: Path, gzip: bool) -> Iterator[IO[bytes]]:
    """Create a file, compressed or not, without a timestamp, so that the same documents make the same bytes."""
    with path.open("wb") as file:
        if not gzip:
            yield file
            return
        with gz.GzipFile("", "wb", 6, file, mtime=0) as zipped:
            yield cast(IO[bytes], zipped)
