"""Describes for the survey what belongs to a collection and is not copied with its documents: of servers and dumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Index = Mapping[str, Any]

_WORDS = (
    ("unique", "unique"),
    ("sparse", "sparse"),
    ("partialFilterExpression", "for some documents only"),
    ("collation", "with a collation"),
)


def described(index: Index) -> str:
    """Describe an index: its fields, and the options that make it more than a plain one."""
    fields = ", ".join(f"{name} {way}" for name, way in dict(index.get("key") or {}).items())
    words = [word for option, word in _WORDS if index.get(option)]
    if "expireAfterSeconds" in index:
        words.append(f"documents expire {_seconds(index['expireAfterSeconds'])} s after")
    return f"{index.get('name')} ({'; '.join([fields, *words])})"


def described_indexes(found: Sequence[Index]) -> tuple[str, ...]:
    """Describe all indexes but that of `_id`."""
    return tuple(described(index) for index in found if dict(index.get("key") or {}) != {"_id": 1})


def left_behind(found: Sequence[Index], options: Mapping[str, Any] | None) -> str:
    """Return the end of a plan: that expiry and a validator are not copied; "" if there is neither."""
    expiring = [
        f"{index.get('name')} ({_seconds(index['expireAfterSeconds'])} s after {', '.join(dict(index['key']))})"
        for index in found
        if "expireAfterSeconds" in index
    ]
    said = f"; expiry of documents by {' and '.join(expiring)} is not copied" if expiring else ""
    return said + ("; its validator is not copied" if (options or {}).get("validator") else "")


def _seconds(value: Any) -> str:
    """Return a number of seconds, which dumps and older servers give in any of BSON's types."""
    try:
        return str(int(value))
    except (TypeError, ValueError, OverflowError):
        return str(value)
