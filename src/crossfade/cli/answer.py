"""What a command gives back: one value that is printed as JSON for machines, or drawn for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crossfade.cli.screen import Screen


@dataclass(frozen=True)
class Answer:
    """`document` is what `--json` prints (docs/reference/json.md), `draw` shows the same to people.

    `ok` says whether what was asked for holds (exit status 0) or not (1).
    """

    document: Mapping[str, Any]
    draw: Callable[[Screen], None]
    ok: bool = True

    @property
    def exit_status(self) -> int:
        return 0 if self.ok else 1


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout. Letters outside ASCII are escaped: a database may hold what a terminal would obey."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()
