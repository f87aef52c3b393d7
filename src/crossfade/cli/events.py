"""Events of a phase as plain values, for `--log-format json`: the class name, the time, and the fields."""

from __future__ import annotations

import datetime as dt
import enum
import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from crossfade.model.events import Event


def log_event(event: Event) -> None:
    """Write one line to stderr: `{"event": "ChunkCopied", "at": ..., "run": ..., "sequence": ..., ...}`."""
    log_line({"event": type(event).__name__, **plain(event)})


def log_line(document: Mapping[str, Any]) -> None:
    sys.stderr.write(line_of(document))
    sys.stderr.flush()


def line_of(document: Mapping[str, Any]) -> str:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": document["event"], "at": now, **document}) + "\n"


def plain(value: Any) -> Any:
    """Convert a value to what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return str(value) if isinstance(value, Path) else value
