"""Crossfade itself, each phase as a process of its own: `ours.py survey|copy|verify PROJECT WORKERS`.

Prints one line of JSON: `seconds` without the interpreter's start, and `documents` where the phase counts them.
The project's URLs are in SOURCE_URL and TARGET_URL.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from crossfade.move import Move
from crossfade.project import load_project


def main(phase: str, folder: str, workers: int) -> None:
    start = time.perf_counter()
    with Move(load_project(Path(folder)), workers=workers) as move:
        documents = PHASES[phase](move)
    print(json.dumps({"documents": documents, "seconds": time.perf_counter() - start}))


def survey(move: Move) -> int:
    shapes, _ = move.survey()
    return sum(shape.count for shape in shapes)


def copy(move: Move) -> int:
    status = move.copy()
    if not status.ok:
        sys.exit(f"the copy is not balanced, or has records in quarantine: {status}")
    return sum(entity.counts.copied for entity in status.entities)


def verify(move: Any) -> int:
    verdict = move.verify()
    if not verdict.ok:
        sys.exit(f"verification found differences: {verdict}")
    return 0


PHASES = {"survey": survey, "copy": copy, "verify": verify}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
