"""Our readers, and pymongo's decoder, over batches in memory: `read.py WHAT [THREADS]`.

CROSSFADE_NATIVE=0 in the environment makes it the reader in Python.
"""

from __future__ import annotations

import pickle
import sys

import bson

from crossfade.records.bson.columns import compile_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.digest import digests
from crossfade.records.bson.uncollected import uncollected
from passes import FOLDER, Pass, report


def decode(batches: list[bytes]) -> int:
    return sum(len(bson.decode_all(batch)) for batch in batches)


def decode_uncollected(batches: list[bytes]) -> int:
    with uncollected():
        return decode(batches)


def columns() -> Pass:
    reader = compile_columns(*pickle.loads((FOLDER / "asked.pickle").read_bytes()))
    return lambda batches: sum(reader.read(batch).table.num_rows for batch in batches)


def survey(batches: list[bytes]) -> int:
    counted = Histogram()
    for batch in batches:
        counted.add(batch)
    return counted.count


def digest(batches: list[bytes]) -> int:
    return sum(len(digests(batch)) for batch in batches)


if __name__ == "__main__":
    what, threads = sys.argv[1], int((sys.argv[2:] or ["0"])[0])
    simple = {"decode": decode, "decode-uncollected": decode_uncollected, "survey": survey, "digests": digest}
    report(simple[what] if what in simple else columns(), threads)
