"""Find records in quarantine that would make a referenced row, to distinguish waiting records from true orphans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crossfade.journal.unexplained import RecordOutside, records_outside
from crossfade.model.canonical import python_rows
from crossfade.model.program import Feed
from crossfade.model.target import ForeignKey
from crossfade.pipeline.narrow import follows_from_key, narrow_transformer
from crossfade.runtime.session import Session
from crossfade.stores.contract import Transaction
from crossfade.transform.transform import Transformer

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that is not in the target; of several that would make the same row, the first in order."""

    is_closed: bool
    entity: str
    key: str | None
    id: str

    @property
    def is_open(self) -> bool:
        return not self.is_closed


class Parents:
    """The rows that records in quarantine would make, for each parent table and its columns; computed once each."""

    def __init__(self, s: Session, transaction: Transaction | None = None) -> None:
        self._s, self._transaction = s, transaction or s.transaction
        self._known: dict[tuple[str, tuple[str, ...]], dict[Values, Parent]] = {}

    def of(self, key: ForeignKey, values: Values) -> Parent | None:
        what = (key.parent, key.parent_columns)
        if what not in self._known:
            self._known[what] = self._made(*what)
        return self._known[what].get(values)

    def _made(self, table: str, columns: tuple[str, ...]) -> dict[Values, Parent]:
        made: dict[Values, Parent] = {}
        for feed in self._s.work.program.feeds.values():
            branches = [b for b in feed.branches if b.table == table]
            if branches and all(set(columns) <= set(b.outputs) for b in branches):
                for values, parent in self._of_feed(feed, table, columns):
                    made[values] = min(parent, made.get(values, parent), key=_order)
        return made

    def _of_feed(self, feed: Feed, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Values, Parent]]:
        narrow = narrow_transformer(self._s, feed, table, columns)
        key_path = self._s.codec.key_path
        by_key = all(follows_from_key(b, columns, key_path) for b in feed.branches if b.table == table)
        for piece in records_outside(self._transaction, feed.entity, with_documents=not by_key):
            usable = [record for record in piece if not by_key or record.key is not None]
            yield from self._rows(feed, narrow, usable)

    def _rows(self, feed: Feed, narrow: Transformer, records: list[RecordOutside]) -> Iterator[tuple[Values, Parent]]:
        batch = self._s.batch_of(feed.entity, b"".join(self._document(record) for record in records))
        aside = {a.row for a in batch.rejected}
        readable = [record for i, record in enumerate(records) if i not in aside]
        for part in narrow.map(batch).tables:
            for root, row in zip(part.roots.to_pylist(), python_rows(part.rows), strict=True):
                record = readable[root]
                yield row, Parent(not record.is_open, feed.entity, record.key, record.id)

    def _document(self, record: RecordOutside) -> bytes:
        """Return the record, or one that has only its key: a record that cannot be read completely has a key too."""
        return record.raw if record.raw is not None else self._s.codec.of_key(record.key or "null")


def _order(parent: Parent) -> tuple[bool, str, str, str]:
    return parent.is_closed, parent.entity, parent.key or "", parent.id
