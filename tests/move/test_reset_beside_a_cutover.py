"""A reset opens both sides. A cutover that still believes that the source is closed opens nothing after it."""

from __future__ import annotations

import pytest
from memory_cutover import Live, proven

from crossfade.journal import cutover as stages
from crossfade.journal.cutover import FENCED, SOURCE, TARGET, TakenOver
from crossfade.move import cutting_back
from crossfade.move.context import Context


def test_a_cutover_that_is_under_way_does_not_decide(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    with proven(live):
        pass
    with live.move() as move, move.context.transaction() as tx:
        token = stages.take_over(tx)
        stages.change(tx, token, (SOURCE,), FENCED, until=stages.deadline(60))
    remove, refused = cutting_back.remove_fences, list[int]()

    def decides(context: Context) -> None:
        with live.move() as other, other.context.transaction() as tx:
            with pytest.raises(TakenOver):
                stages.change(tx, token, (FENCED,), TARGET)
            refused.append(token)
        remove(context)

    monkeypatch.setattr(cutting_back, "remove_fences", decides)
    with live.move() as move:
        move.reset()
    assert refused == [token]
