"""Keys of rows: a JSON array of texts, the same for the same row in every store and run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring
from typing import Any

import orjson

from crossfade.records.rows.texts import text_of


def key_of_texts(texts: Sequence[str | None]) -> str:
    """Return the key with these parts.

    >>> key_of_texts(["7", 'a"b'])
    '["7","a\\\\"b"]'
    """
    return "[" + ",".join(["null" if text is None else encode_basestring(text) for text in texts]) + "]"


def texts_of_key(key: str) -> list[str]:
    """Return the parts of a key. Raises ValueError for other text."""
    found = orjson.loads(key)
    if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
        raise ValueError(f"{key!r} is not a key of a row")
    return found


def key_text(value: Any, kind: str) -> str:
    """Return a key of one part, of a value of the engine."""
    return key_of_texts([text_of(value, kind)])


def keys_in(value: Any) -> Iterator[str]:
    """Yield the keys of one part that a value of a target's primary key may have come from."""
    if isinstance(value, bytes) and len(value) == 16:
        yield key_text(value, "uuid")
    elif isinstance(value, bytes):
        yield key_text(value, "binary")
    elif isinstance(value, bool):
        yield key_text(value, "bool")
    elif isinstance(value, int | str):
        yield key_of_texts([str(value)])


def keys_meant(text: str) -> Sequence[Sequence[str]]:
    """Return the keys that a person may mean: a JSON array of all parts, as it is; otherwise the text of the only part.

    >>> keys_meant("7"), keys_meant('["7", "a"]')
    ([['["7"]']], [['["7","a"]']])
    """
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            return [[key_of_texts([text])]]
        return [[key_of_texts([part if isinstance(part, str) else json.dumps(part) for part in found])]]
    return [[key_of_texts([text])]]


def readable(key: str | None) -> str:
    """Format a key for people; other text is returned unchanged.

    >>> readable('["7"]'), readable('["7","a"]'), readable("2024-01-26")
    ('7', '["7","a"]', '2024-01-26')
    """
    if key is None:
        return "-"
    try:
        parts = texts_of_key(key)
    except (ValueError, RecursionError):
        return key
    return parts[0] if len(parts) == 1 and not parts[0].startswith("[") else key
