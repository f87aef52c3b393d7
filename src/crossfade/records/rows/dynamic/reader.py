"""Check values of rows against the shape, and convert raw records to Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfade.model.batch import Batch, Column, KeysOf
from crossfade.model.rejection import Rejected, Rejection
from crossfade.model.shape import Node, Shape, escape_step, format_path
from crossfade.records.rows import raw as lines
from crossfade.records.rows.dynamic.columns import MixedColumns, Values
from crossfade.records.rows.dynamic.values import TYPES, BadText, Value, value_of

Misfit = tuple[str, str, str]
"""Reason, detail, and the path of the column."""

BAD_TEXT = "invalid_utf8"


class DynamicReader:
    """Reads raw records with one shape into certain columns. It keeps no state between batches."""

    def __init__(self, shape: Shape, columns: Sequence[Column]) -> None:
        self._arranged = MixedColumns(shape, columns)
        self._nodes = shape.root.by_name

    def read(self, raw_batch: bytes) -> Batch:
        raws, rows, aside = list[bytes](), list[Mapping[str, Value | None]](), list[Rejection]()
        for position, raw in enumerate(lines.split(raw_batch)):
            try:
                row = values_of(lines.read(raw), [node.name for node in self._arranged.key])
                self._require_fit(row)
            except Rejected as why:
                aside.append(why.at(position, key=lines.key_of(raw), raw=raw))
            else:
                raws.append(raw)
                rows.append(row)
        columns = {node.name: [row.get(node.name) for row in rows] for node in self._arranged.nodes}
        return Batch(self._arranged.table(columns, len(rows)), raws, tuple(aside), KeysOf(raws, lines.key_of))

    def _require_fit(self, row: Mapping[str, Value | None]) -> None:
        """Raise Rejected for a record that does not fit the shape."""
        for name, value in sorted(row.items(), key=lambda item: not isinstance(item[1], BadText)):
            node = self._nodes.get(name)
            if node is None:
                raise Rejected("unseen_path", "a column that the survey did not see", (escape_step(name),))
            if (why := misfit(node, value)) is not None:
                raise Rejected(*why[:2], (escape_step(name),))


def values_of(row: lines.RawRow, key: Sequence[str] = ()) -> dict[str, Value | None]:
    """Return the values of a raw record; of one that is only a key, those of the columns `key`."""
    texts = dict(row.columns) or dict(zip(key, row.key, strict=False))
    return {name: None if text is None else value_of(text) for name, text in texts.items()}


def misfits(node: Node, values: Values) -> dict[int, Misfit]:
    """Return the rows whose value is not of a type that the survey saw in the column."""
    seen = set(map(type, values)) - {type(None)}
    if not seen or (node.kind != "null" and all(TYPES.get(one) in node.types for one in seen)):
        return {}
    found = ((row, misfit(node, value)) for row, value in enumerate(values))
    return {row: why for row, why in found if why is not None}


def is_worse(why: Misfit, than: Misfit | None) -> bool:
    """Return whether a reason is the one to be given: text that cannot be read comes first, then the first column."""
    return than is None or (why[0] == BAD_TEXT and than[0] != BAD_TEXT)


def misfit(node: Node, value: Value | None) -> Misfit | None:
    if value is None:
        return None
    path = format_path((escape_step(node.name),))
    if isinstance(value, BadText):
        return BAD_TEXT, "text that is not valid UTF-8", path
    name = TYPES[type(value)]
    if name in node.types and node.kind != "null":
        return None
    return "unseen_type", f"{name} where the survey saw none", path
