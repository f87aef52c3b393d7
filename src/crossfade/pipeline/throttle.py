"""Make work wait while the source is busy, judged by the lag of its replicas, its sessions, or a command.

It is called before each chunk and round, and asks the source at most once every few seconds. If there is no answer,
work waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.events import Listener, Throttled
from crossfade.project import Throttling
from crossfade.runtime.commands import refusal
from crossfade.stores.contract import Load, Store, need

COMMAND_SECONDS = 30.0
"""A command that takes longer is ended, and counts as a refusal."""


class Throttle:
    """`source` gives the open store; `folder` is where the command runs."""

    def __init__(self, settings: Throttling, source: Callable[[], Store], folder: Path) -> None:
        self._settings, self._source, self._folder = settings, source, folder
        self._asked = float("-inf")
        self.cause: str | None = None
        """Why work waits, or None if it does not."""

    def require(self) -> None:
        """Ask once. Raises CrossfadeError if that is impossible: the command does not exist, or the login may not ask
        the source.
        """
        for _ in self._causes():
            pass

    def allows(self, listen: Listener) -> bool:
        """Return whether work may begin. Emits an event when that changes."""
        if time.monotonic() - self._asked >= self._settings.every_s:
            before, self.cause = self.cause, self._first()
            self._asked = time.monotonic()
            if (before is None) != (self.cause is None):
                listen(Throttled(self.cause))
        return self.cause is None

    def _first(self) -> str | None:
        try:
            return next(self._causes(), None)
        except CrossfadeError as error:
            return error.message

    def _causes(self) -> Iterator[str]:
        settings = self._settings
        if settings.lag_s is not None and (lag := self._load.lag()) > settings.lag_s:
            yield f"a replica of the source is {lag:.1f} s behind (throttle.lag_s = {settings.lag_s:g})"
        if settings.active is not None and (active := self._load.active()) > settings.active:
            yield f"{active} sessions of the source are at work (throttle.active = {settings.active})"
        if settings.command and (said := self._refusal(settings.command)) is not None:
            yield f"{settings.command}: {said} (throttle.command)"

    @property
    def _load(self) -> Load:
        source = self._source()
        return need(source.load, source, "say how much it has to do")

    def _refusal(self, command: str) -> str | None:
        try:
            return refusal(command, self._folder, seconds=COMMAND_SECONDS)
        except (OSError, ValueError) as error:
            raise Misused(
                f"throttle.command = {command!r} cannot be started: {error}", hint="name a program of this machine"
            ) from error
