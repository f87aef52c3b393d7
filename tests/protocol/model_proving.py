"""A model of the verification of a source that is written to: generations, what was applied meanwhile, and verdicts.

Values are bits, so that a record is often again what it was. An apply may be faulty: then the target has a value that
the source never had, and a verification has to find it. Some applies are caused by no change of their own record (it
was woken, evicted, looked up anew). A verification may be killed; suspects and marks are in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from explore import Step

WRONG = 9
NEVER = -1
Keys = frozenset[int]


@dataclass(frozen=True)
class Rules:
    """`position_first`: the verdict names a position from before the reads. `waits_for_feed`, `waits_for_pending`: the
    records of a generation are fixed when the journal has all changes up to that position, and when what was pending
    then is applied. `all_marked`: every apply marks its record. `taken_first`: marks are taken when a generation
    begins, not when a comparison succeeds. `suspects_stay`: who differed is in the next generation. `judged_late`: a
    difference is real only if the changes up to a position after its comparison do not explain it. `behind_journal`:
    the source's reads have seen all that the journal had when the records were fixed; otherwise only the position.
    `whole_keeps`: a whole verification forgets marks when it ends, not when
    it begins.
    """

    position_first: bool = True
    waits_for_feed: bool = True
    waits_for_pending: bool = True
    all_marked: bool = True
    taken_first: bool = True
    suspects_stay: bool = True
    judged_late: bool = True
    behind_journal: bool = True
    whole_keeps: bool = True


@dataclass(frozen=True)
class Bounds:
    keys: int = 2
    writes: int = 2
    faults: int = 1
    others: int = 1
    generations: int = 3
    verifications: int = 2
    kills: int = 1


class Generation(NamedTuple):
    """`stage`: `idle`, `feed` (waits for it), `pending` (waits for those), `compare`, `compared`. `since`: those that
    were put in or applied since the records were fixed, which the journal knows.
    """

    stage: str = "idle"
    number: int = 0
    position: int = 0
    floor: int = 0
    waits: Keys = frozenset()
    todo: Keys = frozenset()
    looked_at: tuple[int, ...] = ()
    differing: Keys = frozenset()
    since: Keys = frozenset()


class S(NamedTuple):
    """`real`: those of which a verification said that they differ; `alarmed`: it was not true. `spoiled`: those of
    which a faulty apply has written the rows. `claimed`: what an open transaction has claimed, with what it has read.
    """

    log: tuple[tuple[int, int], ...]
    target: tuple[int, ...]
    position: int
    pending: Keys
    applied: Keys
    suspects: Keys
    claimed: tuple[int, int] | None
    proven: int
    real: Keys
    alarmed: Keys
    spoiled: Keys
    generation: Generation
    faults: int
    others: int
    verifications: int
    kills: int


class Proving:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    def value(self, s: S, key: int, at: int) -> int:
        return next((value for k, value in reversed(s.log[:at]) if k == key), 0)

    def start(self) -> S:
        none: Keys = frozenset()
        return S(
            (), (0,) * self.b.keys, 0, none, none, none, None, NEVER, none, none, none, Generation(), 0, 0, 0, 0,
        )  # fmt: skip

    def steps(self, s: S) -> Iterator[Step[S]]:
        yield from self._source(s)
        yield from self._follower(s)
        yield from self._verification(s)

    # -- the source and the follower

    def _source(self, s: S) -> Iterator[Step[S]]:
        n = len(s.log)
        if n < self.b.writes:
            for key in range(self.b.keys):
                value = 1 - self.value(s, key, n)
                yield f"write {n + 1}: key {key} is {value}", s._replace(log=(*s.log, (key, value)))
        if s.position < n:
            key = s.log[s.position][0]
            if s.claimed is None or s.claimed[0] != key:
                after = s._replace(position=s.position + 1, pending=s.pending | {key})
                yield f"write {after.position} is journaled (key {key})", self._note(after, key)

    def _note(self, s: S, key: int) -> S:
        return s._replace(generation=s.generation._replace(since=s.generation.since | {key}))

    def _follower(self, s: S) -> Iterator[Step[S]]:
        if s.claimed is not None:
            yield from self._applied(s, *s.claimed)
            return
        for key in sorted(s.pending):
            value = self.value(s, key, len(s.log))
            yield f"key {key} is claimed and read: {value}", s._replace(claimed=(key, value))
        if s.others < self.b.others:
            for key in range(self.b.keys):
                value = self.value(s, key, len(s.log))
                after = s._replace(others=s.others + 1, claimed=(key, value))
                yield f"key {key} is applied because of another: {value}", after

    def _applied(self, s: S, key: int, value: int) -> Iterator[Step[S]]:
        marked = key in s.pending or self.r.all_marked
        done = s._replace(
            claimed=None, pending=s.pending - {key}, applied=s.applied | ({key} if marked else frozenset())
        )
        done = done._replace(generation=s.generation._replace(waits=s.generation.waits - {key}))
        if marked:
            done = self._note(done, key)
        good = (*s.target[:key], value, *s.target[key + 1 :])
        yield f"key {key} is committed: {value}", done._replace(target=good, spoiled=s.spoiled - {key})
        if s.faults < self.b.faults:
            bad = (*s.target[:key], WRONG, *s.target[key + 1 :])
            after = done._replace(target=bad, faults=s.faults + 1, spoiled=s.spoiled | {key})
            yield f"key {key} is committed, WRONG", after

    # -- the verification

    def _verification(self, s: S) -> Iterator[Step[S]]:
        g = s.generation
        if g.stage != "idle" and s.kills < self.b.kills:
            yield "the verification is killed", s._replace(generation=Generation(), kills=s.kills + 1)
        if g.stage == "idle":
            if s.verifications < self.b.verifications:
                yield from self._asked_for(s)
        elif g.stage == "feed":
            if s.position >= g.position or not self.r.waits_for_feed:
                waits = s.pending if self.r.waits_for_pending else frozenset()
                yield "the journal has reached it", s._replace(generation=g._replace(stage="pending", waits=waits))
        elif g.stage == "pending":
            if not g.waits:
                yield self._fixed(s)
        elif g.stage == "compare":
            yield from self._compare(s)
        elif g.number < self.b.generations:
            yield self._next(s, False, g.number + 1)
        else:
            yield "too many generations: no verdict", s._replace(generation=Generation())

    def _asked_for(self, s: S) -> Iterator[Step[S]]:
        s = s._replace(verifications=s.verifications + 1)
        yield self._next(s, True, 0)
        if s.proven != NEVER:
            yield self._next(s, False, 1)

    def _next(self, s: S, whole: bool, number: int) -> Step[S]:
        """A generation begins: its position is now."""
        g = s.generation._replace(stage="feed", number=number, position=len(s.log))
        if whole and not self.r.whole_keeps:
            s = s._replace(applied=frozenset(), suspects=frozenset())
        kind = "a whole verification" if whole else f"generation {number}"
        return f"{kind} begins at {g.position}", s._replace(generation=g)

    def _fixed(self, s: S) -> Step[S]:
        """The records of the generation are fixed, and those that differed in the last are judged."""
        g = s.generation
        real = g.differing - g.since if self.r.judged_late else frozenset[int]()
        is_whole = g.number == 0
        todo = s.suspects | s.applied | g.differing
        after = self._differs(s, real)._replace(suspects=todo - real)
        if self.r.taken_first:
            after = after._replace(applied=frozenset())
        todo = frozenset(range(self.b.keys)) if is_whole else todo - real
        begun = g._replace(
            stage="compare", floor=max(s.position, g.position), todo=todo, differing=frozenset(), since=frozenset()
        )
        return self._ended_if_done(f"its records: {sorted(todo)}", after._replace(generation=begun))

    def _differs(self, s: S, keys: Keys) -> S:
        return s._replace(real=s.real | keys, alarmed=s.alarmed | (keys - s.spoiled))

    def _compare(self, s: S) -> Iterator[Step[S]]:
        g = s.generation
        if not g.looked_at:
            for key in sorted(g.todo):
                floor = g.floor if self.r.behind_journal else g.position
                for value in sorted({self.value(s, key, at) for at in range(floor, len(s.log) + 1)}):
                    looking = g._replace(todo=g.todo - {key}, looked_at=(key, value))
                    yield f"key {key} of the source is read: {value}", s._replace(generation=looking)
            return
        if len(g.looked_at) == 2:
            key, value = g.looked_at
            seen = s.target[key]
            looking = g._replace(looked_at=(key, value, seen))
            yield f"key {key} of the target is read: {seen}", s._replace(generation=looking)
        else:
            yield self._noted(s, *g.looked_at)

    def _noted(self, s: S, key: int, value: int, seen: int) -> Step[S]:
        g = s.generation._replace(looked_at=())
        if seen == value:
            after = s._replace(generation=g, suspects=s.suspects - {key})
            if not self.r.taken_first:
                after = after._replace(applied=after.applied - {key})
            return self._ended_if_done(f"key {key} is noted as equal", after)
        after = s._replace(generation=g._replace(differing=g.differing | {key}))
        if not self.r.suspects_stay:
            after = after._replace(suspects=after.suspects - {key})
        if not self.r.judged_late:
            after = self._differs(after, frozenset({key}))
        return self._ended_if_done(f"key {key} is noted as differing", after)

    def _ended_if_done(self, label: str, s: S) -> Step[S]:
        g = s.generation
        if g.stage != "compare" or g.todo or g.looked_at:
            return label, s
        if g.number == 0 or g.differing:
            return label, s._replace(generation=g._replace(stage="compared"))
        through = g.position if self.r.position_first else len(s.log)
        said = f"{label}; verdict: equal through {through}{' but for ' + str(sorted(s.real)) if s.real else ''}"
        return said, s._replace(generation=Generation(), proven=max(s.proven, through))

    # -- what must hold

    def fault(self, s: S) -> str | None:
        n = len(s.log)
        if s.alarmed:
            return f"{sorted(s.alarmed)} are said to differ, and did not"
        if s.proven == NEVER:
            return None
        moving = s.pending | s.applied | s.suspects | s.real | s.generation.todo | s.generation.differing
        moving |= {key for key, _ in s.log[s.proven :]} | ({s.claimed[0]} if s.claimed else set())
        moving |= set(s.generation.looked_at[:1])
        for key in range(self.b.keys):
            there, wanted = s.target[key], self.value(s, key, n)
            if key not in moving and there != wanted:
                return f"equal through {s.proven}, and nobody moves key {key}: {there}, not {wanted}"
        return None

    def is_goal(self, s: S) -> bool:
        return s.generation.stage == "idle" and s.position == len(s.log) and not s.pending and not s.claimed
