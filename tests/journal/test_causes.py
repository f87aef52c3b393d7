"""Quarantine by cause: grouped in SQL, in PostgreSQL and in SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from crossfade.journal import journal
from crossfade.journal.causes import Selection, beginning_with, causes, pages
from crossfade.journal.journal import Entry
from crossfade.stores.contract import TargetTransaction, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch
from target_sql import sql

Transaction = Callable[[], AbstractContextManager[TargetTransaction]]

ENTRIES = [
    Entry("a1", "users", 0, "1", "not_null", "NULL", "users", "name", "copy"),
    *(Entry(f"b{i}", "orders", 0, f"1{i}", "check", "age", "orders", None, "copy", constraint="c1") for i in range(5)),
    Entry("c1", "orders", 0, None, "broken", "not BSON", None, None, "read"),
    Entry("d1", "orders", 0, "30", "foreign_key", "d", "orders", "user_id", "constraints", constraint="fk"),
    Entry("d2", "orders", 0, "31", "foreign_key", "d", "orders", "user_id", "constraints", constraint="fk"),
    Entry("d3", "orders", 0, "32", "foreign_key", "d", "orders", "user_id", "constraints", constraint="fk"),
]


@pytest.fixture(params=["postgresql", "sqlite"])
def transaction(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transaction]:
    """A journal with the entries; d2 waits for a1, d3 for b0."""
    url = f"sqlite:///{tmp_path / 't.db'}"
    if request.param == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        url = scratch.url
    with open_store(url) as store:
        journal.create(store)
        begin = need(store.writer, store, "be written to").transaction
        with begin() as tx:
            for entry in ENTRIES:
                journal.quarantine_all(tx, [(entry, b"raw")])
            prefix = "{crossfade}quarantine"
            sql(tx, f"UPDATE {prefix} SET parent = 'missing' WHERE id = 'd1'")
            sql(tx, f"UPDATE {prefix} SET parent = 'quarantined', waits_for = 'a1' WHERE id = 'd2'")
            sql(tx, f"UPDATE {prefix} SET parent = 'quarantined', waits_for = 'b0' WHERE id = 'd3'")
        yield begin


def test_by_cause(transaction: Transaction) -> None:
    with transaction() as tx:
        found = [
            (c.entity, c.reason, c.table, c.column, c.constraint, c.parent, c.count, [e.id for e in c.examples])
            for c in causes(tx)
        ]
    assert found == [
        ("orders", "check", "orders", None, "c1", None, 5, ["b0", "b1", "b2"]),
        ("orders", "foreign_key", "orders", "user_id", "fk", "quarantined", 2, ["d2", "d3"]),
        ("orders", "broken", None, None, None, None, 1, ["c1"]),
        ("orders", "foreign_key", "orders", "user_id", "fk", "missing", 1, ["d1"]),
        ("users", "not_null", "users", "name", None, None, 1, ["a1"]),
    ]


def test_what_waits_goes_by_what_became_of_the_parent(transaction: Transaction) -> None:
    with transaction() as tx:
        journal.resolve_all(tx, ENTRIES[:1], "retried")
        journal.resolve_all(tx, ENTRIES[1:2], "discarded", "a test")
        found = {c.parent: [e.id for e in c.examples] for c in causes(tx, Selection(reason="foreign_key"))}
    assert found == {"missing": ["d1"], "present": ["d2"], "discarded": ["d3"]}


@pytest.mark.parametrize(
    ("of", "ids"),
    [
        (Selection(entity="users"), ["a1"]),
        (Selection(reason="check"), ["b0", "b1", "b2", "b3", "b4"]),
        (Selection(place="user_id"), ["d1", "d2", "d3"]),
        (Selection(place="users.name"), ["a1"]),
        (Selection(place="users"), ["a1"]),
        (Selection(place="orders", reason="foreign_key"), ["d1", "d2", "d3"]),
        (Selection(entity="orders", place="name"), []),
        (Selection(state="retried"), []),
    ],
)
def test_a_selection_is_the_same_for_causes_and_pages(transaction: Transaction, of: Selection, ids: list[str]) -> None:
    with transaction() as tx:
        grouped = [e.id for c in causes(tx, of, examples=99) for e in c.examples]
    paged = [e.id for page in pages(transaction, of, size=2) for e in page]
    assert (sorted(grouped), sorted(paged)) == (ids, ids)


def test_pages_are_in_the_order_of_people_and_leave_nothing_out(transaction: Transaction) -> None:
    found = [[e.id for e in page] for page in pages(transaction, Selection(state=None), size=3)]
    assert found == [["c1", "b0", "b1"], ["b2", "b3", "b4"], ["d1", "d2", "d3"], ["a1"]]


def test_an_id_by_its_beginning(transaction: Transaction) -> None:
    with transaction() as tx:
        assert [e.id for e in beginning_with(tx, "d")] == ["d1", "d2", "d3"]
        assert [e.id for e in beginning_with(tx, "c1")] == ["c1"]
        assert beginning_with(tx, "%") == []
