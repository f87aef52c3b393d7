"""Raw records of rows into Arrow, held strictly against a shape: what was set aside comes in again through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossfade.model.batch import Batch, Column, KeysOf
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Node, Path, Shape, format_path
from crossfade.records.codec import Unreadable
from crossfade.records.rows import raw as lines
from crossfade.records.rows.columns import Arrangement, Held
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.raw import Row
from crossfade.records.rows.texts import INFINITE, canonical, is_plain
from crossfade.records.rows.types import read_as


class RawReader:
    """Made for a shape and the columns asked for. Holds nothing between batches."""

    def __init__(self, shape: Shape, columns: Sequence[Column]) -> None:
        self._arranged = Arrangement(shape, columns)
        self._by_name = shape.root.by_name

    def read(self, raw_batch: bytes) -> Batch:
        raws, rows, aside = list[bytes](), list[Row](), list[Rejection]()
        for position, raw in enumerate(lines.split(raw_batch)):
            try:
                row = lines.read(raw)
                self._require_fit(row)
            except Unreadable as why:
                path = format_path(why.path) if why.path else ""
                aside.append(Rejection(position, why.reason, why.detail, path=path, key=lines.key_of(raw), raw=raw))
            else:
                raws.append(raw)
                rows.append(row)
        held = self._held(rows)
        if wrong := held.json_misfits(self._arranged.inside):
            aside += [_rejected(place, raw, *why) for place, raw, why in _placed(raws, wrong, aside)]
            left = [row for row in range(len(rows)) if row not in wrong]
            raws, held = [raws[row] for row in left], self._held([rows[row] for row in left])
        rejected = tuple(sorted(aside, key=lambda one: one.row))
        return Batch(self._arranged.table(held), raws, rejected, KeysOf(raws, lines.key_of))

    def _require_fit(self, row: Row) -> None:
        """Raise Unreadable for a record that does not fit the shape."""
        for name, text in row.columns.items():
            node = self._by_name.get(name)
            if node is None:
                raise Unreadable("unseen_path", "a column that the survey did not see", (name,))
            if text is not None and (why := misfit(node, text)) is not None:
                raise Unreadable(*why, (name,))
        for node, text in zip(self._arranged.key, row.key, strict=False):
            # Of a record that is only a key: one that was guessed from a target's row may be of another type.
            if node.name not in row.columns and (why := misfit(node, text)) is not None:
                raise Unreadable(*why, (node.name,))

    def _held(self, rows: Sequence[Row]) -> Held:
        key = {node.name: place for place, node in enumerate(self._arranged.key)}
        texts = {n.name: [_text(row, n.name, key) for row in rows] for n in self._arranged.texts}
        values = {
            n.name: canonical([_text(row, n.name, key) for row in rows], read_as(n)) for n in self._arranged.values
        }
        return Held(len(rows), values, texts)


def _placed(
    raws: Sequence[bytes], wrong: Mapping[int, tuple[str, str, Path]], before: Sequence[Rejection]
) -> Iterator[tuple[int, bytes, tuple[str, str, Path]]]:
    """The places of rows among all that were read, of which some are rejected already."""
    taken = {one.row for one in before}
    places = (place for place in range(len(raws) + len(taken)) if place not in taken)
    for row, place in enumerate(places):
        if row in wrong:
            yield place, raws[row], wrong[row]


def _rejected(place: int, raw: bytes, reason: str, detail: str, path: Path) -> Rejection:
    return Rejection(place, reason, detail, path=format_path(path), key=lines.key_of(raw), raw=raw)


def _text(row: Row, name: str, key: Mapping[str, int]) -> str | None:
    """The text of a column; of a record that is only a key, that of its part."""
    if name in row.columns or name not in key or key[name] >= len(row.key):
        return row.columns.get(name)
    return row.key[key[name]]


ODD_ARRAY = "an array of several dimensions, or one that does not begin at 1, where the survey saw none"


def misfit(node: Node, text: str) -> tuple[str, str] | None:
    """Reason and detail where a value cannot arrive as its column does, because the survey saw none like it."""
    if node.kind in ("date", "timestamp", "day") and text in INFINITE:
        return "out_of_range", f"{text} where the survey saw none"
    if node.kind == "array" and not is_plain(text):
        return (
            "unseen_type",
            "an array of several dimensions, or one that does not begin at 1, where the survey saw none",
        )
    if node.kind != "string":
        try:
            canonical([text], read_as(node))
        except (ValueError, OverflowError) as error:
            return "unseen_type", f"it is no {node.declared or node.kind}: {error}"
    return None


def keys_of_columns(columns: Sequence[Sequence[str | None]], size: int) -> list[str]:
    """The keys whose parts are in these columns."""
    return [key_of_texts(parts) for parts in zip(*columns, strict=True)] if columns else [key_of_texts(())] * size


__all__ = ["RawReader", "keys_of_columns", "misfit"]

_: Any = RawReader
