"""A new file that many connections open at once: SQLite refuses a change of its mode without waiting, all get in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from crossfade.stores.sqlite.connect import connect

AT_ONCE = 4


def test_opened_by_many_at_once(tmp_path: Path) -> None:
    together = Barrier(AT_ONCE)

    def written(url: str) -> bool:
        together.wait(60)
        with closing(connect(url, write=True)) as connection:
            for statement in ("BEGIN IMMEDIATE", "CREATE TABLE IF NOT EXISTS t (a)", "COMMIT"):
                connection.execute(statement)
        return True

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(100):
            urls = [f"sqlite:///{tmp_path / str(number)}.db"] * AT_ONCE
            assert all(threads.map(written, urls))
