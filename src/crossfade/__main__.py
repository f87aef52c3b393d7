"""The program `crossfade`, as a command and as `python -m crossfade`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from crossfade.cli.limits import TO_LOAD, require_address_space
from crossfade.cli.streams import open_streams
from crossfade.errors import CrossfadeError

WITH_WORKERS = {"run", "survey", "copy", "start", "verify"}
NOTHING_HAD_BEGUN = b"\nerror: stopped; nothing had started\nTry: run the same command again\n"


def main() -> NoReturn:
    """Run the program. Ctrl-C while its libraries are loading prints a message, not a traceback."""
    open_streams()
    _require_memory()
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    from crossfade.runtime.warmup import forget_ahead, load_ahead  # slow to import itself

    gc.disable()  # loaded modules stay in memory; collecting while they load costs a tenth of the time
    if _with_workers(sys.argv[1:]):
        stores = "crossfade.stores.mongodb.store", "crossfade.stores.postgresql.store", "adbc_driver_postgresql.dbapi"
        load_ahead("crossfade.move", *stores)
    from crossfade.cli.app import main as run
    from crossfade.runtime.memory import own_process

    own_process()
    gc.freeze()
    gc.enable()
    for number, handler in before.items():
        signal.signal(number, handler)
    status = run()
    if status:
        gc.collect()  # an error keeps objects of its frames alive, among them a worker's semaphores
    forget_ahead()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(
        status
    )  # everything is closed and printed; a normal exit would wait up to half a second for pymongo's threads


def _require_memory() -> None:
    """End with a message if the libraries cannot be loaded in the address space of this process."""
    try:
        require_address_space(TO_LOAD)
    except CrossfadeError as error:
        sys.stderr.write(f"error: {error.message}\nTry: {error.hint}\n")
        sys.exit(error.exit_status)


def _with_workers(arguments: list[str]) -> bool:
    """Return whether the command will have worker processes: one worker is this process itself."""
    one = os.environ.get("CROSSFADE_WORKERS") == "1"
    return bool(WITH_WORKERS.intersection(arguments[:1])) and "--help" not in arguments and not one


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    os.write(2, NOTHING_HAD_BEGUN)
    if warmup := sys.modules.get("crossfade.runtime.warmup"):
        getattr(warmup, "forget_ahead", int)()  # absent while it is being loaded
    os._exit(130)


if __name__ == "__main__":
    main()
