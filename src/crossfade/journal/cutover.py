"""The stage of the cutover, and who may change it: each change is one transaction that locks the row of the controller.

    source -> fencing -> fenced -> target     the source takes writes; it is being closed; it is closed; the target does
                    `-> back -> source        something failed: the source is opened again

    target -> closing -> closed -> opening -> source      a rollback: the target is being closed; it is closed; it is
                    `-> target                            decided, and the source is being opened

`fencing`, `fenced`, `closing` and `closed` say what was intended, not the state of the store: another controller never
continues from there. `opening` is decided: any controller that finds it opens the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from crossfade.errors import Busy
from crossfade.journal.clock import now
from crossfade.journal.numbers import is_of_same_move, next_token
from crossfade.journal.tables import CUTOVER, CUTOVER_STEP
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is

Stage = Literal["source", "fencing", "fenced", "back", "target", "closing", "closed", "opening"]
SOURCE: Stage = "source"
FENCING: Stage = "fencing"
FENCED: Stage = "fenced"
BACK: Stage = "back"
TARGET: Stage = "target"
CLOSING: Stage = "closing"
CLOSED: Stage = "closed"
OPENING: Stage = "opening"
AFTER = (TARGET, CLOSING, CLOSED, OPENING)
"""Stages in which the target may have writes that were not put back into the source."""
UNSETTLED = (FENCING, FENCED, BACK)
UNSETTLED_BACK = (CLOSING, CLOSED, OPENING)
"""Stages that a controller leaves within its time; otherwise it has died."""

SINCE = 9
"""The version of the journal that has a stage."""


class TakenOver(Busy):
    """another controller has taken over the cutover; this one has not changed anything since"""


@dataclass(frozen=True, slots=True)
class CutoverRecord:
    """`until`: the controller has left the stage by then, or is dead. `plan` is the digest of its plan."""

    stage: Stage = SOURCE
    token: int = 0
    until: str = ""
    plan: str = ""
    marker: str | None = None
    cause: str | None = None
    changed_at: str = ""

    @property
    def is_left_behind(self) -> bool:
        """Whether the controller has died, or exceeded its time, before a side was open again."""
        return self.stage in (*UNSETTLED, *UNSETTLED_BACK) and datetime.now().astimezone() > datetime.fromisoformat(
            self.until
        )


NO_CUTOVER = CutoverRecord()


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step without an end was interrupted. `outcome` says what it did, or why it failed."""

    token: int
    number: int
    name: str
    began_at: str
    ended_at: str | None
    seconds: float | None
    outcome: str | None


_COLUMNS = ("stage", "token", "until", "plan", "marker", "cause", "changed_at")
_STEP = ("token", "number", "name", "began_at", "ended_at", "seconds", "outcome")


def find(tx: TargetTransaction) -> CutoverRecord:
    rows = tx.journal.select(CUTOVER, _COLUMNS)
    return CutoverRecord(*rows[0]) if rows else NO_CUTOVER


def take_over(tx: TargetTransaction) -> int:
    """Become the controller: return a token that is greater than all earlier ones (numbers.py). The stage stays as it
    is.
    """
    first = {"id": 1, "stage": SOURCE, "token": 0, "until": now(), "plan": "", "changed_at": now()}
    tx.journal.insert(CUTOVER, [first], keep=True)
    ((token,),) = tx.journal.locked(CUTOVER, ("token",))
    new = next_token(int(token))
    tx.journal.update(CUTOVER, {"token": new})
    return new


def is_ours(tx: TargetTransaction, token: int) -> bool:
    """Return whether a fence's token is that of a controller of this move."""
    return is_of_same_move(token, find(tx).token)


def hold(tx: TargetTransaction) -> CutoverRecord:
    """Lock the stage until the transaction ends, and return it."""
    tx.journal.lock(CUTOVER)
    return find(tx)


def require(tx: TargetTransaction, token: int, *stages: Stage) -> CutoverRecord:
    """Lock the stage until the transaction ends. Raises TakenOver unless it is one of these, with this token."""
    found = hold(tx)
    if found.token != token or found.stage not in stages:
        raise TakenOver()
    return found


def change(tx: TargetTransaction, token: int, stages: tuple[Stage, ...], to: Stage, **values: Any) -> None:
    """Change the stage, which must be one of `stages`. Raises TakenOver as `require` does."""
    require(tx, token, *stages)
    tx.journal.update(CUTOVER, {"stage": to, "changed_at": now(), **values}, (Is("token", token),))


def deadline(seconds: float) -> str:
    """Return the value of `until` for a stage that lasts no longer than this."""
    return (datetime.now().astimezone() + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def begin_step(tx: TargetTransaction, token: int, number: int, name: str) -> None:
    """Note that a step begins. Raises TakenOver if the token is not the last: a controller that has slept does no step
    after another one has gone on.
    """
    if find(tx).token != token:
        raise TakenOver()
    row: Mapping[str, Any] = {"token": token, "number": number, "name": name, "began_at": _moment()}
    tx.journal.insert(CUTOVER_STEP, [{**row, "ended_at": None, "seconds": None, "outcome": None}])


def end_step(tx: TargetTransaction, token: int, number: int, seconds: float, outcome: str) -> None:
    ended = {"ended_at": _moment(), "seconds": seconds, "outcome": outcome}
    tx.journal.update(CUTOVER_STEP, ended, (Is("token", token), Is("number", number)))


def steps(tx: TargetTransaction, token: int) -> list[StepRecord]:
    """Return the steps of a controller, in order."""
    rows = tx.journal.select(CUTOVER_STEP, _STEP, (Is("token", token),), order=("number",))
    return [StepRecord(*row) for row in rows]


def of_name(tx: TargetTransaction, name: str) -> list[StepRecord]:
    """Return the steps of this name of all controllers."""
    return [StepRecord(*row) for row in tx.journal.select(CUTOVER_STEP, _STEP, (Is("name", name),))]


def _moment() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
