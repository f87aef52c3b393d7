"""The messages of pgoutput: bytes as a server sent them, and every message that can be made."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.keys import Listed
from crossfade.stores.postgresql.changes import pgoutput
from crossfade.stores.postgresql.changes.following import Arrived
from crossfade.stores.postgresql.changes.keys import ChangedKeys
from crossfade.stores.postgresql.changes.lsn import LogPoint
from crossfade.stores.postgresql.changes.pgoutput import UNCHANGED, Begin, Commit, PublishedRelation
from crossfade.stores.postgresql.changes.tables import Followed
from crossfade.stores.postgresql.reading.relations import Relation, SourceColumn

# What PostgreSQL 18.4 sent of this, with a publication of app.item (id, m), whose key is of both:
#   INSERT INTO app.item VALUES (7, 'ok', 'a'); UPDATE app.item SET v = 'b'; UPDATE app.item SET id = 8;
#   DELETE FROM app.item; SELECT pg_logical_emit_message(true, 'crossfade', 'x'); TRUNCATE app.item
SENT = [
    "42000000000171c17800030464a17d17c1000002f5",
    "59000040037075626c6963006d6f6f6400",
    "5200004005617070006974656d006400020169640000000017ffffffff016d0000004003ffffffff",
    "49000040054e000274000000013774000000026f6b",
    "55000040054e000274000000013774000000026f6b",
    "55000040054b000274000000013774000000026f6b4e000274000000013874000000026f6b",
    "44000040054b000274000000013874000000026f6b",
    "4d01000000000171b5d863726f737366616465000000000178",
    "54000000010000004005",
    "4300000000000171c178000000000171c2e800030464a17d17c1",
]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
VALUES = st.one_of(st.none(), st.just(UNCHANGED), st.binary(max_size=30))
ROWS = st.lists(VALUES, max_size=8)


def packed(row: list[object]) -> bytes:
    """Return a row as the server packs it."""
    kinds = {None: b"n", UNCHANGED: b"u"}
    parts = [kinds[v] if not isinstance(v, bytes) else b"t" + struct.pack(">I", len(v)) + v for v in row]
    return struct.pack(">H", len(row)) + b"".join(parts)


def test_a_transaction_of_a_server() -> None:
    begin, _, relation, insert, update, moved, delete, message, truncate, commit = map(bytes.fromhex, SENT)
    assert pgoutput.begin(begin) == Begin(0x171C178, 0x30464A17D17C1, 757)
    assert pgoutput.relation(relation) == PublishedRelation(16389, "app", "item", "d", ("id", "m"))
    assert [rows_of(data) for data in (insert, update)] == [(None, [b"7", b"ok"])] * 2
    assert rows_of(moved) == ([b"7", b"ok"], [b"8", b"ok"])
    assert rows_of(delete) == ([b"8", b"ok"], None)
    assert message[0] == pgoutput.MESSAGE
    assert pgoutput.truncated(truncate) == [16389]
    assert pgoutput.commit(commit) == Commit(0x171C178, 0x171C2E8, 0x30464A17D17C1)


def rows_of(data: bytes) -> tuple[object, object]:
    before, after = pgoutput.rows(data)
    return before and pgoutput.values(before, (0, 1)), after and pgoutput.values(after, (0, 1))


def test_the_same_transaction_as_keys_and_a_position() -> None:
    key = tuple(SourceColumn(name, "text", None, "text", "text", False) for name in ("m", "id"))
    relation = Relation("16389", "app", "item", "r", 0, 0, False, False, "", True)
    keys = ChangedKeys([Followed("app.item", relation, key, ())])
    reading = Arrived(keys, LogPoint(0, 1))
    for sent in SENT[:-1]:
        reading.take(b"w" + bytes(24) + bytes.fromhex(sent))
    assert reading.at == LogPoint(0, 1)  # the transaction has not ended
    reading.take(b"k" + (0x171C200).to_bytes(8, "big") + bytes(8) + b"\1")
    assert reading.at == LogPoint(0, 1)
    reading.take(b"w" + bytes(24) + bytes.fromhex(SENT[-1]))
    assert (reading.at, reading.xids, reading.is_marked) == (LogPoint(0x171C2E8, 1), {757}, True)
    assert reading.finish_batch() == ((Listed("app.item", ('["ok","7"]', '["ok","8"]')),), ("app.item",))
    assert reading.finish_batch() == ((), ())


@given(st.integers(1, 2**32 - 1), NAMES, NAMES, st.sampled_from("dinf"), st.lists(NAMES, max_size=6))
def test_a_table_is_read_with_its_columns(oid: int, schema: str, table: str, identity: str, names: list[str]) -> None:
    columns = b"".join(b"\1" + name.encode() + b"\0" + struct.pack(">Ii", 23, -1) for name in names)
    data = b"R" + struct.pack(">I", oid) + schema.encode() + b"\0" + table.encode() + b"\0" + identity.encode()
    data += struct.pack(">H", len(names)) + columns
    assert pgoutput.relation(data) == PublishedRelation(oid, schema, table, identity, tuple(names))


@given(ROWS)
def test_a_new_row(row: list[object]) -> None:
    before, after = pgoutput.rows(b"I" + struct.pack(">I", 1) + b"N" + packed(row))
    assert before is None
    assert after is not None
    assert pgoutput.values(after, range(len(row))) == row


@given(ROWS, ROWS, st.sampled_from([b"K", b"O"]))
def test_a_changed_row_with_what_it_was(old: list[object], new: list[object], kind: bytes) -> None:
    before, after = pgoutput.rows(b"U" + struct.pack(">I", 1) + kind + packed(old) + b"N" + packed(new))
    assert before is not None
    assert after is not None
    assert pgoutput.values(before, range(len(old))) == old
    assert pgoutput.values(after, range(len(new))) == new


@given(ROWS, st.sampled_from([b"K", b"O"]))
def test_a_deleted_row(old: list[object], kind: bytes) -> None:
    before, after = pgoutput.rows(b"D" + struct.pack(">I", 1) + kind + packed(old))
    assert after is None
    assert before is not None
    assert pgoutput.values(before, range(len(old))) == old


@given(st.lists(st.integers(1, 2**32 - 1), max_size=6))
def test_truncated_tables(oids: list[int]) -> None:
    data = b"T" + struct.pack(">IB", len(oids), 3) + b"".join(struct.pack(">I", oid) for oid in oids)
    assert pgoutput.truncated(data) == oids


def test_an_update_without_a_new_row_is_refused() -> None:
    with pytest.raises(pgoutput.UnknownMessage):
        pgoutput.rows(b"U" + struct.pack(">I", 1) + b"K" + packed([b"1"]) + b"X")
