"""A truncated table is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossfade.model.events import ChunkCopied, CopyStarted, Event
from following import running, state, wait_for


def test_what_a_truncate_removed_leaves_the_target(live: Any) -> None:
    with running(live.move):
        truncate(live)
        wait_until_halted(live)
    with running(live.move):
        live.becomes("SELECT id, name FROM items", [(1, "again")])
    live.require_equal()


def test_what_was_truncated_during_the_copy_is_compared(live: Any) -> None:
    interrupt(live, ChunkCopied)
    truncate(live)
    interrupt(live, CopyStarted, wait_until_halted)
    with running(live.move):
        live.becomes("SELECT id, name FROM items", [(1, "again")])
    live.require_equal()


class Interrupted(Exception):
    pass


def interrupt(live: Any, at: type[Event], before: Callable[[Any], None] = lambda _: None) -> None:
    """Let a run end in the middle of the copy."""

    def heard(event: Event) -> None:
        if isinstance(event, at):
            before(live)
            raise Interrupted

    with pytest.raises(Interrupted), live.move() as move:
        move.start(heard)


def truncate(live: Any) -> None:
    live.write("TRUNCATE items", "INSERT INTO items VALUES (1, 'again')")


def wait_until_halted(live: Any) -> None:
    wait_for(lambda: (found := state(live.move)) is not None and found.halted)
