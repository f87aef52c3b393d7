"""After a cutover a record changes that others look up: what they make of it is judged again at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

import coming_back
import shop
from coming_back import System
from following import wait_for
from scratch import PostgresScratch

OLD = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL);
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 3) n;
INSERT INTO orders SELECT n, 1 + n % 3 FROM generate_series(1, 6) n;
"""
NEW = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, orders bigint NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, email text);
"""
MAPPING = {
    "customers": "SELECT c.id AS id, c.email AS email, count(o.id) AS orders"
    " FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.id GROUP BY c.id, c.email",
    "orders": "SELECT o.id AS id, o.customer_id AS customer_id, c.email AS email"
    " FROM orders AS o LEFT JOIN customers AS c ON c.id = o.customer_id",
}


def test_who_looks_up_what_changed_is_judged_again(new_target: Callable[[], PostgresScratch], tmp_path: Path) -> None:
    """By key (an order has the email of its customer) and gathered (a customer counts its orders)."""
    old, new = new_target(), new_target()
    old.execute(OLD)
    folder = shop.small_project(tmp_path / "p", NEW, MAPPING)
    with (folder / "crossfade.toml").open("a") as file:
        file.write(coming_back.SETTINGS)
    side = coming_back.by_number(old.url)
    system = coming_back.surveyed(System(folder, old.url, new.url, side, side, dict))
    system.cut_over()
    with system.following("back"):
        new.execute("UPDATE customers SET email = 'changed' WHERE id = 1")
        wait_for(lambda: old.execute("SELECT email FROM customers WHERE id = 1") == [("changed",)])
        wait_for(lambda: system.aside() == 2)
        new.execute("UPDATE orders SET email = 'changed' WHERE customer_id = 1")
        wait_for(lambda: system.aside() == 0)
        new.execute("UPDATE orders SET customer_id = 2, email = 'c2' WHERE customer_id = 1")
        wait_for(lambda: system.aside() == 2)
        new.execute("UPDATE customers SET orders = CASE id WHEN 1 THEN 0 ELSE 4 END WHERE id < 3")
        wait_for(lambda: system.aside() == 0)
    with psycopg.connect(old.url) as connection:
        query = "SELECT customer_id, count(*) FROM orders GROUP BY 1 ORDER BY 1"
        assert connection.execute(query).fetchall() == [(2, 4), (3, 2)]
