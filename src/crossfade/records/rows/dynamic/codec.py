"""Rows whose values have types of their own, read by the contract of records/codec.py."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crossfade.model.batch import Column
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Shape
from crossfade.records.codec import Codec, ColumnReader
from crossfade.records.edit import Editor
from crossfade.records.rows import calendar
from crossfade.records.rows.codec import RowCodec
from crossfade.records.rows.dynamic.count import DynamicCounter
from crossfade.records.rows.dynamic.reader import DynamicReader
from crossfade.records.rows.dynamic.values import Value, of_extended, of_number, text_of, value_of
from crossfade.records.rows.keys import key_of_texts, texts_of_key


class DynamicCodec(RowCodec):
    """Keys and raw records are those of rows; only their texts mean something else."""

    def key_text(self, value: Any, kind: str) -> str:
        return key_of(_of_engine(value, kind))

    def keys_in(self, value: Any) -> Iterator[str]:
        if isinstance(value, bool | int | float | str | bytes):
            yield key_of(int(value) if isinstance(value, bool) else value)
        if isinstance(value, bytes) and len(value) == 16:
            yield from (key_of(str(uuid.UUID(bytes=value))), key_of(value.hex()))

    def keys_meant(self, text: str) -> Sequence[Sequence[str]]:
        """Return the keys of a JSON array of all parts; otherwise of the only part, as a value and as text.

        >>> DYNAMIC.keys_meant("7")
        [['["7"]', '["\\'7\\'"]']]
        """
        parts = _array(text)
        if parts is not None:
            return [[key_of_texts(parts)], *([[key_of(text)]] if len(parts) == 1 else [])]
        return [list(dict.fromkeys([key_of(value_of(text)), key_of(text)]))]

    def compared(self, key: str) -> object:
        return tuple(value_of(text) for text in texts_of_key(key))

    def reader(self, shape: Shape, columns: Sequence[Column]) -> DynamicReader:  # type: ignore[override]
        return DynamicReader(shape, columns)

    def editor(self, shape: Shape) -> Editor | None:
        return None

    def counter(self, rules: MapRules | None = None) -> DynamicCounter:  # type: ignore[override]
        return DynamicCounter()


def key_of(value: Value) -> str:
    """Return the key with this one part."""
    return key_of_texts([text_of(value)])


def _array(text: str) -> list[str] | None:
    """Return the parts of a JSON array as texts, or None for other text."""
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError:
        return None
    return None if found is None else [one if isinstance(one, str) else json.dumps(one) for one in found]


def _of_engine(value: Any, kind: str) -> Value:
    """Return the value that SQLite stores for a value of the engine: moments and days as ISO texts."""
    known: Any = _OF_KIND[kind](value) if kind in _OF_KIND else value
    return known if isinstance(known, int | float | str | bytes) else str(known)


_OF_KIND: Mapping[str, Callable[[Any], Value]] = {
    "bool": int,
    "decimal": of_number,
    "mixed": of_extended,
    "uuid": lambda value: str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value),
    "date": calendar.timestamp,
    "timestamp": calendar.timestamp,
    "day": calendar.date,
    "time": calendar.time,
}

DYNAMIC: Codec = DynamicCodec()
_: type[ColumnReader] = DynamicReader
