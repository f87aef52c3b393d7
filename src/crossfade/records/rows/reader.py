"""Read raw records of rows into Arrow, checked strictly against a shape: those that were set aside are retried here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossfade.model.batch import Batch, Column, KeysOf
from crossfade.model.rejection import Rejected, Rejection
from crossfade.model.shape import Node, Path, Shape, format_path
from crossfade.records.rows import raw as lines
from crossfade.records.rows.columns import Arrangement, RowValues
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.raw import RawRow
from crossfade.records.rows.texts import INFINITE, canonical, elements, is_plain, require
from crossfade.records.rows.types import read_as

_Read = tuple[list[bytes], list[RawRow], list[Rejection], RowValues]
"""The records that fit, those that do not, and the values of the former."""


class RawReader:
    """Reads raw records with one shape into certain columns. It keeps no state between batches."""

    def __init__(self, shape: Shape, columns: Sequence[Column]) -> None:
        self._arranged = Arrangement(shape, columns)
        self._by_name = shape.root.by_name

    def read(self, raw_batch: bytes) -> Batch:
        found = lines.split(raw_batch)
        raws, rows, aside, values = self._all_fit(found) or self._those_that_fit(found)
        if wrong := values.json_misfits(self._arranged.inside):
            aside += [_rejected(place, raw, *why) for place, raw, why in _placed(raws, wrong, aside)]
            left = [row for row in range(len(rows)) if row not in wrong]
            raws, values = [raws[row] for row in left], self._values([rows[row] for row in left])
        rejected = tuple(sorted(aside, key=lambda one: one.row))
        return Batch(self._arranged.table(values), raws, rejected, KeysOf(raws, lines.key_of))

    def _all_fit(self, raws: list[bytes]) -> _Read | None:
        """Read records column by column, which is quicker. Return None if one of them does not fit the shape."""
        try:
            rows = [lines.read(raw) for raw in raws]
        except Rejected:
            return None
        names, key = self._by_name.keys(), [node.name for node in self._arranged.key]
        needed = set(key)
        given = [row.columns or dict(zip(key, row.key, strict=False)) for row in rows]
        if not all(needed <= columns.keys() <= names for columns in given):
            return None
        texts = {name: [columns.get(name) for columns in given] for name in names}
        values: dict[str, Any] = {}
        for name, node in self._by_name.items():
            if node.kind != "string":
                if (column := _column(node, texts[name])) is None:
                    return None
                values[name] = column
        arranged = self._arranged
        of_texts = {n.name: texts[n.name] for n in arranged.texts}
        of_values = {
            n.name: values[n.name] if n.name in values else canonical(texts[n.name], read_as(n))
            for n in arranged.values
        }
        return raws, rows, [], RowValues(len(rows), of_values, of_texts)

    def _those_that_fit(self, found: Sequence[bytes]) -> _Read:
        raws, rows, aside = list[bytes](), list[RawRow](), list[Rejection]()
        for position, raw in enumerate(found):
            try:
                row = lines.read(raw)
                self._require_fit(row)
            except Rejected as why:
                aside.append(why.at(position, key=lines.key_of(raw), raw=raw))
            else:
                raws.append(raw)
                rows.append(row)
        return raws, rows, aside, self._values(rows)

    def _require_fit(self, row: RawRow) -> None:
        """Raise Rejected for a record that does not fit the shape."""
        for name, text in row.columns.items():
            node = self._by_name.get(name)
            if node is None:
                raise Rejected("unseen_path", "a column that the survey did not see", (name,))
            if text is not None and (why := misfit(node, text)) is not None:
                raise Rejected(*why, (name,))
        for node, text in zip(self._arranged.key, row.key, strict=False):
            # A record that is only a key: if the key was guessed from a target's row, it may be of another type.
            if node.name not in row.columns and (why := misfit(node, text)) is not None:
                raise Rejected(*why, (node.name,))

    def _values(self, rows: Sequence[RawRow]) -> RowValues:
        key = {node.name: place for place, node in enumerate(self._arranged.key)}
        texts = {n.name: [_text(row, n.name, key) for row in rows] for n in self._arranged.texts}
        values = {
            n.name: canonical([_text(row, n.name, key) for row in rows], read_as(n)) for n in self._arranged.values
        }
        return RowValues(len(rows), values, texts)


def _column(node: Node, texts: Sequence[str | None]) -> Any:
    """Return the values of a column, or None if `misfit` would find one among them."""
    given = [text for text in texts if text is not None]
    if node.kind in _DATES and not INFINITE.keys().isdisjoint(given):
        return None
    if node.kind == "array" and not all(map(is_plain, given)):
        return None
    if node.kind == "array" and node.element is not None and any(_infinite(node.element, text) for text in given):
        return None
    try:
        return canonical(texts, read_as(node))
    except (ValueError, OverflowError):
        return None


def _placed(
    raws: Sequence[bytes], wrong: Mapping[int, tuple[str, str, Path]], before: Sequence[Rejection]
) -> Iterator[tuple[int, bytes, tuple[str, str, Path]]]:
    """Yield the places of rows among all that were read, of which some are rejected already."""
    rejected = {one.row for one in before}
    places = (place for place in range(len(raws) + len(rejected)) if place not in rejected)
    for row, place in enumerate(places):
        if row in wrong:
            yield place, raws[row], wrong[row]


def _rejected(place: int, raw: bytes, reason: str, detail: str, path: Path) -> Rejection:
    return Rejection(place, reason, detail, path=format_path(path), key=lines.key_of(raw), raw=raw)


def _text(row: RawRow, name: str, key: Mapping[str, int]) -> str | None:
    """Return the text of a column; of a record that is only a key, that of its part."""
    if name in row.columns or name not in key or key[name] >= len(row.key):
        return row.columns.get(name)
    return row.key[key[name]]


_DATES = ("date", "timestamp", "day")
ODD_ARRAY = "an array of several dimensions, or one that does not begin at 1, where the survey saw none"


def misfit(node: Node, text: str) -> tuple[str, str] | None:
    """Return reason and detail if a value cannot arrive as its column does, because the survey saw none like it."""
    if node.kind in _DATES and text in INFINITE:
        return "out_of_range", f"{text} where the survey saw none"
    if node.kind == "array" and not is_plain(text):
        return "unseen_type", ODD_ARRAY
    if node.kind == "array" and node.element is not None and (odd := _infinite(node.element, text)):
        return "out_of_range", f"{odd} where the survey saw none"
    if node.kind != "string":
        try:
            require(text, read_as(node))
        except (ValueError, OverflowError) as error:
            return "unseen_type", f"it is not a valid {node.declared or node.kind}: {error}"
    return None


def _infinite(element: Node, text: str) -> str | None:
    """Return the first element of an array that is an infinite date."""
    if element.kind not in _DATES or "infinity" not in text:
        return None
    return next((one for one in elements(text) if one in INFINITE), None)


def keys_of_columns(columns: Sequence[Sequence[str | None]], size: int) -> list[str]:
    """Return the keys whose parts are in these columns."""
    return [key_of_texts(parts) for parts in zip(*columns, strict=True)] if columns else [key_of_texts(())] * size


__all__ = ["RawReader", "keys_of_columns", "misfit"]

_: Any = RawReader
