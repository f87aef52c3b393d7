"""Change documents, or make new ones, from rebuilt values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from crossfade.model.inverse_names import path_of, steps_of
from crossfade.model.rebuilt import CannotStore, Json
from crossfade.model.shape import Path, Shape, format_path
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.merge import merge_at
from crossfade.records.bson.rest import NOTHING, cut_of, remove
from crossfade.records.edit import Editor, same

WHOLE = "*"
"""The output for members of the document itself: rest_of, and json_of of the whole document."""


@dataclass(frozen=True)
class BsonEditor:
    shape: Shape

    def edit(self, old: bytes | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> bytes:
        changed = [name for name in after if old is None or not same(before.get(name), after[name])]
        if old is not None and not changed:
            return old
        document: Any = {} if old is None else decode_one(old)
        for name in sorted(changed, key=len):
            path = () if name == WHOLE else path_of(self.shape.root, steps_of(name))
            try:
                document = merge_at(document, self.shape.root, path, *_both(name, before.get(name), after[name]))
            except CannotStore as why:
                raise CannotStore(why.reason, why.detail, format_path(path)) from None
        if old is None and "_id" not in document:
            raise CannotStore("not_null", "the rows do not tell the document's _id", "_id")
        return _encoded(_key_first(document) if old is None else document)

    def without(self, raw: bytes, paths: Collection[Path]) -> bytes:
        if not paths:
            return raw
        left = remove(decode_one(raw), cut_of(paths))
        return to_bson({} if left is NOTHING else left)


LARGEST = 16 * 1024 * 1024
"""In bytes. MongoDB accepts no larger document."""


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        raw = to_bson(document)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CannotStore("bad_value", f"not a document: {error}") from None
    if len(raw) > LARGEST:
        raise CannotStore("too_large", f"the document would have {len(raw):,} bytes, more than MongoDB accepts")
    return raw


def _both(name: str, before: Any, after: Any) -> tuple[Any, Any]:
    if name != WHOLE:
        return before, after
    return before or Json("{}"), after or Json("{}")


def _key_first(document: dict[str, Any]) -> dict[str, Any]:
    return {"_id": document["_id"], **document}


_: type[Editor] = BsonEditor
__all__ = ["BsonEditor"]
