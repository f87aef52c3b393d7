"""Find the documents that have values which others want under a unique index, many with one query.

The server compares, by its own equality. Documents are assigned to the wanted values by the bytes of their values; if
those differ (1 and 1.0, a collation, an element of a list), the values are queried one by one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from bson import decode, encode

Document = Mapping[str, Any]
Values = tuple[Any, ...]

_AT_ONCE = 1000
_WAYS_AT_ONCE = 100
"""The most values of several fields in one query: the server plans each branch of an $or by itself."""


class Holders:
    """Looks up documents by the values of one unique index. `collection` returns raw documents."""

    def __init__(self, collection: Any, paths: Sequence[str], predicate: str | None = None) -> None:
        self._collection, self._paths = collection, tuple(paths)
        self._partial = json.loads(predicate) if predicate else {}

    def of(self, wanted: Collection[Values]) -> dict[bytes, bytes]:
        """Return `key_of` of the values -> the document that has them."""
        distinct = {key_of(values): values for values in wanted}
        found: dict[bytes, bytes] = {}
        for some in _portions(distinct, _AT_ONCE if len(self._paths) == 1 else _WAYS_AT_ONCE):
            plain = {key: values for key, values in some.items() if all(map(_is_plain, values))}
            own = self._found(plain) if plain else {}
            left = {key: values for key, values in plain.items() if key not in own}
            if left and self._first(left.values()) is None:
                left = {}
            for key, values in {**left, **{k: v for k, v in some.items() if k not in plain}}.items():
                if (one := self._first([values])) is not None:
                    own[key] = one
            found |= own
        return found

    def _found(self, wanted: Mapping[bytes, Values]) -> dict[bytes, bytes]:
        """Return the values that a document has byte for byte."""
        raws = (bytes(found.raw) for found in self._collection.find(self._query(wanted.values())))
        by_values = {key_of(values_at(decode(raw), self._paths)): raw for raw in raws}
        return {key: raw for key, raw in by_values.items() if key in wanted}

    def _first(self, wanted: Collection[Values]) -> bytes | None:
        found = self._collection.find_one(self._query(wanted))
        return None if found is None else bytes(found.raw)

    def _query(self, wanted: Collection[Values]) -> Document:
        if len(self._paths) == 1 and all(map(_is_plain, (value for (value,) in wanted))):
            same: Document = {self._paths[0]: {"$in": [value for (value,) in wanted]}}
        else:
            same = {"$or": [{"$and": list(self._same(values))} for values in wanted]}
        return {"$and": [same, self._partial]} if self._partial else same

    def _same(self, values: Values) -> Iterator[Document]:
        for path, value in zip(self._paths, values, strict=True):
            yield {path: {"$in": value} if isinstance(value, list) and value else {"$eq": value}}


def values_at(document: Document, paths: Sequence[str]) -> Values:
    """Return the values of the paths; None for one that is missing."""
    return tuple(at(document, path) for path in paths)


def at(document: Any, path: str) -> Any:
    """Return the value of a path; of one through a list, what all of its objects have there, as an index does."""
    step, _, rest = path.partition(".")
    value = document.get(step) if isinstance(document, Mapping) else None
    if not rest:
        return value
    if not isinstance(value, list):
        return at(value, rest)
    found = [at(one, rest) for one in value]
    return [one for each in found for one in (each if isinstance(each, list) else [each])] or None


def key_of(values: Values) -> bytes:
    return encode({"v": values})


def _is_plain(value: Any) -> bool:
    """Return whether few documents can have the value: many may lack a field, or have it as an element of a list."""
    return value is not None and not isinstance(value, list)


def _portions(wanted: Mapping[bytes, Values], size: int) -> Iterator[dict[bytes, Values]]:
    listed = list(wanted.items())
    for start in range(0, len(listed), size):
        yield dict(listed[start : start + size])
