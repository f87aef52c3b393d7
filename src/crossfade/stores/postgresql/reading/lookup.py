"""The condition of a reading statement: a list of keys, or a range of keys.

Reading a range of the primary key's index costs less than half of as many lookups. It helps if the wanted keys are
close together in the target, as those of one batch are if the target's keys rise with the source's. That is not known
in advance, so a range is a guess: it may return other rows, and rows that it lacks are looked up by key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.quoting import identifier
from crossfade.model.target import ColumnType
from crossfade.records.rows.texts import INFINITE, INFINITE_DAYS
from crossfade.stores.postgresql import text_form

_FEW = 100  # keys for which lookups are cheap enough
_LONGEST_PAUSE = 256


class Guess:
    """Decides whether to try a range of a table: after a range that did not pay off, lookups are used for a while."""

    def __init__(self) -> None:
        self._pause, self._left = 1, 0

    def worth(self, keys: Any) -> bool:
        if len(keys) < _FEW or _is_list(keys.column(0)):
            return False
        self._left -= 1
        return self._left < 0

    def learn(self, asked: int, found: int) -> None:
        """Note that `found` of the `asked` rows were in the range."""
        if 2 * found > asked:
            self._pause, self._left = 1, 0
        else:
            self._left = self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def of_keys(keys: Any, kinds: Sequence[ColumnType], types: Sequence[str]) -> tuple[str, str]:
    """Return the keys as rows of `k`, and the condition that `t` has one of them: an index lookup for each key.

    Keys of one column are an array in the condition, without rows of `k`: the planner does not know its length and
    assumes that it is short. With more columns, or arrays (of which ANY would compare the elements), the condition
    belongs in a subquery of `t` for each row of `k`, whose OFFSET 0 keeps the planner from scanning a table without
    statistics.
    """
    columns_of = zip(keys.columns, kinds, strict=True)
    arrays = [text_array(_texts_of_lists(of, kind) if _is_list(of) else _texts(of)) for of, kind in columns_of]
    names = [f"k.k{i}" for i in range(len(arrays))]
    values = [_value(*each) for each in zip(kinds, names, types, strict=True)]
    columns = [f"t.{identifier(name)}" for name in keys.column_names]
    given = f"unnest({', '.join(arrays)}) AS k({', '.join(f'k{i}' for i in range(len(arrays)))})"
    if len(arrays) == 1 and not _is_list(keys.column(0)):
        return "", f"{columns[0]} = ANY(ARRAY(SELECT {values[0]} FROM {given}))"
    return given, " AND ".join(f"{column} = {value}" for column, value in zip(columns, values, strict=True))


def of_stretch(keys: Any, kind: ColumnType, type_name: str) -> str:
    """Return the condition that the first key column is between its least and greatest value, in Arrow's order."""
    ends = pc.min_max(_plain(keys.column(0)))
    texts = _texts(pa.array([ends["min"].as_py(), ends["max"].as_py()], ends["min"].type))
    least, greatest = (_value(kind, literal(text), type_name) for text in texts)
    column = f"t.{identifier(keys.column_names[0])}"
    return f"{column} >= {least} AND {column} <= {greatest}"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def text_array(items: Sequence[str]) -> str:
    """Return a text[] as one literal, which is parsed much faster than many."""
    inside = ",".join('"' + item.replace("\\", r"\\").replace('"', r"\"") + '"' for item in items)
    return literal("{" + inside + "}") + "::text[]"


def _is_list(values: Any) -> bool:
    return bool(pa.types.is_list(values.type))


def _texts_of_lists(values: Any, kind: ColumnType) -> list[str]:
    return [text for text in text_form.texts(values, kind) if text is not None]


def _plain(values: Any) -> Any:
    """Return days and times as numbers: Python's calendar is too short."""
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        return values.cast(pa.int64())
    return values.cast(pa.int32()) if pa.types.is_date32(values.type) else values


def _texts(values: Any) -> list[str]:
    values, kind = _plain(values), values.type
    if pa.types.is_fixed_size_binary(kind):
        return [v.hex() for v in values.to_pylist()]
    if pa.types.is_binary(kind):
        return [rf"\x{v.hex()}" for v in values.to_pylist()]
    return list(values.cast(pa.string()).to_pylist())


def _value(kind: ColumnType, key: str, type_name: str) -> str:
    if kind.kind in ("timestamp", "timestamptz"):  # whole days and the rest apart: intervals multiply as doubles
        days = f"({key}::int8 / 86400000000) * interval '1 day'"
        moment = f"timestamp 'epoch' + {days} + ({key}::int8 % 86400000000) * interval '1 microsecond'"
        moment = _endless(key, INFINITE, "timestamp", moment)
        return moment if kind.kind == "timestamp" else f"timezone('UTC', {moment})"
    if kind.kind == "date":
        return _endless(key, INFINITE_DAYS, "date", f"date '1970-01-01' + {key}::int4")
    if kind.kind == "time":
        return f"(time '00:00' + {key}::int8 * interval '1 microsecond')"
    return f"{key}::{type_name}"


def _endless(key: str, ends: Mapping[str, int], type_name: str, finite: str) -> str:
    """Return the SQL of a date or moment whose number is the text `key`."""
    whens = " ".join(f"WHEN '{number}' THEN {type_name} '{text}'" for text, number in ends.items())
    return f"(CASE {key} {whens} ELSE {finite} END)"
