"""The gates of sessions: who is connected to the source, and what the target still takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from crossfade.journal.status import Status
from crossfade.project import Cutover
from crossfade.shift.gates import Figures, Gate, gates
from crossfade.stores.contract import Sessions

SHOP, JOB = Sessions("shop", "web", 3), Sessions("admin", "psql", 1)


def found(others: Sequence[Sessions] | None, free: int | None, settings: Cutover) -> dict[str, Gate]:
    status = Status("shop", "", "finished", "", (), {}, 1.0)
    figures = Figures(status, None, {}, {}, datetime.now(UTC), others, free)
    return {gate.name: gate for gate in gates(figures, settings)}


@pytest.mark.parametrize(
    ("writers", "others", "holds", "figure"),
    [
        ((), [SHOP, JOB], True, "3 × web of shop, 1 × psql of admin"),
        (("shop",), [SHOP], True, "none"),
        (("we*",), [SHOP, JOB], False, "1 × psql of admin"),
        (("shop",), None, False, "not shown"),
        ((), None, True, "not shown"),
    ],
)
def test_who_else_writes(writers: tuple[str, ...], others: Sequence[Sessions] | None, holds: bool, figure: str) -> None:
    gate = found(others, None, Cutover(writers=writers))["sessions of others with the source"]
    assert (gate.holds, gate.figure) == (holds, figure)


@pytest.mark.parametrize(("free", "holds"), [(9, False), (10, True)])
def test_free_sessions_of_the_target(free: int, holds: bool) -> None:
    assert found([], free, Cutover())["free sessions of the target"].holds is holds


def test_a_file_has_no_sessions() -> None:
    assert "free sessions of the target" not in found([], None, Cutover())
