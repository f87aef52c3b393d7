"""A column, a table or a constraint that the schema got later: added to the target by `copy --again`, the rest kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import shop
from crossfade.errors import Refused, Stale
from crossfade.move import Move
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch
from target_sql import sql

CUSTOMERS = "CREATE TABLE customers (id int PRIMARY KEY, name text{}, mail text UNIQUE{});"
ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers (id) ON DELETE CASCADE, code text);
CREATE INDEX orders_customer ON orders (customer);
"""
SCHEMA = CUSTOMERS.format("", "") + ORDERS
CHECKED = ", CONSTRAINT grown CHECK (age > 17)"
WIDER = CUSTOMERS.format(", age int NOT NULL", "") + ORDERS
VISITS = "CREATE TABLE visits (id int PRIMARY KEY, page text NOT NULL, customer int REFERENCES customers (id));"
MAPPING = {
    "customers": "SELECT c._id AS id, c.name AS name, c.mail AS mail FROM customers AS c",
    "orders": "SELECT o._id AS id, o.customer AS customer, o.code AS code FROM orders AS o",
}
AGE = '[[discard]]\nentity = "customers"\npath = "age"\nreason = "not yet"\n'
WITH_AGE = "SELECT c._id AS id, c.name AS name, as_int(c.age) AS age, c.mail AS mail FROM customers AS c"

Opened = Callable[[], Move]


@pytest.fixture(params=["postgresql", "sqlite"])
def shop_of(request: pytest.FixtureRequest, mongo_db: MongoScratch, tmp_path: Path) -> Iterator[Opened]:
    """A copy that has finished: six customers, of whom two have no usable age, and two orders of each."""
    ages: list[Any] = [20, "?", 30, "?", 16, 44]
    mongo_db.db.customers.insert_many(
        [{"_id": i, "name": f"n{i}", "age": a, "mail": f"m{i}"} for i, a in enumerate(ages)]
    )
    mongo_db.db.orders.insert_many([{"_id": i, "customer": i % 6, "code": f"c{i}"} for i in range(12)])
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


def change(move: Move, schema: str) -> None:
    """The schema, and a mapping that fills the column `age`."""
    root = move.project.root
    (root / "schema.sql").write_text(schema)
    (root / "mapping" / "customers.sql").write_text(WITH_AGE)
    toml = root / "crossfade.toml"
    toml.write_text(toml.read_text().replace(AGE, ""))


def is_proven(move: Move) -> bool:
    verdict = move.verify()
    return verdict.equal and verdict.balanced and verdict.schema is not None and not verdict.schema.differences


def test_a_new_column_is_added_and_filled(shop_of: Opened) -> None:
    with shop_of() as move:
        assert counts_of(move.status()) == {"customers": (6, 6, 0, 0), "orders": (12, 12, 0, 0)}
        orders = rows(move, "orders")
        change(move, WIDER + "CREATE INDEX by_age ON customers (age);")
    with shop_of() as move:
        with pytest.raises(Stale):
            move.copy()
        move.forget(tables=["customers"])
        assert all(e.balanced for e in move.copy().entities)
        assert counts_of(move.status()) == {"customers": (6, 4, 2, 0), "orders": (12, 8, 4, 0)}
        assert rows(move, "customers")[0] == (0, "n0", "m0", 20)
        assert rows(move, "orders") == [order for order in orders if order[1] not in (1, 3)]
        assert is_proven(move)
    with shop_of() as move:  # with what the journal has
        assert is_proven(move)
        assert move.copy().ok


def test_it_is_removed_with_the_move(shop_of: Opened) -> None:
    with shop_of() as move:
        change(move, WIDER)
    with shop_of() as move:
        move.forget(tables=["customers"])
        move.copy()
        found = move.reset()
        assert found is not None
        assert {drop.name.split(".")[-1].strip('"') for drop in found.drops if drop.kind == "TABLE"} == {
            "customers",
            "orders",
        }


def test_a_new_table_of_an_entity_that_came_later(shop_of: Opened, mongo_db: MongoScratch) -> None:
    mongo_db.db.visits.insert_many([{"_id": i, "page": "p", "customer": i} for i in range(8)])
    with shop_of() as move:
        (move.project.root / "schema.sql").write_text(SCHEMA + VISITS)
        (move.project.mapping_dir / "visits.sql").write_text(
            "SELECT v._id AS id, v.page AS page, v.customer AS customer FROM visits AS v"
        )
        before = rows(move, "orders")
        move.survey()
    with shop_of() as move:
        move.forget(entities=["visits"])
        assert counts_of(move.copy())["visits"] == (8, 6, 2, 0)
        assert rows(move, "orders") == before
        assert is_proven(move)


def test_not_for_a_table_that_is_not_chosen(shop_of: Opened) -> None:
    with shop_of() as move:
        change(move, WIDER)
    with shop_of() as move:
        with pytest.raises(Refused, match="customers"):
            move.forget(tables=["orders"])
        assert len(rows(move, "orders")) == 12


@pytest.mark.parametrize(
    "schema",
    [
        WIDER.replace("name text", "name varchar(20)"),
        WIDER.replace(", code text", ""),
        CUSTOMERS.format(", age int", ""),
    ],
    ids=["another type", "a column less", "a table less"],
)
def test_nothing_but_additions(shop_of: Opened, schema: str) -> None:
    with shop_of() as move:
        change(move, schema)
        (move.project.mapping_dir / "orders.sql").write_text(
            "SELECT o._id AS id, o.customer AS customer FROM orders AS o"
        )
        if "orders" not in schema:
            (move.project.mapping_dir / "orders.sql").unlink()
    with shop_of() as move:
        with pytest.raises(Stale):
            move.forget(tables=["customers"])
        assert len(rows(move, "customers")) == 6


def test_a_check_comes_with_its_column(shop_of: Opened) -> None:
    with shop_of() as move:
        change(move, CUSTOMERS.format(", age int", CHECKED) + ORDERS)
        is_sqlite = move.target.traits.dialect == "sqlite"
    with shop_of() as move:
        if is_sqlite:  # it cannot add a constraint to a table
            with pytest.raises(Stale):
                move.forget(tables=["customers"])
            return
        move.forget(tables=["customers"])
        assert counts_of(move.copy()) == {"customers": (6, 3, 3, 0), "orders": (12, 6, 6, 0)}
        assert is_proven(move)


def test_a_column_of_a_type_that_is_new_too(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    mongo_db.db.customers.insert_many([{"_id": i, "name": f"n{i}", "mail": "m", "rank": "low"} for i in range(3)])
    schema = "CREATE TABLE customers (id int PRIMARY KEY, name text);"
    mapping = {"customers": "SELECT c._id AS id, c.name AS name FROM customers AS c"}
    more = "".join(
        f'[[discard]]\nentity = "customers"\npath = "{path}"\nreason = "not yet"\n' for path in ("mail", "rank")
    )
    folder = shop.small_project(tmp_path / "p", schema, mapping, more=more)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
    (folder / "schema.sql").write_text(
        "CREATE TYPE rank AS ENUM ('low', 'high');"
        'CREATE TABLE customers (id int PRIMARY KEY, "a.Rank" rank, name text);'
    )
    (folder / "mapping" / "customers.sql").write_text(
        'SELECT c._id AS id, c.rank AS "a.Rank", c.name AS name FROM customers AS c'
    )
    toml = folder / "crossfade.toml"
    toml.write_text(
        toml.read_text().replace('[[discard]]\nentity = "customers"\npath = "rank"\nreason = "not yet"\n', "")
    )
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.forget(tables=["customers"])
        assert move.copy().ok
        assert rows(move, "customers")[2] == (2, "n2", "low")
        assert is_proven(move)


def test_a_live_target_got_its_column_from_somebody_else(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute(SCHEMA)
    mongo_db.db.customers.insert_many([{"_id": i, "name": f"n{i}", "age": i, "mail": f"m{i}"} for i in range(3)])
    mongo_db.db.orders.insert_many([{"_id": i, "customer": i, "code": f"c{i}"} for i in range(3)])
    folder = shop.small_project(tmp_path / "p", "", MAPPING, live=True, more=AGE)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        change(move, "")
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE customers ADD age int; CREATE INDEX by_age ON customers (age)")
        connection.execute(VISITS)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        with pytest.raises(Stale):
            move.copy()
        move.forget(tables=["customers"])
        assert counts_of(move.copy()) == {"customers": (3, 3, 0, 0), "orders": (3, 3, 0, 0)}
        assert rows(move, "customers")[2] == (2, "n2", "m2", 2)
        assert is_proven(move)
