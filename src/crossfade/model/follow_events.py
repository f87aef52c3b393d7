"""The events of a run that follows a source; model/events.py has them all."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.model.event import Event


@dataclass(frozen=True, slots=True)
class FeedStarted(Event):
    """The feed `name` of the source is read, from the source's time `since` (None if it does not say one)."""

    name: str
    since: str | None


@dataclass(frozen=True, slots=True)
class LagProven(Event):
    """A mark was written at the source; `seconds` later everything before it was in the target. `backlog` is the number
    of bytes that the source retains for the feed, if it retains any.
    """

    seconds: float
    backlog: int | None


@dataclass(frozen=True, slots=True)
class PassEnded(Event):
    """A source that is polled was compared: everything that was written before `began_at` is in the target or in
    quarantine. `repaired` of the `compared` records differed; `left` are rows that no record leads to, or that could
    not be removed.
    """

    number: int
    began_at: str
    seconds: float
    compared: int
    repaired: int
    left: int


@dataclass(frozen=True, slots=True)
class RecordsPending(Event):
    """This number of records is in the journal and not yet applied. Sent only while there are many."""

    records: int


@dataclass(frozen=True, slots=True)
class FeedSilent(Event):
    """The feed has named nothing for `seconds`, although a mark was written: it is broken, not idle."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FeedRemoved(Event):
    """The source retained `retained` bytes for the feed, more than `limit`: the feed was removed, and the run ends."""

    retained: int
    limit: int


@dataclass(frozen=True, slots=True)
class Throttled(Event):
    """No chunk and no round begins, because the source is busy (`[throttle]`). Without a `cause`, they begin again."""

    cause: str | None


@dataclass(frozen=True, slots=True)
class EntityHalted(Event):
    """The records of an entity are no longer applied, because of `cause`; those of others are. Their keys are kept."""

    entity: str
    cause: str


@dataclass(frozen=True, slots=True)
class PositionRenewed(Event):
    """After a cutover: the target no longer has the changes, because of `cause`. Everything is compared again, from a
    new position.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class FollowingPaused(Event):
    """Nothing is applied any more, because of `cause`. The keys that the feed names are still recorded."""

    cause: str


@dataclass(frozen=True, slots=True)
class SteppedBack(Event):
    """The controller of a cutover or a rollback died, or took too long: this run opened again what it had closed."""


@dataclass(frozen=True, slots=True)
class GuardBroken(Event):
    """A guard did not hold for too long after a cutover: `guards` says which, `outcome` what was done."""

    guards: str
    outcome: str


@dataclass(frozen=True, slots=True)
class CutoverStepDone(Event):
    """A step of a cutover has ended after `seconds`. `outcome` says what it did, or begins with `failed`."""

    step: str
    seconds: float
    outcome: str
