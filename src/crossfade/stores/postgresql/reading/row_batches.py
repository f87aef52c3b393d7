"""The rows that one statement reads, as batches: the wanted columns, the keys, and raw records on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.batch import Batch
from crossfade.model.quoting import identifier
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Node, Path, escape_step, format_path
from crossfade.records.rows.columns import Arrangement, RowValues
from crossfade.records.rows.reader import ODD_ARRAY, keys_of_columns
from crossfade.records.rows.texts import INFINITE, INFINITE_DAYS
from crossfade.records.rows.types import read_as
from crossfade.stores.postgresql.reading.canonical import AS_TEXT, canonical, expression, is_plain
from crossfade.stores.postgresql.reading.key_ranges import KeySql

ROWS_A_BATCH = 20_000


Records = Callable[[Sequence[str]], list[bytes]]
"""Returns the raw records with these keys."""


def portioned(batches: Iterator[Any]) -> Iterator[Any]:
    """Combine batches to about ROWS_A_BATCH rows each, because every batch has a fixed cost."""
    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_A_BATCH:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)


class RowBatches:
    """One statement's columns: canonical values, texts, whether arrays are plain, and the parts of the key. `texts` has
    the SQL of each column as text.
    """

    def __init__(self, arranged: Arrangement, key: KeySql, texts: Mapping[str, str]) -> None:
        self._arranged = arranged
        self._lists = [node for node in arranged.values if node.kind == "array"]
        known = arranged.key and all(node.kind != "array" for node in arranged.key)  # a key has what the server prints
        self._key_texts = () if known else key.texts
        self.selected = [
            *(_value(node, texts) for node in arranged.values),
            *(texts[node.name] for node in arranged.texts),
            *(f"coalesce({is_plain(_sql(node))}, true)" for node in self._lists),
            *self._key_texts,
        ]

    def batch(self, table: Any, raws: Records) -> Batch:
        columns = iter(column.combine_chunks() for column in table.columns)
        values = {node.name: canonical(next(columns), read_as(node)) for node in self._arranged.values}
        texts = {node.name: next(columns).to_pylist() for node in self._arranged.texts}
        plain = {node.name: next(columns) for node in self._lists}
        parts = [next(columns).to_pylist() for _ in self._key_texts]
        row_values = RowValues(table.num_rows, values, texts)
        keys = _RowKeys(row_values, self._arranged.key, parts)
        wrong = {**self._misfits(values, plain), **row_values.json_misfits(self._arranged.inside)}
        if not wrong:
            return Batch(self._arranged.table(row_values), _RowRaws(keys, raws), (), keys)
        return self._without(row_values, keys, wrong, raws)

    def _misfits(self, values: dict[str, Any], plain: dict[str, Any]) -> dict[int, tuple[str, str, Path]]:
        """Return reason, detail and path for the rows with a value that cannot arrive as its column does."""
        found: dict[int, tuple[str, str, Path]] = {}
        for node in self._arranged.values:
            for row in _infinite(values[node.name], node):
                found.setdefault(row, ("out_of_range", "an infinite date where the survey saw none", _path(node)))
        for node in self._lists:
            for row in pc.indices_nonzero(pc.invert(plain[node.name])).to_pylist():
                found.setdefault(row, ("unseen_type", ODD_ARRAY, _path(node)))
        return found

    def _without(
        self, row_values: RowValues, keys: Sequence[str], wrong: dict[int, tuple[str, str, Path]], raws: Records
    ) -> Batch:
        out = sorted(wrong)
        records = dict(zip(out, raws([keys[row] for row in out]), strict=True))
        aside = tuple(
            Rejection(row, reason, detail, path=format_path(path), key=keys[row], raw=records[row])
            for row, (reason, detail, path) in sorted(wrong.items())
        )
        good = [row for row in range(row_values.size) if row not in wrong]
        values = {name: array.take(pa.array(good, pa.int64())) for name, array in row_values.values.items()}
        texts = {name: [column[row] for row in good] for name, column in row_values.texts.items()}
        left = [keys[row] for row in good]
        return Batch(self._arranged.table(RowValues(len(good), values, texts)), _RowRaws(left, raws), aside, left)


def _path(node: Node) -> Path:
    return (escape_step(node.name),)


def _value(node: Node, texts: Mapping[str, str]) -> str:
    kind = read_as(node)
    return texts[node.name] if kind.kind in AS_TEXT else expression(kind, _sql(node))


def _sql(node: Node) -> str:
    return f"t.{identifier(node.name)}"


_ENDS = {
    "date": (INFINITE, pa.int64()),
    "timestamp": (INFINITE, pa.int64()),
    "day": (INFINITE_DAYS, pa.int32()),
}


def _infinite(values: Any, node: Node) -> list[int]:
    """Return the rows with an infinite date, or with one in an array."""
    if node.kind == "array" and node.element is not None and node.element.kind in _ENDS:
        parents = pc.list_parent_indices(values)
        return [parents[place].as_py() for place in _infinite(values.flatten(), node.element)]
    if node.kind not in _ENDS:
        return []
    ends, integer = _ENDS[node.kind]
    numbers = values.cast(integer)
    least, greatest = pc.min_max(numbers).as_py().values()
    if least is None or (least > ends["-infinity"] and greatest < ends["infinity"]):
        return []
    rows: list[int] = pc.indices_nonzero(
        pc.is_in(numbers, value_set=pa.array(list(ends.values()), integer))
    ).to_pylist()
    return rows


class _RowKeys(Sequence[str]):
    """The keys of the rows, computed when the first is used."""

    def __init__(self, row_values: RowValues, nodes: Sequence[Node], parts: Sequence[Sequence[str | None]]) -> None:
        self._row_values, self._nodes, self._parts = row_values, nodes, parts
        self._made: list[str] | None = None

    def __len__(self) -> int:
        return self._row_values.size

    def __getitem__(self, at: Any) -> Any:
        if self._made is None:
            columns = list(self._parts) or [self._row_values.texts_of(node) for node in self._nodes]
            self._made = keys_of_columns(columns, self._row_values.size)
        return self._made[at]


class _RowRaws(Sequence[bytes]):
    """The raw records of the rows, fetched by their keys when they are used (model.batch.MadeLater)."""

    def __init__(self, keys: Sequence[str], fetch: Records) -> None:
        self._keys, self._fetch = keys, fetch

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return self.of(range(len(self))[at])
        return self.of([at])[0]

    def of(self, rows: Sequence[int]) -> list[bytes]:
        found: list[bytes] = self._fetch([self._keys[row] for row in rows]) if rows else []
        return found
