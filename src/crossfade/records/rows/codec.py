"""Rows of an SQL database, read by the contract of records/codec.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from crossfade.model.batch import Column
from crossfade.model.map_rules import MapRules
from crossfade.model.rejection import Rejected
from crossfade.model.shape import Path, Shape, unescape_step
from crossfade.records.codec import Codec, ColumnReader
from crossfade.records.edit import Editor
from crossfade.records.rows import keys
from crossfade.records.rows import raw as lines
from crossfade.records.rows.count import RowCounter
from crossfade.records.rows.edit import RowEditor
from crossfade.records.rows.reader import RawReader


class RowCodec:
    """A key is a JSON array of the texts of its parts; a raw record a line of JSON."""

    key_path: Path = ()

    split = staticmethod(lines.split)
    key = staticmethod(lines.key_of)
    key_text = staticmethod(keys.key_text)
    keys_in = staticmethod(keys.keys_in)
    keys_meant = staticmethod(keys.keys_meant)
    digests = staticmethod(lines.digests)
    readable = staticmethod(keys.readable)

    def of_key(self, key: str) -> bytes:
        return lines.write(lines.RawRow(keys.texts_of_key(key), {}))

    def value_at(self, raw: bytes, path: Path) -> str | None:
        try:
            text = lines.read(raw).columns.get(unescape_step(path[0])) if len(path) == 1 else None
        except Rejected:
            return None
        return None if text is None else keys.key_of_texts([text])

    def compared(self, key: str) -> object:
        return key

    def uuids_of(self, keys: Sequence[str]) -> list[bytes] | None:
        return None

    def key_in_uuid(self, value: bytes) -> str | None:
        return None

    def reader(self, shape: Shape, columns: Sequence[Column]) -> RawReader:
        return RawReader(shape, columns)

    def editor(self, shape: Shape) -> Editor | None:
        return RowEditor(shape)

    def counter(self, rules: MapRules | None = None) -> RowCounter:
        return RowCounter()

    def json(self, raw: bytes) -> Any:
        row = lines.read(raw)
        return {"key": list(row.key), "row": dict(row.columns)}

    def line(self, raw: bytes) -> str:
        columns = lines.read(raw).columns
        return ", ".join(f"{name} = {_shown(text)}" for name, text in columns.items())

    def lines(self, raw: bytes) -> str:
        columns = lines.read(raw).columns
        return "\n".join(f"{name} = {_shown(text)}" for name, text in columns.items())


def _shown(text: str | None) -> str:
    return "NULL" if text is None else json.dumps(text, ensure_ascii=False)


ROWS: Codec = RowCodec()
_: type[ColumnReader] = RawReader
