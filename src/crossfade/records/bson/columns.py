"""Convert a raw batch of documents to Arrow, column by column.

It works place by place, not document by document: one list comprehension extracts a field from all documents, one set
finds its classes, and one call converts it to an Arrow array. Documents are checked before (strict.py), the whole batch
at once if it is clean, as it nearly always is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from crossfade.model.batch import Batch, Column, KeysOf
from crossfade.model.rejection import Rejection
from crossfade.model.shape import ELEMENT, Node, Path, Shape, unescape_step
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.decode import Decoded, decode, key_of
from crossfade.records.bson.forms import ARROW_KINDS, EJSON, JSON, OID_TEXT, OID_UUID, TYPE
from crossfade.records.bson.native import LARGEST, NativeReader, native_reader
from crossfade.records.bson.rest import rest_form
from crossfade.records.bson.strict import Rule, is_clean, rejection
from crossfade.records.bson.uncollected import uncollected
from crossfade.records.forms import KEY, PRESENT, Build, Form, list_of
from crossfade.records.places import LISTS, Values, element_of

ROW = "#row"


class Transcoder:
    """Reads raw batches of one entity into a fixed set of columns. It keeps no state between batches.

    If it has a native reader for the same rule and columns, it uses that one.
    """

    def __init__(
        self, rule: Rule, columns: Sequence[tuple[str, Form, Build]], native: NativeReader | None = None
    ) -> None:
        self._rule = rule
        self._native = native
        self._builders = [build for _, _, build in columns]
        self.schema = pa.schema([pa.field(ROW, pa.int64()), *(form.field(name) for name, form, _ in columns)])

    @property
    def is_native(self) -> bool:
        return self._native is not None

    def read(self, raw_batch: bytes) -> Batch:
        """Return the documents as Arrow. Those that cannot be read or do not fit the shape are rejected."""
        if self._native is not None and len(raw_batch) <= LARGEST:
            return self._native.read(raw_batch)
        with uncollected():
            return self._read(raw_batch)

    def _read(self, raw_batch: bytes) -> Batch:
        decoded = decode(raw_batch)
        rejected = list(decoded.rejected)
        rows = Values(decoded.docs)
        if decoded.docs and not is_clean(rows, self._rule):
            decoded, found = self._sorted_out(decoded)
            rejected = sorted([*rejected, *found], key=lambda one: one.row)
            rows = Values(decoded.docs)
        return Batch(self._table(rows), decoded.raws, tuple(rejected), KeysOf(decoded.raws, key_of))

    def _table(self, rows: Values) -> Any:
        numbers = pa.array(range(len(rows.values)), pa.int64())
        return pa.Table.from_arrays([numbers, *(build(rows) for build in self._builders)], schema=self.schema)

    def _sorted_out(self, decoded: Decoded) -> tuple[Decoded, list[Rejection]]:
        """Return the documents that fit, and the others with the reason."""
        good, rejected = Decoded(), []
        for doc, raw, position in zip(decoded.docs, decoded.raws, decoded.positions, strict=True):
            found = rejection(doc, self._rule)
            if found is None:
                good.docs.append(doc)
                good.raws.append(raw)
            else:
                rejected.append(_rejection(doc, raw, position, found))
        return good, rejected


def _rejection(doc: dict[str, Any], raw: bytes, position: int, why: Rejection) -> Rejection:
    key = canonical(doc["_id"]) if "_id" in doc else None
    return replace(why, row=position, key=key, raw=raw)


def compile_columns(shape: Shape, columns: Sequence[Column]) -> Transcoder:
    """Return a transcoder for these columns of documents with this shape.

    A path that is not in the shape is NULL in every row; a document that has it is rejected. Raises ValueError for an
    invalid column: an unknown form, or an object or array as a value.
    """
    rule = Rule(shape.root, is_root=True)
    builders = [_compiled(column, shape.root) for column in columns]
    return Transcoder(rule, builders, native_reader(rule, columns, shape.root))


def python_columns(shape: Shape, columns: Sequence[Column]) -> Transcoder:
    """Return the same, but always the reader in Python: the reference for the native reader."""
    return Transcoder(Rule(shape.root, is_root=True), [_compiled(column, shape.root) for column in columns])


def _compiled(column: Column, base: Node) -> tuple[str, Form, Build]:
    form = _form(column, _node_at(base, column.path))
    return column.name, form, _from(column.path, form)


def _from(path: Path, form: Form) -> Build:
    build = form.build
    return (lambda rows: build(rows.at(path))) if path else build


def _form(column: Column, node: Node) -> Form:
    if column.form in LISTS:
        element = element_of(column.form, node)
        return list_of([_compiled(c, element) for c in column.elements], column.form)
    if column.form == "key":
        return KEY
    if column.form == "rest":
        return rest_form(column.without)
    if column.form != "native":
        return _simple_form(column, node)
    if node.kind not in ARROW_KINDS:
        raise ValueError(f"column {column.name!r} is an {node.kind}, which is not a value")
    return ARROW_KINDS[node.kind]


_SIMPLE = {"ejson": EJSON, "json": JSON, "type": TYPE, "present": PRESENT, "oid_uuid": OID_UUID, "oid_text": OID_TEXT}
_OF_OBJECT_IDS = ("oid_uuid", "oid_text")


def _simple_form(column: Column, node: Node) -> Form:
    if column.form in _OF_OBJECT_IDS and node.kind not in ("objectId", "null"):
        raise ValueError(f"column {column.name!r} requires ObjectIds, but its place has the kind {node.kind}")
    form = _SIMPLE.get(column.form)
    if form is None:
        raise ValueError(f"no form {column.form!r} (column {column.name!r})")
    return form


def _node_at(base: Node, path: Path) -> Node:
    node: Node | None = base
    for step in path:
        if step == ELEMENT:
            raise ValueError(f"the path of a column can only go through objects: {path}")
        if node is not None and node.is_map:
            raise ValueError(f"the path of a column cannot go into a map: {path}")
        node = node.by_name.get(unescape_step(step)) if node is not None else None
    return node if node is not None else Node("", "", {})
