"""What mongodump writes about a collection: options, indexes, uuid, type, as Extended JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bson import json_util

from crossfade.errors import Damaged
from crossfade.stores.dump.files import open_stream


def read_metadata(path: Path) -> Mapping[str, Any]:
    """Read the metadata.json at `path`, compressed or not."""
    stream = open_stream(path)
    try:
        chunks = iter(lambda: stream.read(1 << 20), b"")
        text = b"".join(chunks).decode("utf-8-sig")
    except (EOFError, OSError, UnicodeDecodeError) as error:
        raise Damaged(f"{path} cannot be read: {error}") from error
    finally:
        stream.close()
    return parse_metadata(text, str(path))


def parse_metadata(text: str, where: str) -> Mapping[str, Any]:
    """Parse metadata; an empty text has none. Raises `Damaged` naming `where`."""
    if not text.strip():
        return {}
    try:
        found = json_util.loads(text)
    except (ValueError, TypeError) as error:
        raise Damaged(f"{where} is not valid metadata: {error}") from error
    if not isinstance(found, dict):
        raise Damaged(f"{where} is not valid metadata: it is not an object")
    return found


def indexes_of(metadata: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in metadata.get("indexes") or () if isinstance(each, Mapping))
