"""Guards after a cutover: the run that follows the target checks them, and takes the application back.

A rollback has gates of its own: if one does not hold, that is reported once, and the rollback is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, suppress

from crossfade.errors import CrossfadeError
from crossfade.model.events import GuardBroken, Listener
from crossfade.move import rolling_back, target_ownership
from crossfade.move.context import Context
from crossfade.pipeline.threads import Following
from crossfade.project import Project
from crossfade.runtime.commands import failed
from crossfade.shift.gates import Gate
from crossfade.shift.guards import BrokenFor, are_set, guards

EVERY = 1.0


class Guard:
    """Watches while a run follows the target; it has stores of its own."""

    def __init__(self, project: Project, listen: Listener) -> None:
        self._project, self._listen = project, listen
        self._settings = project.settings.guards
        self._told = False

    def __call__(self, following: Following) -> None:
        if not are_set(self._settings):
            return
        patience = BrokenFor(self._settings.for_s)
        with closing(Context(self._project)) as context:
            while not following.stop.wait(EVERY):
                with suppress(CrossfadeError):  # a server that is not reachable now
                    broken = self._broken(context)
                    if patience.is_over(bool(broken), time.monotonic()):
                        patience = BrokenFor(self._settings.for_s)
                        self._act(context, broken)

    def _broken(self, context: Context) -> list[Gate]:
        return [gate for gate in guards(target_ownership.status(context), self._settings) if not gate.holds]

    def _act(self, context: Context, broken: Sequence[Gate]) -> None:
        said = "; ".join(f"{gate.name}: {gate.figure} (limit: {gate.limit})" for gate in broken)
        outcome = self._taken_back(context) if self._settings.rollback else "guards.rollback is not set"
        if outcome is None or not self._told:
            self._told = True
            self._tell(said, outcome or "rolled back: the source takes the writes of applications")

    def _taken_back(self, context: Context) -> str | None:
        """Roll back. Return why that was not possible."""
        context.only_compares = True
        try:
            rolling_back.rollback(context, self._listen)
        except CrossfadeError as error:
            return f"not rolled back: {error.message}"
        return None

    def _tell(self, said: str, outcome: str) -> None:
        self._listen(GuardBroken(said, outcome))
        facts = {"said": said, "outcome": outcome, "move": self._project.name}
        command = self._settings.alert
        if command and (how := failed(command, self._project.root, facts)) is not None:
            self._listen(GuardBroken(said, f"the alert failed: {command}: {how}"))
