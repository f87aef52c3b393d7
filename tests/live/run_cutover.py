"""`crossfade cutover`, or the command of COMMAND, that is killed at a step: `run_cutover.py PROJECT PLACE WHEN`, by
kill -9 of the process.

PLACE is `module:Class.method`, WHEN `before` or `after` its call. The step back is due a second after its limits.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

from crossfade.__main__ import main
from crossfade.shift import run


def die_at(place: str, when: str) -> None:
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    held = getattr(import_module(module), owner)
    real = getattr(held, name)

    def dies(*args: Any, **more: Any) -> Any:
        if when == "after":
            real(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(held, name, dies)


if __name__ == "__main__":
    run.GRACE = 1.0
    folder, *point = sys.argv[1:]
    if point:
        die_at(point[0], point[1])
    sys.argv = ["crossfade", os.environ.get("COMMAND", "cutover"), "--plan", os.environ["PLAN"], "--project", folder]
    main()
