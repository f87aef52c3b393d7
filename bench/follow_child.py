"""The measured steps of follow.py, each a process that prints its figures as JSON: `follow_child.py STEP ...`.

    writers COUNT FOLLOWED  COUNT updates, one after another by each of two connections; FOLLOWED: beside the follower
    lag RATE SECONDS        a probe is written ten times a second beside the writers, and looked for in the target
    verify WRITES           all is proven beside the follower; with WRITES, what they changed after the last proof
    read                    every document is updated; then the source's feed of that is read, and nothing else
    drain                   every document was updated while nobody followed; then the follower runs until all is there

Only the drivers are used here, so that the memory that is measured is the follower's.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pymongo
from bson.raw_bson import RawBSONDocument

from crossfade_ids import uuid_of

ENTITY, TABLE = "writingsessions", "writing_sessions"
CROSSFADE = [sys.executable, "-m", "crossfade"]
PROJECT = ["--project", os.environ["BENCH_PROJECT"]]
KEYS_ONLY = [{"$project": {"documentKey": 1, "operationType": 1, "ns": 1}}]
AT_ONCE, PROBES, WRITERS = 20, 8, 2
PENDING = "SELECT 1 FROM crossfade.dirty WHERE number <> '' LIMIT 1"

Client = pymongo.MongoClient[dict[str, Any]]


def connect() -> Client:
    return pymongo.MongoClient(os.environ["SOURCE_URL"])


def keys() -> list[Any]:
    with connect() as client:
        return [doc["_id"] for doc in client.get_default_database()[ENTITY].find({}, {"_id": 1}).sort("_id")]


# -- writers


def update_each(chosen: list[Any], value: Callable[[], int]) -> None:
    with connect() as client:
        collection = client.get_default_database()[ENTITY]
        for key in chosen:
            collection.update_one({"_id": key}, {"$set": {"duration": value()}})


def writers(count: str, followed: str) -> dict[str, float]:
    rng, every = random.Random(1), keys()
    shares = [rng.choices(every, k=int(count) // WRITERS) for _ in range(WRITERS)]
    values = iter(range(1, 10**9))

    def work() -> float:
        begin = time.perf_counter()
        threads = [threading.Thread(target=update_each, args=(share, lambda: next(values))) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begin

    if not int(followed):
        return {"seconds": work()}
    with follower(every):
        return {"seconds": work()}


def update_all(value: int) -> None:
    """Give every document another duration: one change each."""
    with connect() as client:
        client.get_default_database()[ENTITY].update_many({}, {"$set": {"duration": value}})


def write_on(rate: int, seconds: int, chosen: list[Any], done: list[float]) -> None:
    """Write at a rate, some at once; note how many there were in a second."""
    rng, begin, written = random.Random(2), time.perf_counter(), 0
    with connect() as client:
        collection = client.get_default_database()[ENTITY]
        while (passed := time.perf_counter() - begin) < seconds:
            update = [
                pymongo.UpdateOne({"_id": key}, {"$inc": {"duration": 1}}) for key in rng.choices(chosen, k=AT_ONCE)
            ]
            collection.bulk_write(update, ordered=False)
            written += AT_ONCE
            time.sleep(max(0.0, written / rate - (time.perf_counter() - begin)))
    done.append(written / passed)


# -- the follower


@contextmanager
def follower(every: list[Any]) -> Iterator[None]:
    """`crossfade start`, from when it has caught up."""
    started = start()
    try:
        caught_up(every[-1])
        yield
    finally:
        stop(started)


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([*CROSSFADE, "start", *PROJECT, "--quiet"], stdout=subprocess.DEVNULL)


def stop(started: subprocess.Popen[bytes]) -> None:
    subprocess.run([*CROSSFADE, "stop", *PROJECT], check=True, stdout=subprocess.DEVNULL)
    if started.wait(60):
        raise SystemExit(f"crossfade start ended with {started.returncode}")


def caught_up(key: Any) -> None:
    """Write a mark into a document, and wait until it is in the target and nothing is pending."""
    value = time.time_ns() // 10**6 % 10**9
    update_each([key], lambda: value)
    wait_for(key, value, 600, 0.2)
    with psycopg.connect(os.environ["TARGET_URL"], autocommit=True) as connection:
        while connection.execute(PENDING).fetchone():
            time.sleep(0.05)


def wait_for(key: Any, value: int, seconds: float, pause: float) -> None:
    """Wait until the target has the value in that row."""
    end, row, connection = time.monotonic() + seconds, uuid_of(key.binary), None
    while time.monotonic() < end:
        try:
            connection = connection or psycopg.connect(os.environ["TARGET_URL"], autocommit=True)
            found = connection.execute(f"SELECT duration FROM {TABLE} WHERE id = %s", [row]).fetchone()
        except psycopg.errors.UndefinedTable:  # the copy has not begun
            found = None
        if found == (value,):
            connection.close() if connection else None
            return
        time.sleep(pause)
    raise SystemExit("the follower did not catch up")


# -- what is measured


def lag(rate: str, seconds: str) -> dict[str, float]:
    every = keys()
    probes, found, done = every[:PROBES], list[float](), list[float]()
    with follower(every):
        writing = threading.Thread(target=write_on, args=(int(rate), int(seconds), every[PROBES:-1], done))
        writing.start()
        asking = [threading.Thread(target=probe, args=(key, writing, found)) for key in probes]
        for thread in asking:
            thread.start()
        for thread in [writing, *asking]:
            thread.join()
    cuts = statistics.quantiles(found, n=100)
    return {"seconds": float(seconds), "p50": cuts[49], "p99": cuts[98], "probes": len(found), "written": done[0]}


def probe(key: Any, writing: threading.Thread, found: list[float]) -> None:
    rng = random.Random(str(key))
    while writing.is_alive():
        time.sleep(rng.uniform(0, 0.4))
        value = rng.randrange(10**8, 10**9)
        update_each([key], lambda value=value: value)  # type: ignore[misc]
        begin = time.perf_counter()
        wait_for(key, value, 60, 0.01)
        found.append(time.perf_counter() - begin)


def verify(count: str) -> dict[str, float]:
    rng, every = random.Random(3), keys()
    with follower(every):
        if int(count):
            with connect() as client:
                update = [
                    pymongo.UpdateOne({"_id": key}, {"$inc": {"duration": 1}})
                    for key in rng.choices(every, k=int(count))
                ]
                client.get_default_database()[ENTITY].bulk_write(update, ordered=False)
            caught_up(every[-1])
        begin = time.perf_counter()
        again = ["--again"] if int(count) else []
        subprocess.run([*CROSSFADE, "verify", *PROJECT, "--quiet", *again], check=True, stdout=subprocess.DEVNULL)
        return {"seconds": time.perf_counter() - begin}


def read() -> dict[str, float]:
    with connect() as client:
        plain = client.get_default_database()
        began = plain.command("ping")["operationTime"]
        count = plain[ENTITY].count_documents({})
        update_all(time.time_ns() // 10**6 % 10**9)
        begin = time.perf_counter()
        raw: Any = client.get_database(
            plain.name, codec_options=plain.codec_options.with_options(document_class=RawBSONDocument)
        )
        with raw.watch(KEYS_ONLY, start_at_operation_time=began, batch_size=10_000) as stream:
            for _ in range(count):
                next(stream)
        return {"seconds": time.perf_counter() - begin, "documents": count}


def drain() -> dict[str, float]:
    """The documents were updated by `read`, while nobody followed."""
    every = keys()
    with connect() as client:
        value = client.get_default_database()[ENTITY].find_one({"_id": every[0]})["duration"]  # type: ignore[index]
    begin = time.perf_counter()
    started = start()
    wait_for(every[-1], value, 3000, 0.2)
    with psycopg.connect(os.environ["TARGET_URL"], autocommit=True) as connection:
        while connection.execute(PENDING).fetchone():
            time.sleep(0.05)
        seconds = time.perf_counter() - begin
        there = connection.execute(f"SELECT count(*) FROM {TABLE} WHERE duration = %s", [value]).fetchone()
    stop(started)
    if there != (len(every),):
        raise SystemExit(f"{there} of {len(every)} rows are up to date")
    return {"seconds": seconds, "documents": len(every)}


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., dict[str, float]]] = {
        "writers": writers, "lag": lag, "verify": verify, "read": read, "drain": drain
    }  # fmt: skip
    print(json.dumps(steps[step](*arguments)))
