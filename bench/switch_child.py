"""Cutovers and rollbacks under load, one after the other: `switch_child.py SWITCHES RATE SECONDS`, which prints figures
as JSON.

Two applications write all the while, on the side that takes writes: what is refused is tried on the other side at once.
The time without a write is that between the last one that a side took and the first one that the other side took, as
these applications saw it. The lag of the way back is that of probes, written beside them and looked for in the source.

Only the drivers are used here.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
import pymongo
from bson import ObjectId
from pymongo.errors import BulkWriteError

from crossfade_ids import object_id_in, uuid_of

CROSSFADE = [sys.executable, "-m", "crossfade"]
PROJECT = ["--project", os.environ["BENCH_PROJECT"]]
AT_ONCE, WRITERS, PROBES, BEFORE = 20, 2, 4, 3.0
OLD, NEW = 0, 1
PATIENCE = 600.0


class Refused(Exception):
    """The side takes no writes."""


class Side(Protocol):
    """A store as an application uses it, by the ids of rows."""

    def write(self, changes: Sequence[tuple[uuid.UUID, int]]) -> None: ...

    def duration(self, row: uuid.UUID) -> int: ...


class Documents:
    def __init__(self, url: str) -> None:
        client = pymongo.MongoClient[dict[str, Any]](url, retryWrites=False)
        self._collection = client.get_default_database()["writingsessions"]

    def rows(self) -> list[uuid.UUID]:
        keys = [doc["_id"] for doc in self._collection.find({}, {"_id": 1}).sort("_id")]
        return [row for key in keys if (row := uuid_of(key.binary)) is not None]

    def write(self, changes: Sequence[tuple[uuid.UUID, int]]) -> None:
        updates = [pymongo.UpdateOne({"_id": _oid(row)}, {"$set": {"duration": value}}) for row, value in changes]
        try:
            self._collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            raise Refused from error

    def duration(self, row: uuid.UUID) -> int:
        return int((self._collection.find_one({"_id": _oid(row)}) or {})["duration"])


def _oid(row: uuid.UUID) -> ObjectId:
    return ObjectId(object_id_in(row))


class Rows:
    _WRITE = (
        "UPDATE writing_sessions AS w SET duration = v.value"
        " FROM unnest(%s::uuid[], %s::int[]) AS v (id, value) WHERE w.id = v.id"
    )

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def rows(self) -> list[uuid.UUID]:
        return [row for (row,) in self._connection.execute("SELECT id FROM writing_sessions ORDER BY id")]

    def write(self, changes: Sequence[tuple[uuid.UUID, int]]) -> None:
        chosen = dict(sorted(changes))  # in one order, so that two of them are no deadlock
        try:
            self._connection.execute(self._WRITE, [list(chosen), list(chosen.values())])
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise Refused from error

    def duration(self, row: uuid.UUID) -> int:
        found = self._connection.execute("SELECT duration FROM writing_sessions WHERE id = %s", [row]).fetchone()
        return int(found[0]) if found else -1


def source() -> Documents | Rows:
    url = os.environ["SOURCE_URL"]
    return Documents(url) if url.startswith("mongodb") else Rows(url)


def target() -> Rows:
    return Rows(os.environ["TARGET_URL"])


# -- the applications


class Load:
    """`taken`: the moment at which each write was acknowledged, and by which side. `now`: the side that takes them."""

    def __init__(self, rows: Sequence[uuid.UUID], rate: int) -> None:
        self.taken: list[tuple[float, int]] = []
        self.now = OLD
        self._rows, self._rate = rows, rate
        self._stop = threading.Event()

    @contextmanager
    def running(self, rate: int) -> Iterator[None]:
        self._rate = rate
        self._stop.clear()
        threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _write(self, number: int) -> None:
        sides, rng, values = (source(), target()), random.Random(time.time_ns() + number), iter(range(1, 10**9))
        pause = AT_ONCE * WRITERS / self._rate
        due = time.perf_counter()
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            side = self.now
            try:
                sides[side].write([(rng.choice(self._rows), next(values)) for _ in range(AT_ONCE)])
            except Refused:
                if side == self.now:
                    self.now = 1 - side
                continue
            self.taken.append((time.perf_counter(), side))
            due = max(due + pause, time.perf_counter() - 10 * pause)

    def rate(self, begin: float, end: float) -> float:
        return sum(AT_ONCE for at, _ in self.taken if begin <= at <= end) / (end - begin)

    def gap(self, begin: float) -> float:
        """Milliseconds between the last write of one side and the first one of the other."""
        taken = sorted(one for one in self.taken if one[0] >= begin)
        last = max(at for at, side in taken if side == taken[0][1])
        return 1000 * (min(at for at, side in taken if side != taken[0][1]) - last)


# -- the commands


class Follower:
    """`crossfade start`, which ends by itself when a side was switched."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is not None and self._process.wait(PATIENCE):
            raise SystemExit(f"crossfade start ended with {self._process.returncode}")
        self._process = subprocess.Popen([*CROSSFADE, "start", *PROJECT, "--quiet"], stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        subprocess.run([*CROSSFADE, "stop", *PROJECT], check=True, stdout=subprocess.DEVNULL)
        assert self._process is not None, "it was started"
        self._process.wait(PATIENCE)


def said(*arguments: str) -> dict[str, Any]:
    """Run a command; return its document, of which `ok` is the exit status."""
    done = subprocess.run([*CROSSFADE, *arguments, *PROJECT, "--json", "--quiet"], capture_output=True, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {"error": done.stderr.decode(errors="replace")}
    return {**document, "ok": done.returncode == 0}


def succeeded(*arguments: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while not (found := said(*arguments))["ok"]:
        if time.monotonic() > end:
            raise SystemExit(f"{arguments}: {json.dumps(found)[-600:]}")
        time.sleep(0.5)
    return found


def follows(direction: str) -> Callable[[], bool]:
    def holds() -> bool:
        found = said("status").get("following") or {}
        return found.get("direction") == direction and found.get("lag_ms") is not None and bool(found.get("running"))

    return holds


def wait_for(holds: Callable[[], bool], pause: float = 0.2) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the follower did not catch up")
        time.sleep(pause)


# -- what is measured


def switched(name: str, load: Load, rate: int) -> dict[str, Any]:
    """A cutover or a rollback under load, which is tried again if it stepped back."""
    failures = 0
    with load.running(rate):
        time.sleep(BEFORE)
        while True:
            plan, begin, side = succeeded(name, "--dry-run")["plan"], time.perf_counter(), load.now
            done = said(name, "--plan", plan)
            if done["ok"]:
                break
            failures += 1
            if failures > 5:
                raise SystemExit(json.dumps(done)[-600:])
        wait_for(lambda: any(at > begin and there != side for at, there in load.taken), 0.01)
        time.sleep(0.5)
    steps = {step["name"]: step["seconds"] for step in done["steps"]}
    closed = next(at for at, there in load.taken if at > begin and there != side) - load.gap(begin) / 1000
    return {
        "gap": load.gap(begin), "closed": done["closed_seconds"], "steps": steps, "failures": failures,
        "rate": load.rate(closed - BEFORE, closed),
    }  # fmt: skip


def probed(load: Load, rows: Sequence[uuid.UUID], rate: int, seconds: float) -> dict[str, float]:
    """The lag from the target to the source."""
    found: list[float] = []
    with load.running(rate):
        begin = time.perf_counter()
        threads = [threading.Thread(target=_probe, args=(row, begin + seconds, found)) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        written = load.rate(begin, time.perf_counter())
    cut = statistics.quantiles(found, n=100)
    return {"p50": cut[49], "p99": cut[98], "probes": len(found), "written": written}


def _probe(row: uuid.UUID, end: float, found: list[float]) -> None:
    rng, old, new = random.Random(str(row)), source(), target()
    while time.perf_counter() < end:
        time.sleep(rng.uniform(0, 0.4))
        value = rng.randrange(10**8, 10**9)
        new.write([(row, value)])
        begin = time.perf_counter()
        wait_for(lambda value=value: old.duration(row) == value, 0.01)  # type: ignore[misc]
        found.append(time.perf_counter() - begin)


def main(switches: str, rate: str, seconds: str) -> dict[str, Any]:
    begin, every, follower = time.perf_counter(), source().rows(), Follower()
    probes, written = every[:PROBES], every[PROBES:]
    load = Load(written, int(rate))
    cutovers, rollbacks, lag = [], [], {}
    follower.start()
    for number in range(int(switches)):
        wait_for(follows("forward"))
        succeeded("verify")
        cutovers.append(switched("cutover", load, int(rate)))
        follower.start()
        wait_for(follows("back"))
        if number == 0:
            lag = probed(load, probes, int(rate), float(seconds))
        succeeded("verify")
        rollbacks.append(switched("rollback", load, int(rate)))
        follower.start()
    wait_for(follows("forward"))
    follower.stop()
    return {
        "cutovers": cutovers, "rollbacks": rollbacks, "lag": lag, "documents": len(every),
        "seconds": time.perf_counter() - begin,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
