"""Cursors that return the server's replies as raw documents, without creating an object for each.

`find_raw_batches` of pymongo 4 decodes every document of a reply before it returns their bytes, which takes half of the
reading time. A cursor of the same class is created here that decodes only the top level of the reply. It overrides a
private method of pymongo: if that has changed, pymongo's own cursor is used.
"""

from __future__ import annotations

import inspect
from typing import Any

import bson
from pymongo.collection import Collection
from pymongo.cursor import RawBatchCursor

_BATCHES = ("firstBatch", "nextBatch")
_EXPECTED = ("self", "response", "cursor_id", "codec_options", "user_fields", "legacy_response")


class _RawReplies(RawBatchCursor[Any]):
    def _unpack_response(self, response: Any, cursor_id: Any, *_: Any, **__: Any) -> list[Any]:
        (reply,) = response.raw_response(cursor_id, user_fields={"cursor": 1})
        if "cursor" in reply:
            cursor = dict(reply["cursor"])
            for name in _BATCHES:
                if name in cursor:
                    documents = bson._array_of_documents_to_buffer(cursor[name])
                    cursor[name] = [documents] if documents else []
            reply["cursor"] = cursor
        return [reply]


def find_replies(collection: Collection[Any], query: Any, *arguments: Any, **options: Any) -> RawBatchCursor[Any]:
    """Do what `Collection.find_raw_batches` does."""
    make = _RawReplies if IS_QUICK else RawBatchCursor
    return make(collection, query, *arguments, **options)


def _as_expected() -> bool:
    unpack = getattr(RawBatchCursor, "_unpack_response", None)
    known = unpack is not None and tuple(inspect.signature(unpack).parameters) == _EXPECTED
    return known and hasattr(bson, "_array_of_documents_to_buffer")


IS_QUICK = _as_expected()
