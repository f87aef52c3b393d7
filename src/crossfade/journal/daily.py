"""The runs of `verify --daily`, and how many days in a row were green."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from crossfade.journal.tables import DAILY
from crossfade.stores.contract import TargetTransaction

SINCE = 10
"""The version of the journal that has them."""

Outcome = Literal["green", "red", "failed"]
GREEN: Outcome = "green"
RED: Outcome = "red"
FAILED: Outcome = "failed"


@dataclass(frozen=True, slots=True)
class Daily:
    """A run, with its day by its machine's clock. `failed`: it could not compare."""

    day: str
    ended_at: str
    outcome: Outcome
    said: str


def note(tx: TargetTransaction, day: str, outcome: Outcome, said: str) -> None:
    tx.journal.insert(
        DAILY, [{"id": uuid.uuid4().hex, "day": day, "ended_at": _now(), "outcome": outcome, "said": said}]
    )


def find_all(tx: TargetTransaction) -> list[Daily]:
    """Return all runs, the oldest first."""
    return [
        Daily(*row)
        for row in tx.journal.select(DAILY, ("day", "ended_at", "outcome", "said"), order=("ended_at", "id"))
    ]


def green_days(found: Sequence[Daily], today: date) -> int:
    """Return how many days in a row were green, up to today, or up to yesterday if there was no run today.

    A day is green if it was compared and no run of it found a fault. A day without a run ends the row.
    """
    outcomes: dict[str, set[str]] = {}
    for one in found:
        outcomes.setdefault(one.day, set()).add(one.outcome)
    days, at = 0, today if today.isoformat() in outcomes else today - timedelta(days=1)
    while GREEN in (day := outcomes.get(at.isoformat(), set())) and RED not in day:
        days, at = days + 1, at - timedelta(days=1)
    return days


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
