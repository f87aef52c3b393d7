"""The rehearsals of the cutover: what each found, and which count for its gates."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from crossfade.journal.tables import REHEARSAL
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is

SINCE = 10
"""The version of the journal that has them."""

Kind = Literal["here", "copies"]


@dataclass(frozen=True, slots=True)
class RehearsedStep:
    """A step of a rehearsal; `outcome` says what it did, or why it failed."""

    name: str
    seconds: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`kind`: on the real servers (`here`), or on `copies`. `seconds`: how long neither side would take writes (on
    copies, took none). Without an end it was killed: the target may still be closed, unless it `was_closed` before.
    """

    id: str
    kind: Kind
    token: int
    was_closed: bool
    digest: str
    began_at: str
    ended_at: str | None = None
    green: bool = False
    seconds: float | None = None
    cause: str | None = None
    steps: tuple[RehearsedStep, ...] = ()


def begin(tx: TargetTransaction, kind: Kind, token: int, digest: str, *, was_closed: bool = False) -> str:
    """Note that a rehearsal begins; return its id."""
    row = {"id": uuid.uuid4().hex, "kind": kind, "token": token, "was_closed": int(was_closed)}
    tx.journal.insert(REHEARSAL, [{**row, "digest": digest, "began_at": _now()}])
    return str(row["id"])


def end(
    tx: TargetTransaction, id_: str, steps: Sequence[RehearsedStep], *, seconds: float | None, cause: str | None
) -> None:
    """Note how it ended: green without a `cause`."""
    text = json.dumps([(step.name, round(step.seconds, 3), step.outcome) for step in steps])
    ended = {"ended_at": _now(), "green": int(cause is None), "seconds": seconds, "cause": cause, "steps": text}
    tx.journal.update(REHEARSAL, ended, (Is("id", id_),))


def find_all(tx: TargetTransaction) -> list[Rehearsal]:
    """Return all rehearsals, the oldest first."""
    columns = [column.name for column in REHEARSAL.columns]
    return [
        _rehearsal(dict(zip(columns, row, strict=True)))
        for row in tx.journal.select(REHEARSAL, columns, order=("began_at", "id"))
    ]


def left_behind(tx: TargetTransaction) -> list[Rehearsal]:
    """Return the rehearsals on the real servers that have not ended: they are running, or were killed."""
    return [one for one in find_all(tx) if one.ended_at is None and one.kind == "here"]


def green_in_a_row(found: Sequence[Rehearsal], digest: str) -> list[Rehearsal]:
    """Return the rehearsals with these mappings that ended since the last one that was not green."""
    out = list[Rehearsal]()
    for one in found:
        if one.ended_at is not None and one.digest == digest:
            out = [*out, one] if one.green else []
    return out


def _rehearsal(row: dict[str, Any]) -> Rehearsal:
    steps = tuple(RehearsedStep(*step) for step in json.loads(row["steps"] or "[]"))
    changed = {"was_closed": bool(row["was_closed"]), "green": bool(row["green"]), "steps": steps}
    return Rehearsal(**{**row, **changed})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
