"""The lag and the sessions of a server, and who may ask for them."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from crossfade.errors import Refused
from crossfade.stores.postgresql.load import PostgresLoad
from following import wait_for
from scratch import PostgresScratch, role


def test_sessions_of_others_at_work_are_counted(pg_db: PostgresScratch) -> None:
    load = PostgresLoad(pg_db.url)
    assert load.lag() == 0.0
    with ExitStack() as opened:
        for name in ("one", "two"):
            connection = opened.enter_context(psycopg.connect(pg_db.url, application_name=name, autocommit=True))
            connection.pgconn.send_query(b"SELECT pg_sleep(200)")
            opened.callback(connection.close)
        wait_for(lambda: load.active() >= 2)
    load.close()


def test_who_is_not_shown_the_sessions_of_others_is_refused(pg_db: PostgresScratch) -> None:
    with role(pg_db, "") as name:
        load = PostgresLoad(make_conninfo(pg_db.url, user=name, password="secret"))
        with pytest.raises(Refused):
            load.active()
        pg_db.execute(f"GRANT pg_read_all_stats TO {name}")
        assert load.active() >= 0
        load.close()
