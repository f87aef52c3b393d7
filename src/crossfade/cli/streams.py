"""Standard streams as the program finds them: closed, full, or of an encoding that lacks letters.

None of that may end a command, or change its exit status: what cannot be said is not said. Only whoever reads the
answer on stdout and goes away is told of by the status (141), and a full disk behind it (3).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress


class _Stderr(io.TextIOWrapper):
    """stderr that says nothing more once it takes nothing more."""

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
                super().flush()  # what was left to be written goes nowhere, too


def open_streams() -> None:
    """Every standard stream is open afterwards: a file or a socket that got the number of a closed one would be
    written into.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = _Stderr(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )


def take_odd_text() -> None:
    """A terminal that cannot show a letter gets its escape, not an exception."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
