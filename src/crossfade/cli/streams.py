"""Standard streams that are closed, full, or have an encoding that lacks characters.

None of these may end a command or change its exit status: output that cannot be printed is dropped. The exceptions are
a closed pipe on stdout (exit status 141) and a full disk there (3).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress


class _Stderr(io.TextIOWrapper):
    """A stderr that discards its output once a write has failed."""

    def write(self, text: str) -> int:
        self._unless_full(lambda: super(_Stderr, self).write(text))
        return len(text)

    def flush(self) -> None:
        self._unless_full(super().flush)

    def _unless_full(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with suppress(OSError):
                super().flush()  # the rest of the buffer is discarded too


def open_streams() -> None:
    """Open every standard stream that is closed: otherwise a file or socket could get its number, and our output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free number
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = _Stderr(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )


def accept_any_text() -> None:
    """Make stdout and stderr escape characters that their encoding lacks, instead of raising an exception."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
