"""The codec of MongoDB and its dumps (see records/codec.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from crossfade.model.batch import Column
from crossfade.model.map_rules import MapRules
from crossfade.model.rejection import Rejected
from crossfade.model.shape import Path, Shape
from crossfade.records.bson import decode, keys
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.columns import Transcoder, compile_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.digest import digests
from crossfade.records.bson.edit import BsonEditor
from crossfade.records.bson.ejson_loads import loads_canonical
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.shell import readable, shell, shell_lines
from crossfade.records.codec import Codec, ColumnReader


class BsonCodec:
    """The codec for BSON documents. A key is the canonical Extended JSON of a document's `_id`."""

    key_path: Path = ("_id",)

    split = staticmethod(decode.split)
    key = staticmethod(decode.key_of)
    value_at = staticmethod(keys.value_at)
    key_text = staticmethod(keys.key_text)
    compared = staticmethod(keys.compared)
    key_in_uuid = staticmethod(keys.key_in_uuid)
    uuids_of = staticmethod(keys.uuids_of)
    keys_in = staticmethod(keys.keys_in)
    keys_meant = staticmethod(keys.keys_meant)
    digests = staticmethod(digests)
    readable = staticmethod(readable)

    def of_key(self, key: str) -> bytes:
        return to_bson({"_id": loads_canonical(key)})

    def reader(self, shape: Shape, columns: Sequence[Column]) -> Transcoder:
        return compile_columns(shape, columns)

    def editor(self, shape: Shape) -> BsonEditor:
        return BsonEditor(shape)

    def counter(self, rules: MapRules | None = None) -> Histogram:
        return Histogram(rules)

    def json(self, raw: bytes) -> Any:
        return json.loads(canonical(_read(raw)))

    def line(self, raw: bytes) -> str:
        return shell(_read(raw))

    def lines(self, raw: bytes) -> str:
        return shell_lines(_read(raw))


def _read(raw: bytes) -> dict[str, Any]:
    try:
        return decode.decode_one(raw)
    except RecursionError as error:
        raise Rejected("broken", str(error)) from None


BSON: Codec = BsonCodec()
_: type[ColumnReader] = Transcoder
