"""The result of a command: one value, printed as JSON for programs or drawn for people."""

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

    `ok` says whether the command succeeded (exit status 0) or not (1).
    """

    document: Mapping[str, Any]
    draw: Callable[[Screen], None]
    ok: bool = True
    status: int | None = None
    """The exit status, if it is neither 0 nor 1."""

    @property
    def exit_status(self) -> int:
        if self.status is not None:
            return self.status
        return 0 if self.ok else 1


@dataclass(frozen=True)
class Streamed:
    """A list at a document's top level that is printed item by item, because it may not fit in memory."""

    items: Iterable[Any]


def print_json(document: Mapping[str, Any]) -> None:
    """Print one document on stdout. Non-ASCII characters are escaped: a terminal might obey some of them."""
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
    """Indent the lines after the first. (A string in JSON has no line breaks.)"""
    return text.replace("\n", "\n" + by)
