"""Records and their values as people read them."""

from __future__ import annotations

import json
from typing import Any

from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.shell import readable, shell, shell_lines
from crossfade.records.bson.walk import Unreadable


def record_document(raw: bytes) -> dict[str, Any]:
    """`document` (canonical Extended JSON), or `bytes` in hex with the reason why it cannot be read."""
    try:
        text = canonical(decode_one(raw))
    except (Unreadable, RecursionError) as error:
        return {"document": None, "bytes": raw.hex(), "unreadable": str(error)}
    return {"document": json.loads(text), "bytes": None, "unreadable": None}


__all__ = ["decode_one", "readable", "record_document", "shell", "shell_lines"]
