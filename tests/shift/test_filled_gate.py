"""The gate of what could not be filled: the application could not read it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crossfade.journal.status import Status
from crossfade.project import Cutover
from crossfade.shift.gates import Figures, gates


@pytest.mark.parametrize(("unfilled", "holds"), [((), {}), (("materialized view m",), {"materialized view m": False})])
def test_a_view_without_data_keeps_the_target_closed(unfilled: tuple[str, ...], holds: dict[str, bool]) -> None:
    status = Status("shop", "", "finished", "", (), {}, 1.0, unfilled=unfilled)
    found = gates(Figures(status, None, {}, {}, datetime.now(UTC)), Cutover())
    assert {gate.figure: gate.holds for gate in found if gate.name == "without data"} == holds
