"""The facade of a move: the only place that opens stores and runs a phase. The command line and the dashboard use it.

    survey -> check -> schema apply -> copy (and constraints) -> verify        `run` is all of them
    status, quarantine: at any time

`Move` has a method for each, implemented in its own file here. A method takes a listener for the events of its phase
and returns a value.
"""

from __future__ import annotations

from crossfade.journal.status import EntityStatus, Status
from crossfade.move.facade import Move

__all__ = ["EntityStatus", "Move", "Status"]
