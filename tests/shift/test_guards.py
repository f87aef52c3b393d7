"""Guards: what of the data takes the application back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossfade.journal.halted import Halted
from crossfade.journal.status import EntityStatus, FollowStatus, Status
from crossfade.journal.verified import NO_BASE, Proof
from crossfade.model.counts import Counts
from crossfade.model.positions import Position
from crossfade.project import Guards
from crossfade.shift.guards import BrokenFor, guards

FOLLOWED = FollowStatus("following", None, True, "", None, 200, None, None, {}, (), None, 0, None)
ALL = Guards(lag_s=1, quarantine=0.001, differences=True, lost_feed=True)


def proof(verdict: str) -> Proof:
    return Proof("whole", Position("1"), "", "", verdict, 10)


def found(quarantined: int = 0, following: FollowStatus | None = FOLLOWED) -> Status:
    counts = Counts(1000, 1000 - quarantined, quarantined, 0)
    return Status(
        "m", "", "finished", "", (EntityStatus("orders", counts, 1, 1, 1000, {}),), {}, 1.0, following=following
    )


def broken(status: Status, settings: Guards = ALL) -> set[str]:
    return {gate.name.partition(": ")[2] for gate in guards(status, settings) if not gate.holds}


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (found(), set()),
        (found(1), set()),
        (found(2), {"quarantine"}),
        (found(following=None), {"lag", "feed"}),
        (found(following=replace(FOLLOWED, running=False)), {"feed"}),
        (found(following=replace(FOLLOWED, state="lost")), {"feed"}),
        (found(following=replace(FOLLOWED, halted=(Halted("orders", "unseen", "", ""),))), {"feed"}),
        (found(following=replace(FOLLOWED, lag_ms=1001)), {"lag"}),
        (found(following=replace(FOLLOWED, lag_ms=None)), {"lag"}),
        (found(following=replace(FOLLOWED, overdue_ms=801)), {"lag"}),
        (found(following=replace(FOLLOWED, verified=proof("equal_but_quarantined"))), set()),
        (found(following=replace(FOLLOWED, verified=proof("not_equal"))), {"differences"}),
        (found(following=replace(FOLLOWED, verified=proof(NO_BASE))), {"differences"}),
    ],
)
def test_what_is_broken(status: Status, names: set[str]) -> None:
    assert broken(status) == names


def test_none_is_watched_that_is_not_set() -> None:
    assert guards(found(500, None), Guards()) == []


def test_a_moment_that_holds_begins_anew() -> None:
    """One figure that is too much takes nobody back."""
    patience = BrokenFor(10)
    looks = [(True, 0, False), (True, 9, False), (False, 9.5, False), (True, 10, False), (True, 19, False)]
    assert [patience.is_over(broken, now) for broken, now, _ in looks] == [over for *_, over in looks]
    assert patience.is_over(True, 20)


def test_after_a_cutover_what_the_source_cannot_hold_counts() -> None:
    back = replace(FOLLOWED, direction="back", set_aside=(("orders", "precision", "orders.at", 1),))
    assert broken(found(500, back)) == set()
    assert broken(found(0, replace(back, set_aside=(*back.set_aside, ("orders", "no_way_back", "", 1))))) == {
        "quarantine"
    }
