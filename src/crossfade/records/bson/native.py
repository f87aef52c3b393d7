"""The native reader (the distribution `crossfade-native`, in native/), used if it is installed.

It gives the same guarantees as the reader in Python (`crossfade.records.bson`): the same columns, and the same
documents rejected with the same messages. It gets a shape and columns that the Python reader has accepted, as two flat
lists, and its result is converted into the same classes here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import orjson
import pyarrow as pa
from bson import Decimal128

from crossfade.model.batch import Batch, Column, KeysOf
from crossfade.model.rejection import Rejection
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, unescape_step
from crossfade.records.bson.decode import key_of
from crossfade.records.bson.extremes import Extremes
from crossfade.records.bson.strict import Rule
from crossfade.records.native import extension
from crossfade.records.places import LISTS, element_of

LARGEST = 1 << 28  # bytes of a batch; a larger one is read in Python


def native_reader(rule: Rule, columns: Sequence[Column], base: Node) -> NativeReader | None:
    """Return a reader for columns that records/bson/columns.py has accepted, or None without the extension."""
    module = extension()
    return None if module is None else NativeReader(module, rule, columns, base)


CountedPlace = tuple[int | None, str | None, list[tuple[str, int, Extremes, list[str]]]]
"""The number of the parent (None: the document itself), the name (None: an array's elements), and for each type its
count, its extremes as stored by records/bson/extremes.py, and its example keys.
"""


def native_count(batch: bytes) -> tuple[list[tuple[str, str | None]], list[CountedPlace]] | None:
    """Return reason and key of each unreadable document, and every place of the others; None without the extension.

    Keys are shortened and chosen as in records/bson/count.py.
    """
    module = extension()
    if module is None:
        return None
    problems, places = module.count(batch)
    return problems, [(parent, name, [_kind(*kind) for kind in kinds]) for parent, name, kinds in places]


def _kind(
    name: str, count: int, least: Any, greatest: Any, shortest: int | None, longest: int | None, keys: list[str]
) -> tuple[str, int, Extremes, list[str]]:
    if name == "decimal":
        least, greatest = Decimal128.from_bid(least), Decimal128.from_bid(greatest)
    return name, count, Extremes(least, greatest, shortest, longest), keys


class NativeReader:
    """Reads like columns.Transcoder. It keeps no state between batches, and threads may share it."""

    def __init__(self, module: Any, rule: Rule, columns: Sequence[Column], base: Node) -> None:
        self._reader = module.ColumnReader(json.dumps(_rule(rule)), json.dumps(_columns(columns, base)))

    def read(self, raw_batch: bytes) -> Batch:
        table, bounds, rejected = self._reader.read(raw_batch)
        table = pa.Table.from_batches([pa.record_batch(table)])
        raws = Raws(raw_batch, bounds)
        return Batch(table, raws, tuple(_rejection(raw_batch, *one) for one in rejected), KeysOf(raws, key_of))


class Raws(Sequence[bytes]):
    """The documents of the rows, extracted from the batch on access."""

    def __init__(self, batch: bytes, bounds: bytes) -> None:
        self._batch, self._bounds = batch, memoryview(bounds).cast("I")

    def __len__(self) -> int:
        return len(self._bounds) // 2

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        row = range(len(self))[at]
        return self._batch[self._bounds[2 * row] : self._bounds[2 * row + 1]]

    def __iter__(self) -> Iterator[bytes]:
        batch, bounds = self._batch, iter(self._bounds)
        return (batch[start:end] for start, end in zip(bounds, bounds, strict=True))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def _rejection(
    batch: bytes,
    position: int,
    start: int,
    end: int,
    key: str | None,
    reason: str,
    path: str,
    detail: str,
    twice: str | None,
) -> Rejection:
    if twice is not None:  # Python formats the name
        detail = f"the field {twice!r} occurs twice"
    return Rejection(position, reason, detail, path=path, key=key, raw=batch[start:end])


def _rule(root: Rule) -> list[Mapping[str, Any]]:
    """Return the rule as a list of places that refer to each other by number. The first is the document itself."""
    rules = [root]
    places: list[Mapping[str, Any]] = []
    for rule in rules:  # grows during the loop
        fields = []
        for name, field in rule.fields.items():
            fields.append((name, len(rules)))
            rules.append(field)
        element = None
        if rule.node.element is not None:
            element = len(rules)
            rules.append(rule.element)
        entry = None
        if rule.entry is not None:
            entry = len(rules)
            rules.append(rule.entry)
        places.append(
            {
                "types": sorted(rule.types),
                "dates": rule.dates_fit,
                "uuids": rule.uuids_fit,
                "fields": fields,
                "element": element,
                "entry": entry,
            }
        )
    return places


def _columns(columns: Sequence[Column], base: Node) -> Mapping[str, Any]:
    """Return the columns as a list, with the columns of lists referred to by number."""
    asked = [(column, _node_at(base, column.path)) for column in columns]
    specs = []
    for column, node in asked:  # grows during the loop
        inside: Sequence[Column] = column.elements if column.form in LISTS else ()
        element = element_of(column.form, node)
        numbers = list(range(len(asked), len(asked) + len(inside)))
        asked += [(one, _node_at(element, one.path)) for one in inside]
        specs.append(
            {
                "name": column.name,
                "path": [unescape_step(step) for step in column.path],
                "form": node.kind if column.form == "native" else column.form,
                "elements": numbers,
                "without": [[_step(step) for step in path] for path in column.without],
            }
        )
    return {"top": list(range(len(columns))), "columns": specs, "plus": b"+" in orjson.dumps(1e16)}


def _step(step: str) -> str | bool | None:
    """Return a name, None for the elements of an array, True for the values of a map."""
    if step in (ELEMENT, ENTRY):
        return None if step == ELEMENT else True
    return unescape_step(step)


def _node_at(base: Node | None, path: Path) -> Node:
    node = base
    for step in path:
        node = node.by_name.get(unescape_step(step)) if node is not None else None
    return node if node is not None else Node("", "", {})
