"""The slot follows the journal: never before it, and not far behind it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg

from crossfade.journal import feed
from following import running, wait_for

CONFIRMED = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE database = current_database()"
NOISE = "SELECT pg_logical_emit_message(false, 'application', repeat('x', 1000000))"


def test_nothing_is_confirmed_that_the_journal_does_not_hold(live: Any) -> None:
    with running(live.move), closing(psycopg.connect(live.target.url)) as hanging:
        wait_for(lambda: locks(hanging))
        before = confirmed(live)
        live.write("UPDATE items SET name = 'c' WHERE id = 1", NOISE)
        end = now(live)
        assert confirmed(live) <= noted(live) < end
        hanging.rollback()
        wait_for(lambda: confirmed(live) >= end)
        assert before <= confirmed(live) <= noted(live)
        live.becomes("SELECT id, name FROM items ORDER BY 1", [(1, "c"), (2, "b")])
    live.require_equal()


def locks(connection: Any) -> bool:
    """Whether nobody can write to the journal now. A run that is in the middle of writing to both tables is let go on
    before it would be in a deadlock.
    """
    try:
        connection.execute("SET LOCAL lock_timeout TO '200ms'")
        connection.execute("LOCK TABLE crossfade.feed, crossfade.dirty IN SHARE MODE")
    except psycopg.errors.LockNotAvailable:
        connection.rollback()
        return False
    return True


def test_idle_tables_keep_no_log(live: Any) -> None:
    with running(live.move):
        live.write(NOISE)
        end = now(live)
        wait_for(lambda: confirmed(live) >= end)


def number(lsn: str) -> int:
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def ask(live: Any, query: str) -> int:
    with psycopg.connect(live.source) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return number(row[0])


def confirmed(live: Any) -> int:
    return ask(live, CONFIRMED)


def now(live: Any) -> int:
    return ask(live, "SELECT pg_current_wal_lsn()::text")


def noted(live: Any) -> int:
    with live.move() as move, move.context.transaction() as tx:
        record = feed.find(tx)
    assert record is not None
    return number(record.position.token.partition("@")[0])
