"""What one statement reads of a table, as batches: the columns asked for, the keys, and raw records when they are asked
for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.batch import Batch
from crossfade.model.quoting import identifier
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Node, Path, escape_step, format_path
from crossfade.records.rows.columns import Arrangement, Held
from crossfade.records.rows.reader import ODD_ARRAY, keys_of_columns
from crossfade.records.rows.texts import INFINITE, INFINITE_DAYS
from crossfade.records.rows.types import read_as
from crossfade.stores.postgresql.reading.canonical import canonical, expression, is_plain
from crossfade.stores.postgresql.reading.key_ranges import KeySql

ROWS_A_BATCH = 20_000


Records = Callable[[Sequence[str]], list[bytes]]
"""Returns the raw records with these keys."""


def portioned(batches: Iterator[Any]) -> Iterator[Any]:
    """Put batches together to those of about ROWS_A_BATCH rows: each has its price, whatever is in it."""
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
    """One statement's columns: canonical values, texts, whether arrays are plain, and the parts of the key."""

    def __init__(self, arranged: Arrangement, key: KeySql) -> None:
        self._arranged = arranged
        self._lists = [node for node in arranged.values if node.kind == "array"]
        self._key_texts = () if arranged.key else key.texts
        self.selected = [
            *(expression(read_as(node), _sql(node)) for node in arranged.values),
            *(f"{_sql(node)}::text" for node in arranged.texts),
            *(f"coalesce({is_plain(_sql(node))}, true)" for node in self._lists),
            *self._key_texts,
        ]

    def batch(self, table: Any, raws: Records) -> Batch:
        columns = iter(column.combine_chunks() for column in table.columns)
        values = {node.name: canonical(next(columns), read_as(node)) for node in self._arranged.values}
        texts = {node.name: next(columns).to_pylist() for node in self._arranged.texts}
        plain = {node.name: next(columns) for node in self._lists}
        parts = [next(columns).to_pylist() for _ in self._key_texts]
        held = Held(table.num_rows, values, texts)
        keys = _Keys(held, self._arranged.key, parts)
        wrong = {**self._misfits(values, plain), **held.json_misfits(self._arranged.inside)}
        if not wrong:
            return Batch(self._arranged.table(held), _Raws(keys, raws), (), keys)
        return self._without(held, keys, wrong, raws)

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
        self, held: Held, keys: Sequence[str], wrong: dict[int, tuple[str, str, Path]], raws: Records
    ) -> Batch:
        out = sorted(wrong)
        records = dict(zip(out, raws([keys[row] for row in out]), strict=True))
        aside = tuple(
            Rejection(row, reason, detail, path=format_path(path), key=keys[row], raw=records[row])
            for row, (reason, detail, path) in sorted(wrong.items())
        )
        good = [row for row in range(held.size) if row not in wrong]
        values = {name: array.take(pa.array(good, pa.int64())) for name, array in held.values.items()}
        texts = {name: [column[row] for row in good] for name, column in held.texts.items()}
        left = [keys[row] for row in good]
        return Batch(self._arranged.table(Held(len(good), values, texts)), _Raws(left, raws), aside, left)


def _path(node: Node) -> Path:
    return (escape_step(node.name),)


def _sql(node: Node) -> str:
    return f"t.{identifier(node.name)}"


_ENDS = {
    "date": (INFINITE, pa.int64()),
    "timestamp": (INFINITE, pa.int64()),
    "day": (INFINITE_DAYS, pa.int32()),
}


def _infinite(values: Any, node: Node) -> list[int]:
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


class _Keys(Sequence[str]):
    """The keys of the rows, made when the first is asked for."""

    def __init__(self, held: Held, nodes: Sequence[Node], parts: Sequence[Sequence[str | None]]) -> None:
        self._held, self._nodes, self._parts = held, nodes, parts
        self._made: list[str] | None = None

    def __len__(self) -> int:
        return self._held.size

    def __getitem__(self, at: Any) -> Any:
        if self._made is None:
            columns = [self._held.texts_of(node) for node in self._nodes] or list(self._parts)
            self._made = keys_of_columns(columns, self._held.size)
        return self._made[at]


class _Raws(Sequence[bytes]):
    """The raw records of the rows, fetched by their keys when they are asked for (model.batch.MadeLater)."""

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
