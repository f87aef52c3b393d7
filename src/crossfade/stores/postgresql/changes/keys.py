"""The keys of changed rows: collected as bytes, coalesced, and finally converted to the texts of the codec.

A publication with a column list sends only keys, so that the bytes of a row are its key. Equal keys have equal bytes,
so a row that is written a thousand times is decoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from crossfade.model.keys import Listed
from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.postgresql.changes import pgoutput
from crossfade.stores.postgresql.changes.tables import Followed

Convert = Callable[[str], str]
_TEXT = ord("t")


def _address(text: str) -> str:
    """Return an inet as its cast to text prints it: with the length of the network."""
    return text if "/" in text else f"{text}/{128 if ':' in text else 32}"


_CONVERT: Mapping[str, Convert] = {
    "boolean": lambda text: "true" if text == "t" else "false",
    "character": lambda text: text.rstrip(" "),
    "inet": _address,
}
"""Types whose output function, used by the log, differs from their cast to text, used by keys."""


@dataclass(frozen=True, slots=True)
class KeyLayout:
    """How the rows of a table are converted to keys: the places of the key's columns, and the conversion of each.

    `exact`: a row has no other columns.
    """

    entity: str
    places: tuple[int, ...]
    convert: tuple[Convert | None, ...]
    exact: bool

    @property
    def is_text(self) -> bool:
        """Return whether a row consists of one text."""
        return self.exact and self.convert == (None,)

    def key(self, row: bytes, before: bytes | None = None) -> str | None:
        """Return the key of a row; `before` has the values that it does not repeat. None if neither has one of them."""
        values = pgoutput.values(row, self.places)
        if pgoutput.UNCHANGED in values and before is not None:
            old = pgoutput.values(before, self.places)
            values = [o if v is pgoutput.UNCHANGED else v for v, o in zip(values, old, strict=True)]
        texts = [value.decode() for value in values if isinstance(value, bytes)]
        if len(texts) < len(values):
            return None
        return key_of_texts([t if c is None else c(t) for t, c in zip(texts, self.convert, strict=True)])


def layout(table: Followed, columns: Sequence[str]) -> KeyLayout | None:
    """Return the layout of a table whose rows arrive with these columns; None if the key is not among them."""
    names = [column.name for column in table.key]
    if not set(names) <= set(columns):
        return None
    convert = tuple(_CONVERT.get(column.type) for column in table.key)
    return KeyLayout(table.entity, tuple(columns.index(name) for name in names), convert, len(columns) == len(names))


class ChangedKeys:
    """What has changed since the last call of `take`."""

    def __init__(self, tables: Sequence[Followed]) -> None:
        self._tables: dict[int, Followed] = {}
        self.know(tables)
        self._layouts: dict[int, KeyLayout | None] = {}
        self._rows: dict[bytes, None] = {}
        self._keys: dict[tuple[str, str], None] = {}
        self._redefined: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._rows) + len(self._keys) + len(self._redefined)

    def know(self, tables: Sequence[Followed]) -> None:
        """Also name the keys of these tables. The tables that they replaced may still be in the log."""
        self._tables.update((int(table.relation.oid), table) for table in tables)

    def relation(self, message: pgoutput.PublishedRelation) -> None:
        """Note the columns of the rows that follow. A table that no longer belongs to an entity is ignored."""
        self._settle()
        table = self._tables.get(message.oid)
        self._layouts[message.oid] = found = layout(table, message.columns) if table else None
        if table is not None and found is None:
            self._redefined[table.entity] = None

    def row(self, data: bytes) -> None:
        """Note the keys of an INSERT, UPDATE or DELETE: if the key itself changed, the old one and the new one."""
        layout = self._layouts[int.from_bytes(data[1:5], "big")]
        if layout is None:
            return
        if layout.exact and (data[5] == pgoutput.NEW or data[0] == pgoutput.DELETE):
            self._rows[data[1:5] + data[6:]] = None
            return
        before, after = pgoutput.rows(data)
        if before is not None:
            self._add(layout, layout.key(before))
        if after is not None:
            self._add(layout, layout.key(after, before))

    def truncated(self, oids: Sequence[int]) -> None:
        """Note that every key of these tables may be gone."""
        self._redefined.update((self._tables[oid].entity, None) for oid in oids if oid in self._tables)

    def redefined(self, entities: Sequence[str]) -> None:
        """Note that every key of these entities may have changed."""
        self._redefined.update((entity, None) for entity in entities)

    def add(self, keys: Iterable[tuple[str, str]]) -> None:
        """Note keys of entities."""
        self._keys.update((key, None) for key in keys)

    def take(self) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
        """Return the keys of each entity, and the entities of which every key may have changed."""
        self._settle()
        found: dict[str, list[str]] = {}
        for entity, key in self._keys:
            found.setdefault(entity, []).append(key)
        redefined = tuple(self._redefined)
        self._keys, self._redefined = {}, {}
        return tuple(Listed(entity, tuple(keys)) for entity, keys in found.items()), redefined

    def _settle(self) -> None:
        """Convert the rows to keys, while their columns are known."""
        rows, self._rows = self._rows, {}
        table, layout, is_text = b"", None, False
        for row in rows:
            if row[:4] != table:
                table = row[:4]
                layout = self._layouts[int.from_bytes(table, "big")]
                is_text = layout is not None and layout.is_text
            assert layout is not None
            if is_text and row[6] == _TEXT:
                self._keys[layout.entity, key_of_texts((row[11:].decode(),))] = None
            else:
                self._add(layout, layout.key(row[4:]))

    def _add(self, layout: KeyLayout, key: str | None) -> None:
        if key is None:
            self._redefined[layout.entity] = None
        else:
            self._keys[layout.entity, key] = None
