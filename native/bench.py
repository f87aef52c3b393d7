"""Documents a second on one core: the native reader, the one in Python and pymongo's decoder, side by side.

    .venv/bin/python native/bench.py [documents]

The contenders take turns, and the best of the rounds counts, in seconds of the processor, so that whatever else the
machine does matters little; but for two threads at once, which go by the clock.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread
from time import perf_counter, process_time
from typing import Any

import bson
from bson import Int64, ObjectId

from crossfade.documents.columns import compile_columns, python_columns
from crossfade.documents.count import Histogram
from crossfade.documents.digest import digests, python_digests
from crossfade.documents.native import native_status
from crossfade.model.batch import Column

ROUNDS = 5
TWICE = ", two threads"  # each of them reads everything
EPOCH = datetime(2024, 1, 1)


def session(number: int, chance: random.Random) -> dict[str, Any]:
    start, seconds = EPOCH + timedelta(seconds=chance.randrange(10**7)), chance.randrange(60, 5400)
    added = chance.randrange(600)
    return {
        "_id": ObjectId(b"\1" * 4 + number.to_bytes(8, "big")),
        "document": ObjectId(b"\2" * 4 + chance.randrange(100_000).to_bytes(8, "big")),
        "user": ObjectId(b"\3" * 4 + chance.randrange(50_000).to_bytes(8, "big")),
        "startTime": start,
        "duration": seconds,
        "activity": {"wordsAdded": added, "wordsDeleted": added // 5, "charactersTyped": added * 6, "pastes": 1},
        "snapshots": [{"wordCount": 20 * k, "stage": "draft"} for k in range(chance.randrange(2))],
        "productivity": {"wordsPerMinute": round(added * 60 / seconds, 2), "focusScore": chance.randrange(100)},
        "createdAt": start,
        "updatedAt": start + timedelta(seconds=seconds),
        "__v": 0,
    }


def nested(number: int, chance: random.Random) -> dict[str, Any]:
    """A large document: 60 entries in lists, about 8 kB."""
    return {
        "_id": Int64(number),
        "title": f"report {number}",
        "pages": [
            {
                "number": page,
                "text": "word " * 8,
                "score": chance.random(),
                "tags": ["a", "b", f"tag{chance.randrange(9)}"],
                "at": EPOCH + timedelta(seconds=chance.randrange(10**7)),
                "by": {"id": ObjectId(b"\3" * 12), "name": "Ada", "admin": page % 7 == 0},
            }
            for page in range(60)
        ],
    }


SESSION_COLUMNS = [
    *(Column(name, (name,)) for name in ("_id", "document", "user", "startTime", "duration", "createdAt", "updatedAt")),
    *(Column(name, (name,), "json") for name in ("activity", "snapshots", "productivity")),
]
NESTED_COLUMNS = [
    Column("_id", ("_id",)),
    Column("title", ("title",)),
    Column(
        "pages",
        ("pages",),
        "list",
        (
            *(Column(name, (name,)) for name in ("number", "text", "score", "at")),
            Column("by", ("by", "id")),
            Column("tags", ("tags",), "json"),
        ),
    ),
]


def measure(title: str, batches: list[bytes], contenders: dict[str, Callable[[bytes], object]]) -> None:
    count = sum(len(bson.decode_all(batch)) for batch in batches)
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, work in contenders.items():
            both = name.endswith(TWICE)
            threads = [Thread(target=all_of, args=(batches, work)) for _ in range(1 + both)]
            clock = perf_counter if both else process_time
            start = clock()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            best[name] = min(best[name], (clock() - start) / len(threads))
    size = sum(map(len, batches))
    print(f"{title}: {count} documents of {size // count} bytes")
    for name, seconds in best.items():
        print(f"  {name:22}{count / seconds / 1000:10.1f} thousand a second {size / seconds / 1e6:8.0f} MB/s")


def all_of(batches: list[bytes], work: Callable[[bytes], object]) -> None:
    for batch in batches:
        work(batch)


def main(documents: int) -> None:
    print(f"{native_status()}; load of the machine {os.getloadavg()[0]:.1f}")
    for make, columns, number in ((session, SESSION_COLUMNS, documents), (nested, NESTED_COLUMNS, documents // 25)):
        chance = random.Random(7)
        raws = [bson.encode(make(i, chance)) for i in range(number)]
        batches = [b"".join(raws[at : at + 5000]) for at in range(0, number, 5000)]
        shape = counted(batches).to_shape("things")
        here, python = compile_columns(shape, columns), python_columns(shape, columns)
        contenders: dict[str, Callable[[bytes], object]] = {
            "pymongo decode_all": bson.decode_all,
            "columns in Python": python.read,
            "columns": here.read,
            "columns" + TWICE: here.read,
            "survey in Python": Histogram(native=False).add,
            "survey": Histogram().add,
            "digests in Python": python_digests,
            "digests": digests,
        }
        measure(make.__name__, batches, contenders)


def counted(batches: list[bytes]) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    return histogram


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
