"""The models of following, quarantine, verification and cutover: with all rules nothing is lost, without any one of
them something is. docs/model.md says what the rules are.
"""

from __future__ import annotations

from typing import Any

import model_cutover as cutover
import model_following as following
import model_groups as groups
import model_placing as placing
import model_proving as proving
import model_returning as returning
import placing_values
import pytest
from explore import Explored, explore
from model_cutover import Rules as C
from model_following import Rules as F
from model_groups import Rules as G
from model_proving import Rules as V
from model_returning import Rules as B
from placing_values import Rules as P

FOLLOWING, PLACING, PROVING, CUTOVER, RETURNING, GROUPS = F(), P(), V(), C(), B(), G()


def followed(
    rules: F = FOLLOWING, *, goal: bool = True, limit: int = 5_000_000, **bounds: int
) -> Explored[following.S]:
    return explore(following.Following(rules, following.Bounds(**bounds)), goal=goal, limit=limit)


def placed(rules: P = PLACING, *, limit: int = 5_000_000, **bounds: Any) -> Explored[placing_values.S]:
    return explore(placing.Placing(rules, placing_values.Bounds(**bounds)), limit=limit)


def proven(rules: V = PROVING, *, limit: int = 5_000_000, **bounds: Any) -> Explored[proving.S]:
    return explore(proving.Proving(rules, proving.Bounds(**bounds)), limit=limit)


def shifted(rules: C = CUTOVER, *, limit: int = 5_000_000, **bounds: Any) -> Explored[cutover.S]:
    return explore(cutover.Cutover(rules, cutover.Bounds(**bounds)), limit=limit)


def put_back(rules: B = RETURNING, *, limit: int = 5_000_000, **bounds: int) -> Explored[returning.S]:
    return explore(returning.Returning(rules, returning.Bounds(**bounds)), limit=limit)


def by_groups(rules: G = GROUPS, *, limit: int = 5_000_000, **bounds: int) -> Explored[groups.S]:
    return explore(groups.Groups(rules, groups.Bounds(**bounds)), limit=limit)


SOME = 600_000
"""States of a model that has many more: the shortest schedules."""


def require_sound(found: Explored[Any]) -> None:
    assert found.fault is None, str(found)
    assert found.whole, str(found)


LIVE = {"keys": 1, "writes": 2, "workers": 1, "controllers": 2, "kills": 0, "take_overs": 1}
LOST = {"keys": 1, "writes": 2, "workers": 1, "losses": 1}

WITHOUT_FOLLOWING = {
    "keys are not claimed by number": (F(claimed_by_number=False), {"keys": 1, "workers": 1, "kills": 0}),
    "the floor is read before the numbers": (F(floor="early"), {"keys": 1, "workers": 1, "kills": 0}),
    "reads have no floor": (F(floor="none"), {"keys": 1, "workers": 1, "kills": 0}),
    "the lease is only looked at": (F(lease="read"), LIVE),
    "keys do not wait for the copy": (F(hold=False), {"keys": 1, "writes": 1, "kills": 0}),
    "a chunk can be loaded twice": (F(unique_chunks=False, lease="none"), LIVE),
    "keys are committed after their position": (F(keys_with_position=False), {"keys": 1, "writes": 1, "workers": 1}),
    "the position is taken after the copy": (F(position_before_copy=False), {"keys": 1, "workers": 1, "kills": 0}),
    "a lost position goes on from now": (F(loss_is_noted=False), LOST),
    "a loss is forgotten with its new position": (F(loss_stays_noted=False), LOST),
    "what was lost is compared before the new position": (F(position_before_comparison=False), LOST),
    "others apply while a lost range is compared": (
        F(quiet=False),
        {"keys": 1, "writes": 2, "workers": 2, "kills": 0, "losses": 1},
    ),
}


@pytest.mark.parametrize(("rules", "bounds"), WITHOUT_FOLLOWING.values(), ids=WITHOUT_FOLLOWING)
def test_following_without(rules: F, bounds: dict[str, Any]) -> None:
    assert followed(rules, **bounds).fault is not None


def test_following() -> None:
    require_sound(followed(keys=2, writes=2, workers=2))
    require_sound(followed(keys=1, writes=2, workers=2, losses=1))
    require_sound(followed(keys=1, writes=2, workers=1, controllers=2, take_overs=1))


COPIED = {"writes": 2, "copies": False}

WITHOUT_PLACING = {
    "quarantine is not exclusive": (P(exclusive=False), {"writes": 2, "copies": False, "empty": True}),
    "the old rows stay": (P(old_rows_leave=False), COPIED),
    "dependants stay": (P(dependants_leave=False), {"writes": 1, "copies": False, "appliers": 1}),
    "dependants are not read": (P(reread=False), COPIED),
    "a parent wakes nobody": (P(parent_wakes=False), COPIED),
    "a value that is free wakes nobody": (P(free_value_wakes=False), COPIED),
    "who leaves with its parent wakes nobody": (P(leaving_wakes=False), COPIED),
    "entries of the copy are never woken": (P(unknown_woken=False), {"writes": 2}),
    "lookups are expanded by the ledger alone": (P(query=False), COPIED),
    "lookups are expanded by a query alone": (P(ledger=False), COPIED),
    "an expansion does not wait": (P(expansion_waits=False), COPIED),
    "keys do not wait for the copy": (P(copy_first=False), {"writes": 1}),
}


@pytest.mark.parametrize(("rules", "bounds"), WITHOUT_PLACING.values(), ids=WITHOUT_PLACING)
def test_placing_without(rules: P, bounds: dict[str, Any]) -> None:
    assert placed(rules, **bounds).fault is not None


def test_placing() -> None:
    require_sound(placed(writes=2, copies=False))
    require_sound(placed(writes=1))


ONE = {"keys": 1, "writes": 1, "kills": 0}
AGAIN = {"keys": 1, "writes": 1, "kills": 1, "verifications": 3}

WITHOUT_PROVING = {
    "the verdict names a position after the reads": (V(position_first=False), ONE),
    "a generation does not wait for the feed": (V(waits_for_feed=False), ONE),
    "a generation does not wait for what is pending": (V(waits_for_pending=False), ONE),
    "only what the feed named is marked": (V(all_marked=False), ONE),
    "marks are taken when a comparison succeeds": (V(taken_first=False), ONE),
    "suspects are forgotten": (V(suspects_stay=False), AGAIN),
    "differences are judged at once": (V(judged_late=False), ONE),
    "reads are only behind the position": (V(behind_journal=False), ONE),
    "a whole verification forgets marks when it begins": (V(whole_keeps=False), AGAIN),
}


@pytest.mark.parametrize(("rules", "bounds"), WITHOUT_PROVING.values(), ids=WITHOUT_PROVING)
def test_proving_without(rules: V, bounds: dict[str, Any]) -> None:
    assert proven(rules, **bounds).fault is not None


def test_proving() -> None:
    require_sound(proven(keys=1, writes=2, others=1, kills=1))


ALONE = {"kills": 0, "take_overs": 0}
TWICE = {"cutovers": 2, "timeouts": 2}

WITHOUT_CUTOVER = {
    "the fence does not wait": (C(fence_waits=False), {}),
    "the source takes commands of old tokens": (C(guarded=False), {**TWICE, "kills": 0}),
    "a command that timed out stays": (C(kills_own=False, numbered=False), {**ALONE, **TWICE}),
    "the target opens by a command of its own": (C(opens_in_decision=False), {}),
    "a step back does not ask the journal": (C(asks_journal=False), {}),
    "the reverse feed comes after the target opens": (C(feed_before=False), {}),
    "a take-over leaves transactions of the reverse": (C(guarded_rows=False), {}),
    "a stray fence stays": (C(lifts_stray=False, guarded=False, kills_own=False), ALONE),
    "a rollback does not wait for transactions": (C(close_waits=False), {}),
    "the stage is not locked": (C(stage_locked=False), {"forward": 1}),
    "a controller completes what another one fenced": (C(again=False), {"alone": True}),
    "a rollback lifts the fence before it is decided": (C(decided_first=False), {}),
    "the source opens without a feed": (C(forward_feed=False), {"writes": 2}),
}


@pytest.mark.parametrize(("rules", "bounds"), WITHOUT_CUTOVER.values(), ids=WITHOUT_CUTOVER)
def test_cutover_without(rules: C, bounds: dict[str, Any]) -> None:
    assert shifted(rules, **bounds).fault is not None


def test_cutover() -> None:
    require_sound(shifted())
    require_sound(shifted(C(numbered=False), alone=True))
    require_sound(shifted(C(guarded=False, kills_own=False), **ALONE))


WITHOUT_RETURNING = {
    "keys are not cleared by number": B(by_number=False),
    "the rows are read before the number": B(number_first=False),
    "keys are cleared before the write is durable": B(clears_after=False),
    "keys are put in after their position": B(one_transaction=False),
    "the source takes transactions of older runs": B(guarded=False),
    "a rollback takes no number": B(guards_at_last=False),
    "a rollback does not drain": B(drains=False),
}


@pytest.mark.parametrize("rules", WITHOUT_RETURNING.values(), ids=WITHOUT_RETURNING)
def test_returning_without(rules: B) -> None:
    assert put_back(rules).fault is not None


def test_returning() -> None:
    require_sound(put_back())


WITHOUT_GROUPS = {
    "a fence closes the tables of all groups": G(closes_own=False),
    "a fence opens the tables of all groups": G(opens_own=False),
    "all groups are followed in one direction": G(follows_own=False),
    "all groups have one feed": G(feeds_own=False),
    "the others are not closed in the target": G(rest_closed=False),
    "a reference crosses the border": G(no_crossing=False),
}


@pytest.mark.parametrize("rules", WITHOUT_GROUPS.values(), ids=WITHOUT_GROUPS)
def test_groups_without(rules: G) -> None:
    assert by_groups(rules).fault is not None


def test_groups() -> None:
    require_sound(by_groups())


@pytest.mark.torture
def test_groups_further() -> None:
    assert by_groups(writes=2, newer=2, cutovers=2, rollbacks=2, kills=2, limit=SOME).fault is None


@pytest.mark.torture
def test_returning_further() -> None:
    require_sound(put_back(writes=3, kills=2, take_overs=1))
    require_sound(put_back(writes=4, kills=1, take_overs=1))
    assert put_back(writes=4, kills=2, take_overs=2, limit=SOME).fault is None


@pytest.mark.torture
def test_following_further() -> None:
    require_sound(followed(keys=2, writes=3, workers=2))
    require_sound(followed(keys=2, writes=2, workers=2, losses=1))
    require_sound(followed(keys=2, writes=2, workers=2, controllers=2, take_overs=1))
    require_sound(followed(keys=1, writes=3, workers=3, controllers=2, kills=1, take_overs=1))


@pytest.mark.torture
def test_placing_further() -> None:
    require_sound(placed(writes=3))
    require_sound(placed(writes=3, copies=False, empty=True))
    assert placed(writes=4, copies=False, limit=SOME).fault is None


@pytest.mark.torture
def test_proving_further() -> None:
    require_sound(proven(keys=2, writes=2, kills=0, verifications=1))
    require_sound(proven(keys=1, writes=2, faults=2, others=2, kills=1, verifications=2))
    require_sound(proven(keys=2, writes=2, kills=1, verifications=2))


@pytest.mark.torture
def test_cutover_further() -> None:
    require_sound(shifted(forward=1))
    require_sound(shifted(cutovers=2, timeouts=2))
    require_sound(shifted(C(numbered=False), cutovers=2, timeouts=2, alone=True))
    require_sound(shifted(writes=2, newer=2, kills=0))
