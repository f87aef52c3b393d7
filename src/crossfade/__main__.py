"""The program `crossfade`, as a command and as `python -m crossfade`."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

NOTHING_HAD_BEGUN = b"\nerror: stopped; nothing had begun\nTry: the same command again\n"


def main() -> int:
    """Runs the program; its exit status. Loading its libraries takes a second, in which Ctrl-C is no traceback."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    from crossfade.cli.app import main as run

    for number, handler in before.items():
        signal.signal(number, handler)
    return run()


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    os.write(2, NOTHING_HAD_BEGUN)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
