"""One step of a target's schema, where it does not commit together with its note in the journal.

A store without transactional DDL (MySQL, MongoDB) is one case, a statement that runs in no transaction (CREATE INDEX
CONCURRENTLY) another. The journal notes first that the step begins, then that it is done. A run that was killed in
between leaves a step that was begun: `check` says what is there of it, and the next run starts or finishes it, or only
notes that it is done. A step that was never begun is not checked: what is there then belongs to somebody else, and the
database refuses the step.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from crossfade.model.target import Step


class Standing(Enum):
    """What the target has of a step. HALF_DONE: something that does not do its work, such as an INVALID index."""

    ABSENT = "absent"
    HALF_DONE = "half done"
    DONE = "done"


class Steps(Protocol):
    def is_alone(self, step: Step) -> bool:
        """Return whether the step can run in no transaction."""
        ...

    def check(self, step: Step) -> Standing:
        """Return what is there of a step that was begun, by the target's catalogue. Changes nothing.

        A step that may be repeated, or of which the catalogue tells nothing, counts as absent.
        """
        ...

    def start(self, step: Step) -> None:
        """Execute the step, outside of any transaction of the move. Raises RowRejected if rows prevent it."""
        ...

    def finish(self, step: Step) -> None:
        """Complete a step that is half done, or remove what is there of it and execute it again."""
        ...

    def undo(self, step: Step) -> None:
        """Remove what the step made, whole or half; nothing happens if it is not there.

        Raises Unsupported for a step of which it is not known what it made. Nothing is dropped that others depend on.
        """
        ...
