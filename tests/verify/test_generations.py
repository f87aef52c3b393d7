"""Every schedule of a small world in which a source is written, a follower applies (sometimes wrongly) and generations
decide: no difference is said that is none, and what is not in a list and was not written later is as it should be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from crossfade.model.positions import Position
from crossfade.verify import generations
from crossfade.verify.generations import Generation

Keys = frozenset[int]
NONE: Keys = frozenset()
WRONG = 9


def who(key: int) -> tuple[str, str]:
    return "e", str(key)


@dataclass(frozen=True)
class World:
    """`log` has the writes: key, value. `doing` is what the verification waits for or does next."""

    log: tuple[tuple[int, int], ...] = ()
    target: tuple[int, ...] = (0, 0)
    named: int = 0
    pending: tuple[tuple[int, int], ...] = ()  # key, number
    applied: Keys = NONE
    suspects: Keys = NONE
    claimed: tuple[int, int | None, int] | None = None  # key, number, value
    numbers: int = 0
    spoiled: Keys = NONE
    faults: int = 0
    others: int = 0
    kills: int = 0
    state: Generation = field(default_factory=partial(generations.begin, whole=True))
    doing: str = "position"
    position: int = 0
    newest: int = 0
    floor: int = 0
    todo: Keys = NONE
    read: tuple[int, int] | None = None
    differing: Keys = NONE
    proven: int = -1
    runs: int = 0
    alarmed: Keys = NONE


@dataclass(frozen=True)
class Bounds:
    writes: int = 2
    faults: int = 1
    others: int = 1
    kills: int = 1
    runs: int = 2
    generations: int = 3
    drains: bool = True
    reaches: bool = True
    asks_changed: bool = True
    floors: bool = True


def value(w: World, key: int, upto: int | None = None) -> int:
    return next((v for k, v in reversed(w.log[:upto]) if k == key), 0)


def steps(w: World, b: Bounds) -> Iterator[World]:
    if len(w.log) < b.writes:
        for key in range(2):
            yield replace(w, log=(*w.log, (key, 1 - value(w, key))))
    if w.named < len(w.log) and (w.claimed is None or w.claimed[0] != w.log[w.named][0]):
        yield named(w, w.log[w.named][0])
    yield from applies(w, b)
    yield from verifies(w, b)


def named(w: World, key: int) -> World:
    """The feed puts a key into the journal, unless its row there is locked by who has claimed it."""
    number, left = w.numbers + 1, tuple(one for one in w.pending if one[0] != key)
    return replace(w, named=w.named + 1, numbers=number, pending=(*left, (key, number)), applied=w.applied - {key})


def applies(w: World, b: Bounds) -> Iterator[World]:
    if w.claimed is None:
        for key, number in w.pending:
            yield replace(w, claimed=(key, number, value(w, key)))
        if w.others < b.others:
            for key in range(2):
                yield replace(w, others=w.others + 1, claimed=(key, None, value(w, key)))
        return
    key, _, seen = w.claimed
    left = tuple(one for one in w.pending if one[0] != key)
    done = replace(w, claimed=None, pending=left, applied=w.applied | {key})
    yield replace(done, target=put(w, key, seen), spoiled=w.spoiled - {key})
    if w.faults < b.faults:
        yield replace(done, target=put(w, key, WRONG), spoiled=w.spoiled | {key}, faults=w.faults + 1)


def put(w: World, key: int, new: int) -> tuple[int, ...]:
    return tuple(new if k == key else old for k, old in enumerate(w.target))


def verifies(w: World, b: Bounds) -> Iterator[World]:
    state, last = w.state, w.state.whole and w.state.number == 1
    if w.doing == "done":
        if w.runs < b.runs and w.proven >= 0:
            yield replace(w, state=generations.begin(whole=False), doing="position", runs=w.runs + 1)
        return
    if w.kills < b.kills and w.proven >= 0:
        yield replace(w, doing="done", kills=w.kills + 1, todo=NONE, read=None, differing=NONE)
    if w.doing == "position" and state.number < b.generations:
        yield replace(w, position=len(w.log), doing="reach")
    elif w.doing == "reach" and (w.named >= w.position or not b.reaches):
        yield judged(w, b, last)
    elif w.doing == "drain" and not (b.drains and any(number <= w.newest for _, number in w.pending)):
        taken, floor = w.suspects | w.applied, w.named if b.floors else 0
        todo = taken if state.is_listed else frozenset(range(2))
        begun = replace(w, doing="compare", applied=NONE, suspects=taken, floor=floor, differing=NONE, todo=todo)
        yield ended(begun)
    elif w.doing == "compare" and w.read is None:
        for key in sorted(w.todo):
            for at in range(w.floor, len(w.log) + 1):
                yield replace(w, todo=w.todo - {key}, read=(key, value(w, key, at)))
    elif w.doing == "compare" and w.read is not None:
        yield compared(w)


def judged(w: World, b: Bounds, is_whole: bool) -> World:
    """The position is reached: what differed is judged, and the next generation begins."""
    changed = w.applied | {key for key, _ in w.pending}
    changed = w.differing if is_whole else changed if b.asks_changed else NONE
    now = generations.fixed(w.state, Position(str(w.position)), {who(key) for key in changed})
    if now.over:
        return over(replace(w, state=now))
    return replace(w, state=now, doing="drain", newest=w.numbers)


def compared(w: World) -> World:
    assert w.read is not None
    key, seen = w.read
    if w.target[key] == seen:
        return ended(replace(w, read=None, suspects=w.suspects - {key}))
    return ended(replace(w, read=None, suspects=w.suspects | {key}, differing=w.differing | {key}))


def ended(w: World) -> World:
    if w.todo or w.read is not None:
        return w
    state = generations.compared(w.state, {who(key) for key in w.differing})
    w = replace(w, state=state)
    return over(w) if state.over else replace(w, doing="position")


def over(w: World) -> World:
    assert w.state.position is not None
    real = frozenset(int(key) for _, key in w.state.real)
    proven = max(w.proven, int(w.state.position.token))
    return replace(w, doing="done", proven=proven, alarmed=w.alarmed | (real - w.spoiled), differing=NONE)


def fault(w: World) -> str | None:
    if w.alarmed:
        return f"{sorted(w.alarmed)} are said to differ"
    if w.proven < 0:
        return None
    known = w.applied | w.suspects | w.todo | w.differing | {key for key, _ in w.log[w.proven :]}
    known |= {w.claimed[0]} if w.claimed is not None and w.claimed[1] is None else set()
    known |= {w.read[0]} if w.read else set()
    for key in range(2):
        if key not in known and w.target[key] != value(w, key):
            return f"equal through {w.proven}, and key {key} is {w.target[key]}, not {value(w, key)}"
    return None


def explore(b: Bounds, most: int = 2_000_000) -> tuple[str | None, int]:
    """Return the first fault, or None, and the number of states."""
    start = World()
    seen, todo = {start}, deque([start])
    while todo:
        w = todo.popleft()
        if (found := fault(w)) is not None:
            return found, len(seen)
        for one in steps(w, b):
            if one not in seen:
                seen.add(one)
                todo.append(one)
        assert len(seen) < most, "the bounds are too wide"
    return None, len(seen)


@pytest.mark.parametrize(
    "b", [Bounds(others=0, runs=1, kills=0), Bounds(writes=1, runs=1, kills=0), Bounds(writes=1, others=0)]
)
def test_no_schedule_deceives(b: Bounds) -> None:
    found, states = explore(b)
    assert (found, states > 1_000) == (None, True)


@pytest.mark.torture
@pytest.mark.parametrize("b", [Bounds(runs=1), Bounds(others=0), Bounds(writes=1, runs=3, generations=4)])
def test_no_larger_schedule_deceives(b: Bounds) -> None:
    assert explore(b, 20_000_000)[0] is None


@pytest.mark.parametrize("rule", ["reaches", "drains", "asks_changed", "floors"])
def test_without_a_rule_some_schedule_deceives(rule: str) -> None:
    assert explore(Bounds(others=0, runs=1, kills=0, **{rule: False}))[0] is not None


def _ended(differing: list[set[int]], moving: set[int]) -> Generation:
    """The end of a verification whose generations found these to differ, all of which changed in between."""
    state = generations.begin(whole=False)
    for found in differing:
        state = generations.fixed(state, Position("p"), state.differing)
        assert not state.over
        state = generations.compared(state, {who(key) for key in found})
    return generations.fixed(state, Position("p"), {who(key) for key in moving})


def test_a_record_that_differs_now_and_then_is_moving() -> None:
    ended = _ended([{1}] * (generations.MOST - 1) + [{2}], {2})
    assert ended.over
    assert ended.moving == {who(2)}
    assert not ended.unsettled


def test_a_record_that_differed_in_each_of_the_last_generations_is_unsettled() -> None:
    since = generations.MOST - generations.LAST
    ended = _ended([{1}] * since + [{1, 2, 3}] + [{2, 3}] * (generations.LAST - 1), {2})
    assert ended.real == {who(3)}
    assert ended.moving == ended.unsettled == {who(2)}
