"""The journal's own tables, brought from the shape of an older version to the one of today: one step a version.

A step is written once, when its version is made, and never changed: it may use nothing that a later version changes.
All steps run in one transaction, under the run's lock: a target has the old journal or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossfade.journal.migrations import to_4, to_5
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True, slots=True)
class Place:
    """What a step may have to know: whether the journal's tables are in a schema of their own, and whether the source
    holds each key once.
    """

    in_schema: bool
    has_unique_keys: bool


Step = Callable[[TargetTransaction, bool, bool], None]

STEPS: Mapping[int, Step] = {4: to_4.migrate, 5: to_5.migrate}
OLDEST = min(STEPS) - 1
"""The oldest version that can be brought to today's."""


def migrate(tx: TargetTransaction, version: int, place: Place) -> int:
    """Runs the steps that a journal of `version` lacks; the version that it has then."""
    for number in sorted(STEPS):
        if number > version:
            STEPS[number](tx, place.in_schema, place.has_unique_keys)
            tx.execute("UPDATE {crossfade}move SET version = :version", {"version": number})
            version = number
    return version


__all__ = ["OLDEST", "Place", "migrate"]
