"""A changed mapping, a new one, a new entity: copied again alone, with the rest left unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import shop
from crossfade.errors import Misused, Refused, Stale
from crossfade.journal import journal
from crossfade.move import Move
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch
from target_sql import sql

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text, age int, mail text UNIQUE);
CREATE TABLE orders (
    id int PRIMARY KEY, customer int NOT NULL REFERENCES customers (id) ON DELETE CASCADE, code text UNIQUE
);
CREATE TABLE lines (
    order_id int REFERENCES orders (id) ON DELETE CASCADE, n int, sku text, PRIMARY KEY (order_id, n)
);
CREATE TABLE visits (id int PRIMARY KEY, page text NOT NULL);
CREATE TABLE pages (id int PRIMARY KEY, page text NOT NULL);
CREATE INDEX orders_customer ON orders (customer);
"""
MAPPING = {
    "customers": "SELECT c._id AS id, c.name AS name, c.mail AS mail FROM customers AS c",
    "orders": "SELECT o._id AS id, o.customer AS customer, o.code AS code FROM orders AS o",
    "lines": "SELECT o._id AS order_id, l.n AS n, l.sku AS sku"
    " FROM orders AS o, unnest(o.skus) WITH ORDINALITY AS l(sku, n)",
}
AGE = '[[discard]]\nentity = "customers"\npath = "age"\nreason = "not yet"\n'
WITH_AGE = "SELECT c._id AS id, upper(c.name) AS name, as_int(c.age) AS age, c.mail AS mail FROM customers AS c"

Opened = Callable[[], Move]


@pytest.fixture(params=["postgresql", "sqlite"])
def shop_of(request: pytest.FixtureRequest, mongo_db: MongoScratch, tmp_path: Path) -> Iterator[Opened]:
    """A copy that has ended: ten customers, of whom two do not fit by their ages, and two orders of each."""
    ages: list[Any] = [20, "?", 30, "?", *range(40, 46)]
    mongo_db.db.customers.insert_many(
        [{"_id": i, "name": f"n{i}", "age": a, "mail": f"m{i % 9}"} for i, a in enumerate(ages)]
    )
    mongo_db.db.orders.insert_many(
        [{"_id": i, "customer": i % 11, "code": f"c{i % 21}", "skus": ["a", "b"]} for i in range(22)]
    )
    target = f"sqlite:///{tmp_path / 't.db'}"
    if request.param == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        target = scratch.url
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=AGE)
    moves: list[Move] = []

    def opened() -> Move:
        moves.append(open_move(folder, mongo_db.url, target))
        return moves[-1]

    with opened() as move:
        move.survey()
        move.copy()
    yield opened
    for one in moves:
        one.close()


def rows(move: Move, table: str) -> list[tuple[Any, ...]]:
    with move.context.transaction() as tx:
        return sorted(sql(tx, f"SELECT * FROM {table}"))


def change(move: Move) -> None:
    root = move.project.root
    (root / "mapping" / "customers.sql").write_text(WITH_AGE)
    toml = root / "crossfade.toml"
    toml.write_text(toml.read_text().replace(AGE, ""))


def notes(move: Move) -> set[str]:
    return {note.partition("crossfade copy ")[2] for note in move.status().notes if "--again" in note}


def copy_again(move: Move) -> None:
    move.forget(tables=["customers"])
    move.copy()


def test_a_changed_mapping_alone(shop_of: Opened) -> None:
    with shop_of() as move:
        assert counts_of(move.status()) == {"customers": (10, 9, 1, 0), "orders": (22, 18, 4, 0)}
        before = rows(move, "orders")
        change(move)
    with shop_of() as move:
        assert notes(move) == {"--table customers --again", "--entity customers --again"}
        with pytest.raises(Stale):
            move.copy()
        move.forget(tables=["customers"])
        status = move.copy()
        assert all(e.balanced for e in status.entities)
        assert notes(move) == set()
        assert counts_of(status) == {"customers": (10, 7, 3, 0), "orders": (22, 14, 8, 0)}
        assert rows(move, "customers")[0] == (0, "N0", 20, "m0")
        kept = [r for r in before if r[1] not in (1, 3)]
        assert rows(move, "orders") == kept
        assert len(rows(move, "lines")) == 2 * len(kept)
        verdict = move.verify()
        assert (verdict.equal, verdict.balanced, verdict.schema and verdict.schema.differences) == (True, True, ())


def test_back_again(shop_of: Opened) -> None:
    """What the new mapping refused comes in with the old one, and the records that refer to it by a retry."""
    with shop_of() as move:
        orders = rows(move, "orders")
        change(move)
    with shop_of() as move:
        move.forget(entities=["customers"])
        move.copy()
        (move.project.mapping_dir / "customers.sql").write_text(MAPPING["customers"])
        toml = move.project.root / "crossfade.toml"
        toml.write_text(toml.read_text() + AGE)
    with shop_of() as move:
        move.forget(entities=["customers"])
        move.copy()
        move.retry()
        assert rows(move, "orders") == orders
        assert counts_of(move.status()) == {"customers": (10, 9, 1, 0), "orders": (22, 18, 4, 0)}
        assert move.verify().equal


def test_an_entity_that_came_later(shop_of: Opened, mongo_db: MongoScratch) -> None:
    mongo_db.db.visits.insert_many([{"_id": i, "page": "p" if i else None} for i in range(3)])
    with shop_of() as move:
        (move.project.mapping_dir / "visits.sql").write_text("SELECT v._id AS id, v.page AS page FROM visits AS v")
        before = rows(move, "orders")
        move.survey()
    with shop_of() as move:
        assert "--entity visits --again" in notes(move)
        move.forget(entities=["visits"])
        assert counts_of(move.copy())["visits"] == (3, 2, 1, 0)
        assert rows(move, "orders") == before
        assert move.verify().equal


def test_what_an_earlier_mapping_filled_is_emptied(shop_of: Opened, mongo_db: MongoScratch) -> None:
    """The mapping goes to another table; its entity is known by the table that it fills now, or filled before."""
    mongo_db.db.visits.insert_many([{"_id": i, "page": "p" if i else None} for i in range(3)])
    select = "SELECT v._id AS id, v.page AS page FROM visits AS v"
    with shop_of() as move:
        (move.project.mapping_dir / "visits.sql").write_text(select)
        move.survey()
    with shop_of() as move:
        move.forget(entities=["visits"])
        move.copy()
        assert rows(move, "visits") == [(1, "p"), (2, "p")]
        (move.project.mapping_dir / "visits.sql").rename(move.project.mapping_dir / "pages.sql")
    with shop_of() as move:
        move.forget(tables=["pages"])
        assert counts_of(move.copy())["visits"] == (3, 2, 1, 0)
        assert (rows(move, "visits"), rows(move, "pages")) == ([], [(1, "p"), (2, "p")])
        assert move.verify().equal


def test_what_is_not_mapped_is_reported(shop_of: Opened) -> None:
    with shop_of() as move:
        with pytest.raises(Misused, match="no mapping has"):
            move.forget(tables=["customer"])
        with pytest.raises(Misused, match="no mapping has"):
            move.forget(entities=["order"])


@pytest.mark.parametrize(("moment", "times"), [("set_stage", 1), ("finish_chunk", 1), ("shift_counts", 2)])
def test_it_is_resumed(shop_of: Opened, monkeypatch: pytest.MonkeyPatch, moment: str, times: int) -> None:
    with shop_of() as move:
        change(move)
    with shop_of() as move:
        left, call = iter(range(times - 1)), getattr(journal, moment)

        def stop(*args: Any, **kwargs: Any) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return call(*args, **kwargs)

        monkeypatch.setattr(journal, moment, stop)
        with pytest.raises(KeyboardInterrupt):
            copy_again(move)
        monkeypatch.undo()
    with shop_of() as move:
        if moment == "set_stage":  # nothing was changed
            assert len(rows(move, "customers")) == 9
            move.forget(tables=["customers"])
        status = move.copy()
        assert counts_of(status) == {"customers": (10, 7, 3, 0), "orders": (22, 14, 8, 0)}
        assert notes(move) == set()
        assert move.verify().equal


def test_not_before_the_rest_is_copied(shop_of: Opened) -> None:
    with shop_of() as move:
        with move.context.transaction() as tx:
            sql(tx, "UPDATE {crossfade}chunk SET done_at = NULL WHERE entity = 'orders'")
        with pytest.raises(Refused, match="not copied yet"):
            move.forget(entities=["customers"])


def test_foreign_keys_of_a_live_target_do_not_cascade(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """Neither along the move's own tables nor along those of others."""
    others = "CREATE TABLE invoices (id int PRIMARY KEY, customer int REFERENCES customers (id) ON DELETE CASCADE)"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute(SCHEMA + others)
    mongo_db.db.customers.insert_many([{"_id": i, "name": f"n{i}", "mail": f"m{i}"} for i in range(3)])
    mongo_db.db.orders.insert_many([{"_id": i, "customer": i, "code": f"c{i}", "skus": ["a"]} for i in range(3)])
    folder = shop.small_project(tmp_path / "p", "", MAPPING, live=True)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        with move.context.transaction() as tx:
            tx.run("INSERT INTO invoices VALUES (1, 1), (2, 2)")
    (folder / "mapping" / "customers.sql").write_text(MAPPING["customers"].replace("c.name AS", "upper(c.name) AS"))
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.forget(tables=["customers"])
        move.copy()
        assert {name: len(rows(move, name)) for name in ("customers", "orders", "lines", "invoices")} == {
            "customers": 3,
            "orders": 3,
            "lines": 3,
            "invoices": 2,
        }
        verdict = move.verify()
        assert (verdict.equal, verdict.balanced) == (True, True)
