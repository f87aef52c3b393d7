"""Limits of a cutover that a busy machine keeps, and a controller whose time is over without anybody waiting for it."""

from __future__ import annotations

from crossfade.journal import cutover
from crossfade.journal.tables import CUTOVER
from crossfade.move import Move

PATIENT = "lag_s = 120\nfence_s = 30\nrefused_s = 120\n"


def time_is_over(move: Move) -> None:
    """Let the controller have died, or slept, until after its limits."""
    with move.context.transaction() as tx:
        tx.journal.update(CUTOVER, {"until": cutover.deadline(-1)})
