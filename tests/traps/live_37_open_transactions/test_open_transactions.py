"""A transaction has written before the source is closed, and commits later. Prepared ones need their own server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cutting_over import numbers, proven, written

from crossfade.errors import Busy
from crossfade.testing import launch_postgresql, with_database
from scratch import PostgresScratch


def test_an_open_transaction_is_awaited(live: Any) -> None:
    with proven(live) as move, psycopg.connect(live.source) as slow:
        own = written(slow)
        with pytest.raises(Busy) as busy:
            move.cutover()
        assert str(slow.info.backend_pid) in busy.value.message
        with psycopg.connect(live.source, autocommit=True) as other:
            written(other)
        slow.commit()
        move.cutover()
        assert own in numbers(live)


def test_a_prepared_transaction_is_awaited(live: Any, tmp_path: Path) -> None:
    server = launch_postgresql(tmp_path / "prepared", settings={"max_prepared_transactions": "5"})
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for name in ("old", "new"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        old, new = (with_database(server.url, name) for name in ("old", "new"))
        there = replace(live, source=old, target=PostgresScratch("new", new))
        there.write(Path(__file__).with_name("source.sql").read_text())
        there.survey()
        with psycopg.connect(old) as slow:
            with proven(there) as move:
                own = written(slow)
                slow.execute("PREPARE TRANSACTION 'slow'")
                slow.autocommit = True
                with pytest.raises(Busy):
                    move.cutover()
                written(slow)
                slow.execute("COMMIT PREPARED 'slow'")
                move.cutover()
            assert own in numbers(there)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                written(slow)
    finally:
        server.stop()
