"""An application that was told nothing writes all the while."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from cutting_over import numbers, proven, written

from following import wait_for


def test_what_was_acknowledged_is_there_and_the_rest_is_refused(live: Any) -> None:
    told: list[int] = []
    stop, refused = threading.Event(), threading.Event()

    def write() -> None:
        with psycopg.connect(live.source, autocommit=True) as connection:
            while not stop.wait(0.005):
                try:
                    told.append(written(connection))
                except psycopg.errors.ReadOnlySqlTransaction:
                    refused.set()

    writer = threading.Thread(target=write)
    with proven(live) as move:
        writer.start()
        try:
            wait_for(lambda: told)
            move.cutover()
            assert refused.wait(120)
        finally:
            stop.set()
            writer.join()
    assert set(told) <= numbers(live)
    with psycopg.connect(live.source, autocommit=True) as late, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        written(late)
