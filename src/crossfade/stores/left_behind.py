"""What belongs to a collection and is not carried over with its documents, in words, for the survey."""

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
    """An index with its fields, and with what makes it more than a plain one."""
    fields = ", ".join(f"{name} {way}" for name, way in dict(index.get("key") or {}).items())
    words = [word for option, word in _WORDS if index.get(option)]
    if "expireAfterSeconds" in index:
        words.append(f"documents expire {_seconds(index['expireAfterSeconds'])} s after")
    return f"{index.get('name')} ({'; '.join([fields, *words])})"


def indexes(found: Sequence[Index]) -> list[str]:
    """All but the one of `_id`, described."""
    return [described(index) for index in found if dict(index.get("key") or {}) != {"_id": 1}]


def left_behind(found: Sequence[Index], options: Mapping[str, Any] | None) -> str:
    """The end of a plan: that documents expire, and that a validator holds; "" where nothing is to be said."""
    expiring = [
        f"{index.get('name')} ({_seconds(index['expireAfterSeconds'])} s after {', '.join(dict(index['key']))})"
        for index in found
        if "expireAfterSeconds" in index
    ]
    said = f"; that documents expire by {' and '.join(expiring)} is not carried over" if expiring else ""
    return said + ("; its validator is not carried over" if (options or {}).get("validator") else "")


def _seconds(value: Any) -> str:
    """Dumps and older servers say a number of seconds in any of BSON's types."""
    try:
        return str(int(value))
    except (TypeError, ValueError, OverflowError):
        return str(value)
