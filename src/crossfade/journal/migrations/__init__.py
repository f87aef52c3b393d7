"""Migrate the journal's own tables from an older version to the current one, one step for each version.

A step is written when its version is made, and never changed: it must not use anything that a later version changes.
All steps run in one transaction, under the run's lock: a target has either the old journal or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crossfade.journal.migrations import to_4, to_5, to_6, to_7, to_8, to_9, to_10, to_11
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalTable

Step = Callable[[TargetTransaction, bool], None]

STEPS: Mapping[int, Step] = {
    4: to_4.migrate,
    5: to_5.migrate,
    6: to_6.migrate,
    7: to_7.migrate,
    8: to_8.migrate,
    9: to_9.migrate,
    10: to_10.migrate,
    11: to_11.migrate,
}
OLDEST = min(STEPS) - 1
"""The oldest version that can be migrated."""

_MOVE = JournalTable("move", (), ())  # its column `version` exists in every version


def migrate(tx: TargetTransaction, version: int, *, has_unique_keys: bool) -> int:
    """Run the steps that a journal of `version` lacks, and return the version that it has then.

    `has_unique_keys`: whether the source holds each key once.
    """
    for number in sorted(STEPS):
        if number > version:
            STEPS[number](tx, has_unique_keys)
            tx.journal.update(_MOVE, {"version": number})
            version = number
    return version


__all__ = ["OLDEST", "migrate"]
