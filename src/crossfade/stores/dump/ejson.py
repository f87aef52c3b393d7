"""Converts the text of one exported document into BSON, duplicate names included.

BSON can hold two fields of the same name in an object, so such a document is converted unchanged; the reader then
rejects it as duplicate_key, with its `_id`. (JSON parsers silently keep the last of the two.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from crossfade.records.bson.ejson import exact_double, loads, to_bson

# Written only by version 2. Version 1 writes a regular expression in a form that is an object in version 2.
_VERSION_2 = ('"$regularExpression"', '"$numberInt"', '"$numberDouble"')


class _Twice(list[tuple[str, Any]]):
    """An object that has a name twice."""


def document_to_bson(text: str) -> bytes:
    """Return the document as BSON. Raises ValueError or TypeError if it is not one, or holds what BSON cannot."""
    try:
        value = loads(text, v1=not any(mark in text for mark in _VERSION_2))
    except ValueError:
        if not _holds_twice(json.loads(text, object_pairs_hook=_pairs, parse_int=str, parse_float=str)):
            raise
        found = json.loads(text, object_pairs_hook=_pairs, parse_float=exact_double)
        return _document(_items(found))
    if type(value) is not dict:
        raise ValueError(f"not a document: {text[:40]}")
    return to_bson(value)


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(pairs)


def _items(found: Any) -> Iterable[tuple[str, Any]]:
    return found if isinstance(found, _Twice) else found.items()


def _holds_twice(value: Any) -> bool:
    if isinstance(value, _Twice):
        return True
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_holds_twice, inside))


def _document(items: Iterable[tuple[str, Any]]) -> bytes:
    body = b"".join(_element(name, value) for name, value in items)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def _element(name: str, value: Any) -> bytes:
    if not _holds_twice(value):
        return to_bson({name: loads(json.dumps(value))})[4:-1]
    is_array = isinstance(value, list) and not isinstance(value, _Twice)
    items = ((str(i), each) for i, each in enumerate(value)) if is_array else _items(value)
    return (b"\x04" if is_array else b"\x03") + _cstring(name) + _document(items)


def _cstring(name: str) -> bytes:
    if "\0" in name:
        raise ValueError(f"a name cannot hold a zero byte: {name!r}")
    return name.encode() + b"\0"
