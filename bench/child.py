"""What every measured process of ours has in common: where the stores are, and how it reports."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo.collection import Collection


@dataclass(frozen=True)
class Source:
    url: str
    entity: str
    binary: str


SOURCE = Source(os.environ["SOURCE_URL"], os.environ["BENCH_ENTITY"], os.environ.get("BENCH_BINARY", ""))
TARGET = os.environ["TARGET_URL"]
DOCUMENTS = int(os.environ["BENCH_DOCUMENTS"])
"""How many documents to take: all of them, or the first so many."""


def collection() -> Collection[dict[str, Any]]:
    client = pymongo.MongoClient[dict[str, Any]](SOURCE.url, tz_aware=True)
    return client.get_default_database()[SOURCE.entity]


def report(work: Callable[[], int]) -> None:
    """Does the work and prints what the bench reads: without the interpreter's start and the imports."""
    start = time.perf_counter()
    documents = work()
    print(json.dumps({"documents": documents, "seconds": time.perf_counter() - start}))
