"""Report the sessions that block a running phase. A wait for their locks could otherwise last forever, in silence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from crossfade.errors import CrossfadeError
from crossfade.model.events import Listener, LockAwaited
from crossfade.move.context import Context
from crossfade.stores.contract import Watch

SECONDS = 5.0
"""How long a wait may last before it is reported, and how often blockers are queried."""
LAST = 5.0
"""How long the end of a phase waits for an open query, so that a server that hangs does not delay the run."""
_TOLD_AGAIN = 12


@contextmanager
def watching(context: Context, listen: Listener) -> Iterator[None]:
    """Tell the listener of waits for locks of others, from a thread of its own."""
    watch = context.target.watch
    if watch is None:
        yield
        return
    end = threading.Event()
    thread = threading.Thread(target=_look, args=(watch, listen, end), name="crossfade-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(LAST)


def _look(watch: Watch, tell: Listener, end: threading.Event) -> None:
    """Report each set of blockers when it is new, and then once a minute."""
    told: dict[tuple[int, ...], int] = {}
    while not end.wait(SECONDS):
        with suppress(CrossfadeError):  # the phase itself reports a server that cannot be reached
            blockers = tuple(watch.blockers(SECONDS))
            pids = tuple(b.pid for b in blockers)
            told = {pids: told.get(pids, -1) + 1} if pids else {}
            if pids and told[pids] % _TOLD_AGAIN == 0 and not end.is_set():
                tell(LockAwaited(SECONDS * (told[pids] + 1), blockers))
