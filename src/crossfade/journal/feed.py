"""The feed of a source that is followed, one row: the position up to which its keys are in the journal, and its state.

`advance` has one caller at a time, which also puts the keys into the journal, in the same transaction. The controller
reports here and not in `run`, whose row its transactions lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from crossfade.journal.clock import now
from crossfade.journal.numbers import next_number
from crossfade.journal.tables import FEED, VERIFIED
from crossfade.model.positions import Floor, Position
from crossfade.stores.contract import TargetTransaction

State = Literal["copying", "following", "polling", "paused", "stopped", "lost"]
"""`polling`: it has no feed (passes.py). `paused`: it stopped by itself, `cause` says why. `lost`: the source no longer
has the changes after `position`.
"""

Direction = Literal["forward", "back"]
FORWARD: Direction = "forward"
BACK: Direction = "back"


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """`floor` includes all floors of the keys in the journal. `lag_ms` was proven at `heartbeat_at`; `seen_at` is when
    the controller was last alive.
    """

    name: str
    position: Position
    floor: Floor
    state: State
    cause: str | None
    stop_wanted: bool
    seen_at: str | None
    lag_ms: int | None
    heartbeat_at: str | None
    backlog: int | None
    started_at: str
    throttled: str | None
    direction: Direction = FORWARD
    writer: int = 0

    @property
    def overdue_ms(self) -> int:
        """For how long the controller has been alive and proven no later lag, although it writes a mark every second; 0
        up to OVERDUE.
        """
        if self.seen_at is None or self.heartbeat_at is None:
            return 0
        since = datetime.fromisoformat(self.seen_at) - datetime.fromisoformat(self.heartbeat_at)
        return round(since / timedelta(milliseconds=1)) if since > timedelta(seconds=OVERDUE) else 0

    @property
    def is_back(self) -> bool:
        """Whether it is the target's feed: the application writes there."""
        return self.direction == BACK

    @property
    def is_running(self) -> bool:
        """Return whether a controller was alive a moment ago."""
        if self.seen_at is None:
            return False
        return datetime.now().astimezone() - datetime.fromisoformat(self.seen_at) < timedelta(seconds=ALIVE)


SINCE = 8
"""The version of the journal that has a feed."""

OVERDUE = 5.0
"""Seconds after which the next mark should have been proven."""

ALIVE = 15.0
"""Seconds after which a controller that has not reported counts as dead."""

_COLUMNS = (
    "name",
    "position",
    "position_at",
    "floor",
    "state",
    "cause",
    "stop_wanted",
    "seen_at",
    "lag_ms",
    "heartbeat_at",
    "backlog",
    "started_at",
    "throttled",
    "direction",
    "writer",
)


def begin(tx: TargetTransaction, name: str, position: Position, floor: Floor, state: State) -> None:
    """Record the feed, in place of an earlier one, whose verifications no longer count."""
    for table in (FEED, VERIFIED):
        tx.journal.delete(table)
    row = {"id": 1, "name": name, **_place(position, floor), "state": state, "stop_wanted": 0, "started_at": now()}
    tx.journal.insert(FEED, [row])


def turn(
    tx: TargetTransaction, name: str, position: Position, floor: Floor, direction: Direction, state: State
) -> None:
    """Record the feed of the other direction in place of this one. Verifications stay, as evidence."""
    row = {"name": name, **_place(position, floor), "state": state, "direction": direction, "started_at": now()}
    tx.journal.update(FEED, {**row, "cause": None, "seen_at": None, **_NOTHING_TOLD})


_NOTHING_TOLD = {"lag_ms": None, "heartbeat_at": None, "backlog": None, "throttled": None, "stop_wanted": 0}


def next_writer(tx: TargetTransaction) -> int:
    """Return a number for a run that writes back, greater than those of earlier ones (numbers.py)."""
    ((last,),) = tx.journal.locked(FEED, ("writer",))
    number = next_number(int(last))
    tx.journal.update(FEED, {"writer": number})
    return number


def find(tx: TargetTransaction) -> FeedRecord | None:
    rows = tx.journal.select(FEED, _COLUMNS)
    if not rows:
        return None
    name, token, at, floor, state, cause, stop, seen, lag, heartbeat, backlog, started, *rest = rows[0]
    position = Position(token, None if at is None else datetime.fromisoformat(at))
    told = (seen, lag, heartbeat, backlog, started, *rest)
    return FeedRecord(name, position, Floor(floor), state, cause, bool(stop), *told)


def advance(tx: TargetTransaction, position: Position, floor: Floor) -> None:
    """Note that all keys up to `position` are in the journal."""
    tx.journal.update(FEED, _place(position, floor))


def set_state(tx: TargetTransaction, state: State, cause: str | None = None) -> None:
    gone = {"backlog": None} if state == "lost" else {}
    tx.journal.update(FEED, {"state": state, "cause": cause, **gone})


def go_over(tx: TargetTransaction, before: State, state: State, cause: str | None = None) -> bool:
    """Set the state if it is `before`. No other transaction can change it until this one ends."""
    found = tx.journal.locked(FEED, ("state",)) == [(before,)]
    if found:
        set_state(tx, state, cause)
    return found


def want_stop(tx: TargetTransaction, wanted: bool = True) -> None:
    """Ask the controller to stop. It checks once a second."""
    tx.journal.update(FEED, {"stop_wanted": int(wanted)})


def tell(
    tx: TargetTransaction, *, backlog: int | None = None, lag_ms: int | None = None, throttled: str | None = None
) -> None:
    """Record that the controller is alive, a lag that was just proven, and why nothing is applied now."""
    seen = datetime.now().astimezone().isoformat(timespec="milliseconds")
    proven = {} if lag_ms is None else {"lag_ms": lag_ms, "heartbeat_at": seen}
    tx.journal.update(FEED, {"seen_at": seen, "backlog": backlog, "throttled": throttled, **proven})


def leave(tx: TargetTransaction, cause: str | None = None) -> None:
    """Note that the controller has ended; `cause` is the error that ended it, if any."""
    record = find(tx)
    if record is not None:
        ended = {"state": "stopped", "cause": cause} if record.state in ("copying", "following", "polling") else {}
        tx.journal.update(FEED, {**ended, "seen_at": None, "stop_wanted": 0, "throttled": None})


def forget(tx: TargetTransaction) -> None:
    tx.journal.delete(FEED)


def _place(position: Position, floor: Floor) -> dict[str, str | None]:
    at = None if position.at is None else position.at.isoformat()
    return {"position": position.token, "position_at": at, "floor": floor.token}
