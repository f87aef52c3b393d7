"""Users who write to the old store until it refuses, and read what they wrote in the new one."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from cutting_over import proven, written


def test_everybody_reads_what_they_wrote(live: Any) -> None:
    told: list[int] = []
    lacking: list[int] = []
    writes, ended = threading.Event(), threading.Event()

    def use() -> None:
        with psycopg.connect(live.source, autocommit=True) as old, psycopg.connect(live.target.url) as new:
            try:
                while not ended.wait(0.001):
                    told.append(written(old))
                    writes.set()
            except psycopg.errors.ReadOnlySqlTransaction:
                pass
            while not _writes(new) and not ended.wait(0.002):
                pass
            there = {number for (number,) in new.execute("SELECT id FROM items")}
            lacking.extend(set(told) - there)

    user = threading.Thread(target=use)
    with proven(live) as move:
        user.start()
        try:
            assert writes.wait(120)
            assert move.cutover().stage == "target"
        finally:
            ended.set()
            user.join()
    assert told
    assert lacking == []


def _writes(new: psycopg.Connection[Any]) -> bool:
    try:
        new.execute("UPDATE items SET name = name WHERE id = 1")
        new.commit()
    except psycopg.errors.ReadOnlySqlTransaction:
        new.rollback()
        return False
    return True
