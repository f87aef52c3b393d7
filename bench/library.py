"""crossfade as a library: `library.py PROJECT`, the copy alone, timed as the hand-written programs are."""

from __future__ import annotations

import sys
from pathlib import Path

from child import DOCUMENTS, report
from crossfade.move import Move
from crossfade.project import load_project


def copy() -> int:
    with Move(load_project(Path(sys.argv[1])), workers=2) as move:
        move.copy()
    return DOCUMENTS


if __name__ == "__main__":
    report(copy)
