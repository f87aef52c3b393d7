"""Steps of a target's schema that cannot commit together with their record in the journal.

A store without transactional DDL (MySQL, MongoDB) is one case, a statement that cannot run in a transaction (CREATE
INDEX CONCURRENTLY) another. The journal records first that the step begins, then that it is done. A run that was killed
in between leaves a step that was begun: `check` returns what exists of it, and the next run starts or finishes it, or
only records that it is done. A step that was never begun is not checked: an object that exists then belongs to others,
and the database refuses the step.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from crossfade.model.target import Step


class Standing(Enum):
    """What the target has of a step. HALF_DONE: something that does not work yet, such as an INVALID index."""

    ABSENT = "absent"
    HALF_DONE = "half done"
    DONE = "done"


class Steps(Protocol):
    def is_alone(self, step: Step) -> bool:
        """Return whether the step cannot run in a transaction."""
        ...

    def check(self, step: Step) -> Standing:
        """Return what exists of a step that was begun, or that could not fill something, by the target's catalog.
        Changes nothing.

        A step that may be repeated, or about which the catalog has nothing, counts as absent.
        """
        ...

    def start(self, step: Step) -> None:
        """Execute the step, outside of any transaction of the move. Raises RowRejected if rows prevent it."""
        ...

    def finish(self, step: Step) -> None:
        """Complete a step that is half done, or remove what exists of it and execute it again."""
        ...

    def undo(self, step: Step) -> None:
        """Remove what the step created, completely or in part, if it exists.

        Raises Unsupported if it is not known what the step creates. Nothing is dropped that others depend on.
        """
        ...
