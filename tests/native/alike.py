"""What two readers must have in common, and documents with damaged bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from crossfade.model.batch import Batch, Column
from crossfade.model.nodes import entry_value, listed_element
from crossfade.model.shape import Node, Path, Shape, escape_step
from crossfade.records.bson.columns import compile_columns, python_columns
from crossfade.records.bson.forms import ARROW_KINDS


def in_bits(array: Any) -> Any:
    """Doubles as their 64 bits, also inside lists: NaN is nothing's equal."""
    kind = array.type
    if pa.types.is_float64(kind):
        return array.view(pa.int64())
    if pa.types.is_struct(kind):
        parts = [in_bits(array.field(i)) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(parts, [field.name for field in kind])
    if pa.types.is_list(kind):
        starts = array.offsets.to_pylist()
        there = [*array.is_valid().to_pylist(), True]
        offsets = pa.array([s if ok else None for s, ok in zip(starts, there, strict=True)], pa.int32())
        return pa.ListArray.from_arrays(offsets, in_bits(array.values))
    return array


def whole(column: Any) -> Any:
    """A column of a table in one piece."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def assert_alike(mine: Batch, theirs: Batch) -> None:
    assert mine.rejected == theirs.rejected
    assert list(mine.raws) == list(theirs.raws)
    assert mine.table.schema.equals(theirs.table.schema, check_metadata=True)
    mine.table.validate(full=True)
    for name, one, other in zip(mine.table.column_names, mine.table.columns, theirs.table.columns, strict=True):
        assert in_bits(whole(one)).equals(in_bits(whole(other))), name


def assert_read_alike(shape: Shape, columns: Sequence[Column], batch: bytes) -> Batch:
    """Reads the batch with both; gives what came out."""
    reader = compile_columns(shape, columns)
    assert reader.is_native
    found = reader.read(batch)
    assert_alike(found, python_columns(shape, columns).read(batch))
    return found


def columns_of(node: Node, path: Path = (), deep: int = 2) -> Iterator[Column]:
    """Every column that can be asked for at this place and below it."""
    for form in ("ejson", "json", "type", "present", "rest"):
        yield Column(f"{form} {path}", path, form)
    if node.kind == "objectId":
        yield from (Column(f"{form} {path}", path, form) for form in ("oid_uuid", "oid_text"))
    if node.kind in ARROW_KINDS and (path or node.types):  # the document itself is no value
        yield Column(f"native {path}", path)
    if deep:
        yield from _lists_of(node, path, deep)
    below = [inside for inside, _ in node.walk() if inside]
    for number, cut in enumerate(below[:4]):
        yield Column(f"rest {path} {number}", path, "rest", without=frozenset([cut, *below[number::3]]))
    for child in node.fields:
        yield from columns_of(child, (*path, escape_step(child.name)), deep)


def _lists_of(node: Node, path: Path, deep: int) -> Iterator[Column]:
    yield Column(f"count {path}", path, "list")
    if node.element is not None:
        yield Column(f"list {path}", path, "list", tuple(columns_of(node.element, (), deep - 1)))
    if node.fields or node.is_map:
        of_value = columns_of(entry_value(node), (), deep - 1)
        yield Column(f"entries {path}", path, "entries", (Column("key", (), "key"), *of_value))
    if path:
        yield Column(f"listed {path}", path, "listed", tuple(columns_of(listed_element(node), (), deep - 1)))


INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0\0\0\0", b"_id\0"]
LENGTHS = [0, 1, 4, 5, 13, 14, 255, 2**31 - 1, -(2**31), -1]


@st.composite
def damaged(draw: st.DrawFn, batch: bytes) -> bytes:
    """The batch with a few bits, bytes or lengths changed, some bytes left out or twice, or its end cut off."""
    for _ in range(draw(st.integers(1, 3))):
        if not batch:
            break
        at = draw(st.integers(0, len(batch) - 1))
        size = draw(st.integers(1, 8))
        how = draw(st.integers(0, 5))
        if how == 0:
            batch = batch[:at] + bytes([batch[at] ^ 1 << draw(st.integers(0, 7))]) + batch[at + 1 :]
        elif how == 1:
            some = draw(st.sampled_from(INTERESTING))
            batch = batch[:at] + some + batch[at + len(some) :]
        elif how == 2:
            length = draw(st.sampled_from([*LENGTHS, len(batch), len(batch) - at]))
            batch = batch[:at] + (length & 0xFFFF_FFFF).to_bytes(4, "little") + batch[at + 4 :]
        elif how == 3:
            batch = batch[:at] + batch[at + size :]
        elif how == 4:
            batch = batch[: at + size] + batch[at:]
        else:
            batch = batch[:at]
    return batch


NOTHING = Shape("things", 0, Node("", "", {}))
