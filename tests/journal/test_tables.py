"""The journal's tables do the same in every target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import Busy
from crossfade.journal import journal
from crossfade.journal.tables import CHUNK, QUARANTINE, RUN
from crossfade.stores.contract import Store, TargetTransaction, Transaction, need
from crossfade.stores.contract.journal import After, Either, From, Groups, Is, IsNot, OneOf, Size, StartsWith, UpTo
from crossfade.stores.open import open_store


@pytest.fixture(params=["postgresql", "sqlite", "mongodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 't.db'}"
    if request.param != "sqlite":
        url = request.getfixturevalue({"postgresql": "pg_db", "mongodb": "mongo_db"}[request.param]).url
    with open_store(url) as found:
        journal.create(found)
        journal.create(found)  # twice is harmless
        yield found


@pytest.fixture
def begin(store: Store) -> Transaction:
    return need(store.writer, store, "be written to").transaction


def entry(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "entity": "users", "chunk": 0, "record_key": "k" + id_, "reason": "check", "detail": "d",
        "target_table": None, "target_column": None, "target_constraint": None, "parent": None, "waits_for": None,
        "cause": None, "phase": "copy", "raw": b"r" + id_.encode(), "state": "open", "note": None, "noted_at": "t",
        "digest": "", **more,
    }  # fmt: skip


ENTRIES = [
    entry("a1"), entry("a2", state="retried"), entry("b1", entity="posts", reason="unique", target_table="t"),
    entry("b2", entity="posts", record_key=None, waits_for="a2"), entry("c", entity="posts", waits_for="a1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ((), "a1 a2 b1 b2 c"),
        ((Is("entity", "posts"),), "b1 b2 c"),
        ((Is("record_key", None),), "b2"),
        ((IsNot("state", "retried"), IsNot("record_key", None)), "a1 b1 c"),
        ((IsNot("target_table", "x"),), "b1"),  # null is neither equal nor different
        ((OneOf("id", ["a1", "c", "zz"]),), "a1 c"),
        ((OneOf("id", []),), ""),
        ((After(("id",), ("a2",)), UpTo("id", "b2")), "b1 b2"),
        ((From("id", "b2"),), "b2 c"),
        ((After(("entity", "id"), ("posts", "b1")),), "a1 a2 b2 c"),
        ((StartsWith("id", "b"),), "b1 b2"),
        ((Either(((Is("id", "a1"),), (Is("record_key", None), Is("digest", "")))),), "a1 b2"),
    ],
)
def test_conditions(begin: Transaction, where: Any, ids: str) -> None:
    with begin() as tx:
        tx.journal.insert(QUARANTINE, ENTRIES)
    with begin() as tx:
        found = tx.journal.select(QUARANTINE, ("id",), where, order=("id",))
    assert " ".join(id_ for (id_,) in found) == ids


def test_rows_are_counted_grouped_and_limited(begin: Transaction) -> None:
    groups = Groups(("entity",), link="waits_for", linked="state", order=("record_key", "id"), first=1)
    with begin() as tx:
        tx.journal.insert(QUARANTINE, ENTRIES)
        assert tx.journal.count(QUARANTINE, ("entity", "reason")) == [
            ("posts", "check", 2), ("posts", "unique", 1), ("users", "check", 2)
        ]  # fmt: skip
        assert tx.journal.select(QUARANTINE, ("id", Size("raw")), order=("id",), limit=2) == [("a1", 3), ("a2", 3)]
        assert sorted(tx.journal.select(QUARANTINE, ("entity",), distinct=True)) == [("posts",), ("users",)]
        found = tx.journal.groups(QUARANTINE, ("id",), (), groups)
    assert sorted(found, key=repr) == sorted(
        [(1, None, ("b1",)), (1, "open", ("c",)), (1, "retried", ("b2",)), (2, None, ("a1",))], key=repr
    )


def test_rows_are_changed_one_by_one(begin: Transaction) -> None:
    with begin() as tx:
        tx.journal.insert(QUARANTINE, ENTRIES)
        tx.journal.update_each(QUARANTINE, [({"id": i, "state": "open"}, {"note": i}) for i in ("a1", "a2", "zz")])
        tx.journal.update_each(QUARANTINE, [({"id": "b1", "target_column": None}, {"target_column": "x"})])
        tx.journal.update_each(QUARANTINE, [({"id": "b1", "target_column": None}, {"target_column": "y"})])
        tx.journal.upsert(QUARANTINE, [entry("c", detail="again"), entry("d")])
        tx.journal.delete_each(QUARANTINE, [{"id": "b2"}, {"id": "zz"}])
        found = tx.journal.select(QUARANTINE, ("id", "note", "target_column", "detail"), order=("id",))
    assert found == [
        ("a1", "a1", None, "d"), ("a2", None, None, "d"), ("b1", None, "x", "d"), ("c", None, None, "again"),
        ("d", None, None, "d"),
    ]  # fmt: skip


def test_amounts_are_added_and_a_row_may_be_kept(begin: Transaction) -> None:
    row = {"entity": "users", "number": -1, "planned": 0, "copied": 5}
    one = (Is("entity", "users"), Is("number", -1))
    with begin() as tx:
        tx.journal.insert(CHUNK, [row])
        tx.journal.insert(CHUNK, [{**row, "copied": 9}], keep=True)
        tx.journal.add(CHUNK, {"copied": -2, "gone": 3}, one)
        assert tx.journal.select(CHUNK, ("copied", "gone", "source"), one) == [(3, 3, None)]


def test_what_fails_leaves_nothing(begin: Transaction) -> None:
    with begin() as tx:
        tx.journal.insert(QUARANTINE, [entry("a")])

    def insert_and_fail(inside: AbstractContextManager[TargetTransaction | None], id_: str) -> None:
        with inside as found:
            (found or tx).journal.insert(QUARANTINE, [entry(id_)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insert_and_fail(begin(), "b")
    with begin() as tx:
        with pytest.raises(ZeroDivisionError):
            insert_and_fail(tx.savepoint(), "c")
        tx.journal.insert(QUARANTINE, [entry("d")])
    with begin() as tx:
        assert tx.journal.select(QUARANTINE, ("id",), order=("id",)) == [("a",), ("d",)]


def test_a_document_of_any_size_is_kept(begin: Transaction) -> None:
    raw = bytes(range(256)) * 65_535  # 16 MB, as large as a document may be
    with begin() as tx:
        tx.journal.insert(QUARANTINE, [entry("a", raw=raw), entry("b", raw=b"")])
    with begin() as tx:
        found = tx.journal.select(QUARANTINE, (Size("raw"), "raw"), order=("id",))
    assert [(size, bytes(kept) == whole) for (size, kept), whole in zip(found, (raw, b""), strict=True)] == [
        (len(raw), True), (0, True)
    ]  # fmt: skip


def test_only_the_run_that_took_over_last_writes(store: Store, begin: Transaction) -> None:
    with begin() as tx:
        journal.take_over(tx, "first")
    with begin() as tx:
        journal.take_part(tx, "first")
        tx.journal.insert(QUARANTINE, [entry("a")])
    with begin() as tx:
        journal.take_over(tx, "second")
        assert tx.journal.select(RUN, ("token",)) == [("second",)]
    with pytest.raises(Busy), begin() as tx:
        journal.take_part(tx, "first")
