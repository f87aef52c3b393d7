"""Apply pending records of a source that is followed, and find out which of them cause an error.

A record that cannot be applied goes to quarantine alone, whatever the error is. If the records of an entity cannot be
read (its columns have changed, or it no longer exists), the entity is halted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crossfade.errors import Busy, CrossfadeError, Misused, Refused
from crossfade.journal.dirty import Dirty
from crossfade.model.positions import Floor
from crossfade.model.rejection import Rejection
from crossfade.pipeline.apply_keys import apply_keys
from crossfade.pipeline.noting import Applied
from crossfade.runtime.session import Session, Work, session
from crossfade.stores.contract import RowRejected

FAILED = "failed"
"""The reason of a record that is refused for no known reason."""


@dataclass(frozen=True)
class Outcome:
    """`halted`: entity -> why its records could not be applied."""

    applied: Applied = field(default_factory=Applied)
    halted: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.applied + other.applied, {**self.halted, **other.halted})


def apply_pending(work: Work, claims: Sequence[Dirty], floor: Floor) -> tuple[int, Outcome]:
    """Apply records whose numbers were read together with a floor. Runs in a worker.

    Raises only temporary errors, and Busy.
    """
    s = session(work)
    with s.reading(floor):
        return len(claims), _apply(s, claims)


def _apply(s: Session, claims: Sequence[Dirty]) -> Outcome:
    try:
        return Outcome(apply_keys(s, claims))
    except CrossfadeError as error:
        if error.passing or isinstance(error, Busy):
            raise
        failure: Exception = error
    except Exception as error:
        failure = error
    entities = sorted({one.entity for one in claims})
    if len(entities) > 1:
        return sum((_apply(s, [one for one in claims if one.entity == entity]) for entity in entities), Outcome())
    if isinstance(failure, (Refused, Misused)):
        return Outcome(_untouched(claims), {entities[0]: _said(failure)})
    if len(claims) > 1:
        half = len(claims) // 2
        return _apply(s, claims[:half]) + _apply(s, claims[half:])
    return _quarantined(s, claims[0], failure)


def _quarantined(s: Session, claim: Dirty, failure: Exception) -> Outcome:
    """Put a record that fails alone into quarantine. If that fails too, halt its entity."""
    try:
        return Outcome(apply_keys(s, [claim], failed={(claim.entity, claim.key): _rejection(failure)}))
    except CrossfadeError as error:
        if error.passing or isinstance(error, Busy):
            raise
        return Outcome(_untouched([claim]), {claim.entity: _said(error)})
    except Exception as error:
        return Outcome(_untouched([claim]), {claim.entity: _said(error)})


def _rejection(failure: Exception) -> Rejection:
    if isinstance(failure, RowRejected):
        table, column = failure.table, failure.column
        return Rejection(0, failure.reason, failure.message, table, column, failure.constraint)
    return Rejection(0, FAILED, _said(failure))


def _untouched(claims: Sequence[Dirty]) -> Applied:
    return Applied(left=frozenset((one.entity, one.key) for one in claims))


def _said(error: Exception) -> str:
    """Return the message on one line."""
    text = error.message if isinstance(error, CrossfadeError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:2000]
