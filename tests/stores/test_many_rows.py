"""Rows of the journal that are sent together, in pieces: none is lost, and the last of the same key counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from crossfade.stores import sql_journal
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn, JournalTable
from crossfade.stores.postgresql.target import PostgresWriter
from scratch import PostgresScratch

C = JournalColumn
NOTES = JournalTable(
    "note",
    (C("id"), C("number", "bigint", nullable=True), C("raw", "bytes", nullable=True), C("size", "real", nullable=True)),
    ("id",),
)


@pytest.fixture
def tx(pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> Iterator[TargetTransaction]:
    monkeypatch.setattr(sql_journal, "_BYTES", 50)
    with closing(PostgresWriter(pg_db.url)) as writer, writer.transaction() as tx:
        tx.begin_journal()
        tx.journal.create(NOTES)
        yield tx


def note(number: int, **more: Any) -> dict[str, Any]:
    raw = None if number % 4 == 0 else bytes([number]) * (60 if number % 5 == 0 else 7)
    return {"id": f"n{number:02}'\"\\{{é", "number": None if number % 3 == 0 else number << 40, "raw": raw,
            "size": number / 3, **more}  # fmt: skip


def there(tx: TargetTransaction) -> list[tuple[Any, ...]]:
    return tx.journal.select(NOTES, [c.name for c in NOTES.columns], order=("id",))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 20])
def test_rows_come_change_and_go(tx: TargetTransaction, count: int) -> None:
    rows = [note(number) for number in range(count)]
    tx.journal.insert(NOTES, rows)
    assert there(tx) == [tuple(row.values()) for row in rows]
    tx.journal.insert(NOTES, [{**row, "size": 9.0} for row in rows], keep=True)
    assert there(tx) == [tuple(row.values()) for row in rows]
    tx.journal.upsert(NOTES, [*(note(n, size=8.0) for n in range(count)), note(0, size=7.0), note(count)])
    assert [row[3] for row in there(tx)] == [7.0, *[8.0] * (count - 1), count / 3]
    tx.journal.update_each(NOTES, [({"id": note(n)["id"]}, {"number": n, "raw": b""}) for n in range(count)])
    assert [row[1] for row in there(tx)] == [*range(count), note(count)["number"]]
    tx.journal.delete_each(NOTES, [{"id": row["id"], "number": n} for n, row in enumerate(rows)])
    assert [row[0] for row in there(tx)] == [note(count)["id"]]


def test_null_is_a_value_that_rows_have(tx: TargetTransaction) -> None:
    tx.journal.insert(NOTES, [{**note(1), "number": None}, {**note(2), "number": None}, note(4)])
    ids = [note(n)["id"] for n in (1, 2, 4)]
    tx.journal.update_each(NOTES, [({"id": id_, "number": None}, {"size": None}) for id_ in ids])
    assert [row[3] for row in there(tx)] == [None, None, 4 / 3]
    tx.journal.delete_each(NOTES, [{"id": id_, "number": None} for id_ in ids])
    assert [row[0] for row in there(tx)] == ids[2:]
