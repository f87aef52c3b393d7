"""What the processes that read from memory have in common: batches loaded before, and whole passes over them, timed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time

FOLDER = Path(os.environ["BENCH_BATCHES"])
LEAST = 1.0  # seconds; what is quicker than that makes more passes

Pass = Callable[[list[bytes]], int]
"""Reads the batches; how many documents were in them."""


def report(one_pass: Pass, threads: int = 0) -> None:
    """Prints what the bench reads: the documents of a pass, and its seconds, as the mean of all; of the processor, or,
    where a number of `threads` is given, by the clock: each of them makes the pass, and its seconds are divided by
    their number.
    """
    batches = [file.read_bytes() for file in sorted(FOLDER.glob("*.bson"))]
    one_pass(batches[:1])  # what is done only once does not count
    clock = perf_counter if threads else process_time
    passes, documents, start = 0, 0, clock()
    while clock() - start < LEAST:
        documents = _at_once(one_pass, batches, threads) if threads else one_pass(batches)
        passes += 1
    print(json.dumps({"documents": documents, "seconds": (clock() - start) / passes / (threads or 1)}))


def _at_once(one_pass: Pass, batches: list[bytes], threads: int) -> int:
    """Each thread starts at another batch, so that none reads what another has just fetched from memory."""
    starts = [len(batches) * number // threads for number in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return min(pool.map(one_pass, [batches[at:] + batches[:at] for at in starts]))
