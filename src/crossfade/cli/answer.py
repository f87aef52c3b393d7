"""What a command gives back: one value that is printed as JSON for machines, or drawn for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    status: int | None = None
    """The exit status where it is another one."""

    @property
    def exit_status(self) -> int:
        if self.status is not None:
            return self.status
        return 0 if self.ok else 1


@dataclass(frozen=True)
class Streamed:
    """A list of a document's top level that is printed as it comes, because it may be longer than memory."""

    items: Iterable[Any]


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout. Letters outside ASCII are escaped: a database may hold what a terminal would obey."""
    for piece in _pieces(document):
        sys.stdout.write(piece)
    sys.stdout.flush()


def _pieces(document: Mapping[str, Any]) -> Iterator[str]:
    if not any(isinstance(value, Streamed) for value in document.values()):
        yield _text(document) + "\n"
        return
    yield "{"
    for i, (key, value) in enumerate(document.items()):
        yield f"{',' if i else ''}\n  {json.dumps(key)}: "
        if isinstance(value, Streamed):
            yield from _listed(value)
        else:
            yield _indented(_text(value), "  ")
    yield "\n}\n"


def _listed(value: Streamed) -> Iterator[str]:
    before = "[\n    "
    for item in value.items:
        yield before + _indented(_text(item), "    ")
        before = ",\n    "
    yield "[]" if before.startswith("[") else "\n  ]"


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False)


def _indented(text: str, by: str) -> str:
    """The lines after the first are moved in: a string has none."""
    return text.replace("\n", "\n" + by)
