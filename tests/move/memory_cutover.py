"""A source in memory that an application writes to, followed and proven: what is needed before a cutover."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bson import ObjectId

from crossfade.journal import cutover as stages
from crossfade.journal.cutover import CutoverRecord, StepRecord
from crossfade.move import Move
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.memory.database import Fenced
from cutover_times import PATIENT, time_is_over
from following import SECONDS, Run, wait_for
from in_memory import held, rows
from outcome import open_move

SCHEMA = "CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL);"
MAPPING = {"customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c"}


def customer(n: int) -> dict[str, Any]:
    return {"_id": ObjectId(f"{n:024x}"), "email": f"c{n}@x.org"}


NO_WAY_BACK = "[cutover]\nway_back = false\n" + PATIENT


@dataclass
class Live:
    """A source that an application writes to, and the records that it was told are there."""

    folder: Path
    source: str
    target: str
    written: set[str] = field(default_factory=set)

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def write(self, n: int) -> bool:
        try:
            held(self.source).put("customers", to_bson(customer(n)))
        except Fenced:
            return False
        self.written.add(f"c{n}@x.org")
        return True

    def emails(self) -> set[str]:
        return {str(row[1]) for row in rows(self.target, "customers")}

    def settings(self, text: str) -> None:
        """Add settings. A target in memory has no feed of its rows, so that there is no way back."""
        file = self.folder / "crossfade.toml"
        before = file.read_text().replace(NO_WAY_BACK, "") if "[cutover]" in text else file.read_text()
        limits = "".join(f"{line}\n" for line in NO_WAY_BACK.splitlines() if f"{line.split(' = ')[0]} = " not in text)
        file.write_text(before + text.replace("[cutover]\n", limits))

    def time_is_over(self) -> None:
        with self.move() as move:
            time_is_over(move)

    def stage(self) -> CutoverRecord:
        with self.move() as move, move.context.transaction() as tx:
            return stages.find(tx)

    def steps(self) -> list[StepRecord]:
        with self.move() as move, move.context.transaction() as tx:
            return stages.steps(tx, stages.find(tx).token)

    @contextmanager
    def writing(self) -> Iterator[None]:
        stop = threading.Event()

        def write() -> None:
            n = 1000
            while not stop.is_set():
                n += 1
                self.write(n)
                time.sleep(0.002)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def proven(live: Live) -> Iterator[Run]:
    """A run that follows, and a verification of everything. The run is ended, if it has not ended by itself."""
    run = Run(live.move)
    wait_for(lambda: run.is_over or _follows(live))
    try:
        with live.move() as move:
            wait_for(lambda: _lag(move) is not None)
            assert move.verify().equal
        yield run
    finally:
        if not run.is_over:
            with live.move() as move:
                move.stop(seconds=SECONDS)
        wait_for(lambda: run.is_over)


def _follows(live: Live) -> bool:
    with live.move() as move:
        found = move.following()
    return found is not None and found.running and found.state == "following"


def _lag(move: Move) -> int | None:
    found = move.following()
    return None if found is None else found.lag_ms
