"""What a refused record clashes with: the value, and the record or the row on the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bson import Binary, ObjectId

import shop
from crossfade.journal.journal import Entry
from crossfade.move import Move
from crossfade.pipeline import causes
from crossfade.records.bson.canonical import canonical
from crossfade_ids import uuid_of_object_id
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch
from target_sql import sql

Opened = Callable[[str, dict[str, str]], Move]

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, mail text, age int, CONSTRAINT grown CHECK (age >= 18));
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers (id), total numeric(8, 2));
CREATE TABLE lines (order_id int NOT NULL REFERENCES orders (id), n int NOT NULL, id int,
  PRIMARY KEY (order_id, n));
"""
MAPPING = {
    "customers": "SELECT c._id AS id, c.mail AS mail, c.age AS age FROM customers AS c",
    "orders": "SELECT o._id AS id, o.customer AS customer, as_decimal(o.total, 8, 2) AS total FROM orders AS o",
    "lines": "SELECT l.ord AS order_id, l.n AS n, l._id AS id FROM lines AS l",
}


@pytest.fixture(params=["postgresql", "sqlite"])
def opened(request: pytest.FixtureRequest, mongo_db: MongoScratch, tmp_path: Path) -> Iterator[Opened]:
    """Opens the move of a schema and its mappings, to either target."""
    moves: list[Move] = []

    def open_(schema: str, mapping: dict[str, str]) -> Move:
        target = f"sqlite:///{tmp_path / 't.db'}"
        if request.param == "postgresql":
            scratch: PostgresScratch = request.getfixturevalue("pg_db")
            target = scratch.url
        move = open_move(shop.small_project(tmp_path / "p", schema, mapping), mongo_db.url, target)
        moves.append(move)
        return move

    yield open_
    for move in moves:
        move.close()


def by_record(move: Move) -> dict[tuple[str, int], Entry]:
    """Entries by entity and the number that their key is."""
    return {
        (e.entity, int("".join(filter(str.isdigit, (e.key or "").partition(":")[2])))): e for e in move.quarantine()
    }


def test_what_waits_is_told_from_what_has_no_parent(opened: Opened, mongo_db: MongoScratch) -> None:
    """An order without a customer; one whose customer is too young; one whose customer has an age that is text; one
    that is refused itself, and the line that waits for it; and a line that waits for one that waits.
    """
    mongo_db.db.customers.insert_many(
        [{"_id": 1, "mail": "a@x.org", "age": 40}, {"_id": 2, "mail": "b@x.org", "age": 7}]
    )
    mongo_db.db.orders.insert_many(
        [
            {"_id": 10 + i, "customer": c, "total": t}
            for i, (c, t) in enumerate([(1, "1.5"), (9, "2"), (2, "3"), (1, "x")])
        ]
    )
    mongo_db.db.lines.insert_many([{"_id": 100 + i, "ord": o, "n": 1} for i, o in enumerate([10, 11, 13, 99])])
    move = opened(SCHEMA, MAPPING)
    move.survey()
    move.copy()
    entries = by_record(move)
    assert {k: (e.reason, e.parent) for k, e in entries.items()} == {
        ("customers", 2): ("check", None),
        ("orders", 11): ("foreign_key", "missing"),
        ("orders", 12): ("foreign_key", "quarantined"),
        ("orders", 13): ("mapping_error", None),
        ("lines", 101): ("foreign_key", "quarantined"),
        ("lines", 102): ("foreign_key", "quarantined"),
        ("lines", 103): ("foreign_key", "missing"),
    }
    waits = {k: e.waits_for for k, e in entries.items() if e.waits_for}
    assert waits == {
        ("orders", 12): entries["customers", 2].id,
        ("lines", 101): entries["orders", 11].id,
        ("lines", 102): entries["orders", 13].id,
    }
    assert entries["orders", 11].cause == {
        "values": {"customer": "9"},
        "parent_table": "customers",
        "parent_columns": ["id"],
        "parent_record": None,
    }
    cause = entries["orders", 12].cause
    assert cause is not None
    assert cause["parent_record"] == {"entity": "customers", "key": '{"$numberInt":"2"}'}
    assert {(c.entity, c.reason, c.parent): c.count for c in move.causes() if c.reason == "foreign_key"} == {
        ("lines", "foreign_key", "quarantined"): 2,
        ("lines", "foreign_key", "missing"): 1,
        ("orders", "foreign_key", "missing"): 1,
        ("orders", "foreign_key", "quarantined"): 1,
    }
    check = entries["customers", 2].cause
    assert check is not None
    assert check["values"] == {"age": "7"}
    assert "age >= 18" in check["check"]


def test_a_retry_explains_again(opened: Opened, mongo_db: MongoScratch) -> None:
    mongo_db.db.customers.insert_one({"_id": 1, "mail": "a@x.org", "age": 7})
    mongo_db.db.orders.insert_one({"_id": 10, "customer": 1, "total": "1"})
    mongo_db.db.lines.insert_one({"_id": 100, "ord": 10, "n": 1})
    move = opened(SCHEMA, MAPPING)
    move.survey()
    move.copy()
    mongo_db.db.customers.update_one({"_id": 1}, {"$set": {"age": 9}})
    mongo_db.db.orders.update_one({"_id": 10}, {"$set": {"customer": 5}})
    tried = {r.entry.entity: r.entry for r in move.retry()}
    assert (tried["customers"].cause or {})["values"] == {"age": "9"}
    assert tried["orders"].column == "customer"
    assert (tried["orders"].parent, (tried["orders"].cause or {})["values"]) == ("missing", {"customer": "5"})
    assert (tried["lines"].parent, tried["lines"].waits_for) == ("quarantined", tried["orders"].id)
    mongo_db.db.customers.update_one({"_id": 1}, {"$set": {"age": 90}})
    assert [r.outcome for r in move.retry([tried["customers"].id])] == ["copied"]
    mongo_db.db.orders.update_one({"_id": 10}, {"$set": {"customer": 1}})
    assert sorted(r.outcome for r in move.retry()) == ["copied", "copied"]
    assert move.verify().equal


@pytest.mark.parametrize(
    ("of", "parent"),
    [
        ("as_decimal(o.total, 8, 2) AS total FROM orders AS o", "present"),
        ("as_decimal(o.total || 'x', 8, 2) AS total FROM orders AS o", None),
        ("as_decimal(o.total, 8, 2) AS total FROM orders AS o WHERE o.total <> '1'", None),
    ],
)
def test_a_parent_is_said_to_be_there_only_of_a_record_that_makes_rows(
    opened: Opened, mongo_db: MongoScratch, of: str, parent: str | None
) -> None:
    """The mapping may refuse by now what it once made rows of, or make none of it: nothing is known of its parent."""
    mongo_db.db.customers.insert_one({"_id": 1, "mail": "a@x.org", "age": 40})
    mongo_db.db.orders.insert_many([{"_id": i, "customer": 5, "total": "1"} for i in (10, 11)])
    schema = SCHEMA.partition("CREATE TABLE lines")[0]
    orders = "SELECT o._id AS id, o.customer AS customer, "
    move = opened(schema, {k: MAPPING[k] for k in ("customers", "orders")})
    move.survey()
    move.copy()
    assert {e.parent for e in move.quarantine()} == {"missing"}
    with move.context.transaction() as tx:
        sql(tx, "INSERT INTO customers VALUES (5, 'e', 50)")
        sql(tx, "UPDATE {crossfade}quarantine SET cause = NULL")
    move.close()
    (move.project.mapping_dir / "orders.sql").write_text(orders + of)
    with Move(move.project) as now:
        now.context.take_over()
        assert causes.explain(now.context.work).count == 2
        assert {(e.parent, e.detail != "") for e in now.quarantine()} == {(parent, True)}


def test_unique_names_the_record_that_kept_it(opened: Opened, mongo_db: MongoScratch) -> None:
    """By an expression of the index, and by a primary key; ObjectIds are found in their UUIDs."""
    ids = [ObjectId(f"5e0b0000000000000000000{i}") for i in range(3)]
    mongo_db.db.people.insert_many(
        [{"_id": i, "mail": m} for i, m in zip(ids, ["a@x.org", "A@X.org", None], strict=True)]
    )
    mongo_db.db.tags.insert_many([{"_id": i, "name": "t"} for i in (1, 2)])
    move = opened(
        "CREATE TABLE people (id uuid PRIMARY KEY, mail text); CREATE UNIQUE INDEX one_mail ON people (lower(mail));"
        "CREATE TABLE tags (name text PRIMARY KEY, who int);",
        {
            "people": "SELECT uuid_of(p._id) AS id, p.mail AS mail FROM people AS p",
            "tags": "SELECT t.name AS name, t._id AS who FROM tags AS t",
        },
    )
    move.survey()
    move.copy()
    found = {e.entity: e for e in move.quarantine()}
    kept = (found["people"].cause or {})["kept_by"]
    assert (kept["entity"], kept["key"]) == ("people", f'{{"$oid":"{ids[0]}"}}')
    assert str(uuid_of_object_id(ids[0].binary)).replace("-", "") in str(kept["row"]["id"]).replace("-", "")
    assert list((found["people"].cause or {})["values"].values()) == ["a@x.org"]
    tag = found["tags"].cause or {}
    assert (tag["kept_by"]["table"], tag["kept_by"]["row"]) == ("tags", {"name": "t"})
    assert (tag["kept_by"]["entity"], tag["kept_by"]["key"]) == ("tags", '{"$numberInt":"1"}')


def test_keys_that_are_uuids_and_text(opened: Opened, mongo_db: MongoScratch) -> None:
    """A UUID that is the record's own, and text, lead back to it too."""
    first, second = (Binary(bytes([n] * 16), 4) for n in (0xA1, 0xA2))
    mongo_db.db.people.insert_many([{"_id": i, "mail": "a"} for i in (first, second)])
    mongo_db.db.pages.insert_many([{"_id": i, "slug": "s"} for i in ("p1", "p2")])
    move = opened(
        "CREATE TABLE people (id uuid PRIMARY KEY, mail text UNIQUE);"
        "CREATE TABLE pages (id text PRIMARY KEY, slug text UNIQUE);",
        {
            "people": "SELECT p._id AS id, p.mail AS mail FROM people AS p",
            "pages": "SELECT p._id AS id, p.slug AS slug FROM pages AS p",
        },
    )
    move.survey()
    move.copy()
    found = {e.entity: (e.cause or {})["kept_by"]["key"] for e in move.quarantine()}
    assert found == {"pages": '"p1"', "people": canonical(first)}


def test_two_rows_of_one_record(opened: Opened, mongo_db: MongoScratch) -> None:
    mongo_db.db.carts.insert_many([{"_id": 1, "skus": ["a", "a"]}, {"_id": 2, "skus": ["b"]}])
    move = opened(
        "CREATE TABLE items (cart int, sku text, PRIMARY KEY (cart, sku));",
        {"items": "SELECT c._id AS cart, s.sku AS sku FROM carts AS c, unnest(c.skus) AS s(sku)"},
    )
    move.survey()
    assert counts_of(move.copy()) == {"carts": (2, 1, 1, 0)}
    (entry,) = move.quarantine()
    cause = entry.cause or {}
    assert (entry.reason, cause["kept_by"], list(cause["values"].values())) == ("unique", None, ["1", "a"])
    assert "in two rows of this record" in entry.detail


def test_a_check_of_a_child_row(opened: Opened, mongo_db: MongoScratch) -> None:
    """The values are those of the row that breaks it, not of the first."""
    mongo_db.db.carts.insert_many([{"_id": 1, "counts": [5, 6, -7, 8]}])
    move = opened(
        "CREATE TABLE items (cart int, n int, amount int CHECK (amount > 0 AND n > 0), PRIMARY KEY (cart, n));",
        {
            "items": "SELECT c._id AS cart, s.n AS n, s.amount AS amount"
            " FROM carts AS c, unnest(c.counts) WITH ORDINALITY AS s(amount, n)"
        },
    )
    move.survey()
    move.copy()
    (entry,) = move.quarantine()
    assert (entry.cause or {})["values"] in ({"amount": "-7", "n": "3"}, {"n": "3", "amount": "-7"})
