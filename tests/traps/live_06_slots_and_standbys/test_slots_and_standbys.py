"""What a standby needs to take the slot over; the fail-over itself needs a second server."""

from __future__ import annotations

from typing import Any

import psycopg

from following import running

FAILOVER = """
SELECT to_jsonb(s) ->> 'failover', current_setting('server_version_num')::int
FROM pg_replication_slots s WHERE database = current_database()
"""


def test_the_slot_may_be_synchronized(live: Any) -> None:
    with running(live.move), psycopg.connect(live.source) as connection:
        ((failover, version),) = connection.execute(FAILOVER).fetchall()
    assert failover == ("true" if version >= 170000 else None)
