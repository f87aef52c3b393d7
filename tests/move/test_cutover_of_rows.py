"""PostgreSQL is cut over to a SQLite file: both are closed by triggers, and only one takes writes."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import shop
from crossfade.errors import Misused
from crossfade.move import Move
from cutover_times import PATIENT
from following import Run, wait_for
from outcome import open_move
from scratch import PostgresScratch

MAPPING = {"customers": "SELECT c.id AS id, c.email AS email FROM customers AS c"}
SOURCE = "CREATE TABLE customers (id serial PRIMARY KEY, email text NOT NULL)"
SCHEMA = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL);"
INSERT = "INSERT INTO customers (email) VALUES ('x') RETURNING id"


def test_rows_into_a_file(tmp_path: Path, pg_db: PostgresScratch) -> None:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(SOURCE)
        connection.execute("INSERT INTO customers (email) SELECT 'c' FROM generate_series(1, 100)")
    file = tmp_path / "new.db"
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=f"[cutover]\nway_back = false\n{PATIENT}")

    def move() -> Move:
        return open_move(folder, pg_db.url, f"sqlite:///{file}")

    with move() as surveyed:
        surveyed.survey()
    told: list[int] = []
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(pg_db.url, autocommit=True) as connection:
            while not stop.wait(0.01):
                try:
                    row = connection.execute(INSERT).fetchone()
                except psycopg.errors.ReadOnlySqlTransaction:
                    continue
                assert row is not None
                told.append(row[0])

    run = Run(move)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with move() as own:
            wait_for(lambda: (found := own.following()) is not None and found.lag_ms is not None)
            assert own.verify().equal
            ready = own.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            done = own.cutover(plan=ready.plan.digest)
            assert 0 < done.closed_seconds < 150
    finally:
        stop.set()
        writer.join(120)
    wait_for(lambda: run.is_over)
    with closing(sqlite3.connect(file)) as new:
        there = {of for (of,) in new.execute("SELECT id FROM customers")}
        assert set(told) <= there
        assert new.execute(INSERT).fetchone() == (max(there) + 1,)
    with psycopg.connect(pg_db.url) as old, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        old.execute(INSERT)
    with move() as own:
        assert own.status().faults == (), "the fence is no table of the application"
        evidence = own.finish().file
    with move() as own, pytest.raises(Misused, match=re.escape(str(evidence))):
        own.status()
    with closing(sqlite3.connect(file)) as new:
        left = {name for (name,) in new.execute("SELECT name FROM sqlite_schema WHERE type <> 'index'")}
        assert left - {"sqlite_stat1"} == {"customers"}
