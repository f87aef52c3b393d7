"""The fence of PostgreSQL: who cannot pass it, and what the application sees of it."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from crossfade.stores.postgresql.fence import PostgresFence
from following import wait_for
from scratch import PostgresScratch

WRITES = (
    "INSERT INTO things VALUES (2)",
    "UPDATE things SET id = 3",
    "DELETE FROM things",
    "TRUNCATE things",
    "INSERT INTO days VALUES ('2026-01-02')",
    "INSERT INTO january VALUES ('2026-01-02')",
    "INSERT INTO things SELECT 5",
    "MERGE INTO things t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM things RETURNING id) SELECT * FROM gone",
)

TABLES = """
CREATE TABLE things (id int PRIMARY KEY);
INSERT INTO things VALUES (1);
CREATE TABLE days (at date) PARTITION BY RANGE (at);
CREATE TABLE january PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
"""


@pytest.fixture
def closed(pg_db: PostgresScratch) -> str:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(TABLES)
    fence = PostgresFence(pg_db.url)
    fence.take_over(1)
    fence.close(1, seconds=120)
    return str(pg_db.url)


@pytest.mark.parametrize("role", ["origin", "replica"])
def test_nobody_passes(closed: str, role: str) -> None:
    """Also the owner of the tables, a superuser, and who replicates."""
    with psycopg.connect(closed, autocommit=True) as connection:
        connection.execute(f"SET session_replication_role = {role}")
        for write in WRITES:
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute(write)
        with (
            pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
            connection.cursor() as cursor,
            cursor.copy("COPY things FROM STDIN") as copy,
        ):
            copy.write("9\n")
        assert connection.execute("SELECT id FROM things").fetchall() == [(1,)]


def test_a_table_that_it_leaves_out(closed: str) -> None:
    with psycopg.connect(closed, autocommit=True) as connection:
        connection.execute("CREATE TABLE new (id int)")
    state = PostgresFence(closed).state()
    assert (state.closed, state.passes) == (True, ("the table public.new",)) or state.passes == ("the table new",)


def test_tables_of_others(pg_db: PostgresScratch) -> None:
    """Who does not own a table is told so before anything is closed."""
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE things (id int); CREATE ROLE fencing LOGIN" + f" PASSWORD 'x{pg_db.name}'")
        try:
            url = pg_db.url.replace("postgres:", "fencing:", 1)
            lacks = _as_role(url, pg_db.name)
        finally:
            connection.execute("DROP OWNED BY fencing; DROP ROLE fencing")
    assert len(lacks) == 2


def _as_role(url: str, name: str) -> list[str]:
    given = psycopg.conninfo.conninfo_to_dict(url)
    return list(
        PostgresFence(
            psycopg.conninfo.make_conninfo("", **{**given, "user": "fencing", "password": "x" + name})
        ).check()
    )


def test_transactions_of_several_tables_see_no_deadlock(pg_db: PostgresScratch) -> None:
    """The application's transactions take the tables in another order, and are refused by nothing but the fence."""
    with psycopg.connect(pg_db.url) as connection:
        connection.execute("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    stop, seen = threading.Event(), set[str]()
    committed: list[int] = []

    def write() -> None:
        with psycopg.connect(pg_db.url, autocommit=True) as connection:
            while not stop.is_set():
                try:
                    with connection.transaction():
                        connection.execute("INSERT INTO b VALUES (1)")
                        connection.execute("SELECT pg_sleep(0.02)")
                        connection.execute("INSERT INTO a VALUES (1)")
                    committed.append(1)
                except psycopg.Error as error:
                    seen.add(str(error.sqlstate))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    fence = PostgresFence(pg_db.url)
    try:
        wait_for(lambda: len(committed) > len(threads))
        for token in (1, 2, 3):
            fence.take_over(token)
            fence.close(token, seconds=120)
            fence.open(token)
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)
    assert seen <= {"25006"}
    assert _count(pg_db.url, "a") == _count(pg_db.url, "b") == len(committed)


def _count(url: str, table: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return row and row[0]
