"""`crossfade start` that can be killed at a named point: `run_start.py PROJECT WORKERS [MODULE:FUNCTION TIMES WHEN]`.

The process ends by kill -9 when that function has been called so many times: `before` the call or `after` it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from crossfade.__main__ import main


def die_at(place: str, times: int, when: str) -> None:
    module_name, _, name = place.partition(":")
    *owners, function = name.split(".")
    owner: Any = import_module(module_name)
    for part in owners:
        owner = getattr(owner, part)
    call: Callable[..., Any] = getattr(owner, function)
    left = iter(range(times - 1))

    def dying(*args: Any, **kwargs: Any) -> Any:
        last = next(left, None) is None
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, function, dying)


if __name__ == "__main__":
    folder, workers, *point = sys.argv[1:]
    if point:
        die_at(point[0], int(point[1]), point[2])
    sys.argv = ["crossfade", "start", "--project", folder, "--workers", workers]
    sys.exit(main())
