"""Run a copy in a separate process, to be killed: `run_copy.py PROJECT WORKERS`; see victim.py.

Its workers are forked, as the command's are, where FORKED is in the environment; else spawned, as a library's.

Prints a line for every event, so that whoever waits for one can strike then. Ends with the exit status of the error,
and prints the error as a last line.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossfade.errors import CrossfadeError
from crossfade.journal import journal
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.runtime.warmup import load_ahead
from crossfade.stores.mongodb import lock

STOPPED = 130


def copy_until(moment: str, times: int, project: Path, source: str, target: str) -> None:
    """Copy, and kill this process when a function of the journal has been called that many times: `moment`. Its
    transaction is not committed then.
    """
    die_in(moment, times)
    lease_of_a_second()
    with Move(load_project(project, {"SOURCE_URL": source, "TARGET_URL": target})) as move:
        move.copy()


def lease_of_a_second() -> None:
    """Of MongoDB's lock: the next run waits for the lease of one that was killed."""
    lock.SECONDS, lock.RENEWED = 1.0, 0.2


def die_in(moment: str, times: int) -> None:
    call: Callable[..., Any] = getattr(journal, moment)
    left = iter(range(times - 1))

    def dying(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(journal, moment, dying)


def main(project: str, workers: str) -> int:
    lease_of_a_second()
    if "FORKED" in os.environ:
        load_ahead("crossfade.move")
    try:
        with Move(load_project(Path(project)), workers=int(workers)) as move:
            move.copy(lambda event: print(type(event).__name__, flush=True))
    except CrossfadeError as error:
        print(type(error).__name__, error.message, flush=True)
        return error.exit_status
    except KeyboardInterrupt:
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
