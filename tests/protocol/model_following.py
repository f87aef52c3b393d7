"""A model of copying and following: reads that may be old, coalesced keys, workers side by side, kills, take-overs, and
a position that is lost.

A version of a key is the number of its last write (0: as it was at first). The target has, for each key, the version
that was read when its rows were written. A state is small because every transaction is two or three steps: what it has
read, and its commit. `Rules` are what the code has to keep; without any of them there is a schedule that goes wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from explore import Step

NONE, CLASH = -1, -2
APPLIED = -1
GONE, FIRST, SECOND = 0, 1, 2
"""Values of a record; the first is what it has at the beginning."""


@dataclass(frozen=True)
class Rules:
    """`floor`: keys are read behind the floor that is read together with their numbers; `early`: behind one that was
    read before; `none`: behind none. `lease`: each transaction locks the row of the run until its end; `read`: it only
    looks at it. `hold`: keys wait until the copy is done. `quiet`: while a lost range is compared nobody applies.
    """

    claimed_by_number: bool = True
    floor: Literal["together", "early", "none"] = "together"
    lease: Literal["locked", "read", "none"] = "locked"
    hold: bool = True
    unique_chunks: bool = True
    keys_with_position: bool = True
    position_before_copy: bool = True
    loss_is_noted: bool = True
    loss_stays_noted: bool = True
    position_before_comparison: bool = True
    quiet: bool = True


@dataclass(frozen=True)
class Bounds:
    keys: int = 2
    writes: int = 2
    workers: int = 2
    controllers: int = 1
    kills: int = 1
    take_overs: int = 0
    losses: int = 0


class Job(NamedTuple):
    """What a worker is at: `load` of a chunk; `apply` of a key (taken, claimed, read); `compare` of a key."""

    what: str
    key: int
    number: int = 0
    floor: int = 0
    seen: int = NONE


class Controller(NamedTuple):
    """`token` 0: it does not run. `at` is where its feed is; `keys` have been journaled without their position."""

    token: int = 0
    at: int = 0
    feeding: Job | None = None
    new_position: int = NONE
    jobs: tuple[Job | None, ...] = ()


class S(NamedTuple):
    log: tuple[tuple[int, int], ...]
    kept_from: int
    target: tuple[int, ...]
    chunks: tuple[bool, ...]
    puts: tuple[int, ...]
    dirty: tuple[int, ...]
    started: bool
    position: int
    floor: int
    first_floor: int
    lost: bool
    compared: tuple[bool, ...]
    token: int
    kills: int
    take_overs: int
    losses: int
    controllers: tuple[Controller, ...]


def put_in(values: tuple, at: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:at], value, *values[at + 1 :])


class Following:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    # -- the source

    def version(self, s: S, key: int, at: int) -> int:
        return max((n for n, (k, _) in enumerate(s.log[:at], 1) if k == key), default=0)

    def value(self, s: S, version: int) -> int:
        return FIRST if version == 0 else GONE if version < 0 else s.log[version - 1][1]

    def _versions(self, s: S, key: int, floor: int) -> list[int]:
        """What a read may see that has seen `floor`."""
        return sorted({self.version(s, key, at) for at in range(floor, len(s.log) + 1)})

    def start(self) -> S:
        n = self.b.keys
        idle = Controller(jobs=(None,) * self.b.workers)
        return S(
            log=(), kept_from=0, target=(NONE,) * n, chunks=(False,) * n, puts=(0,) * n, dirty=(0,) * n, started=False,
            position=0, floor=0, first_floor=0, lost=False, compared=(True,) * n, token=0, kills=0, take_overs=0,
            losses=0, controllers=(idle,) * self.b.controllers,
        )  # fmt: skip

    def steps(self, s: S) -> Iterator[Step[S]]:
        yield from self._source(s)
        for i, c in enumerate(s.controllers):
            if c.token == 0:
                yield from self._take(s, i)
                continue
            if s.kills < self.b.kills:
                yield f"{_name(i)} is killed", self._set(s._replace(kills=s.kills + 1), i, self._idle())
            if c.token != s.token and not any(c.jobs) and c.feeding is None:
                yield f"{_name(i)} sees that another one runs, and stops", self._set(s, i, self._idle())
            yield from self._feed(s, i, c)
            yield from self._lost(s, i, c)
            for place, job in enumerate(c.jobs):
                yield from self._begin(s, i, c, place) if job is None else self._go_on(s, i, c, place, job)

    def _source(self, s: S) -> Iterator[Step[S]]:
        n = len(s.log)
        if n < self.b.writes:
            for key in range(self.b.keys):
                now = self.value(s, self.version(s, key, n))
                for value in (GONE, FIRST, SECOND):
                    if value != now and (value or now):
                        yield f"write {n + 1}: key {key} is {_VALUES[value]}", s._replace(log=(*s.log, (key, value)))
        if s.losses < self.b.losses and s.kept_from < n and s.started:
            yield f"the source forgets its writes up to {n}", s._replace(kept_from=n, losses=s.losses + 1)

    # -- controllers

    def _idle(self) -> Controller:
        return Controller(jobs=(None,) * self.b.workers)

    def _set(self, s: S, i: int, c: Controller) -> S:
        return s._replace(controllers=put_in(s.controllers, i, c))

    def _take(self, s: S, i: int) -> Iterator[Step[S]]:
        """It takes the lease; with the lock, open transactions of others are ended first."""
        live = any(c.token and c.token == s.token for c in s.controllers)
        if live and s.take_overs >= self.b.take_overs:
            return
        if s.token and s.kills + s.take_overs >= self.b.kills + self.b.take_overs and live:
            return
        others = s.controllers
        if self.r.lease == "locked":
            others = tuple(c._replace(feeding=None, jobs=(None,) * self.b.workers) for c in others)
        after = s._replace(token=s.token + 1, take_overs=s.take_overs + live, controllers=others)
        mine = self._idle()._replace(token=s.token + 1, at=s.position)
        if not s.started:
            n = len(s.log)
            position = n if self.r.position_before_copy else NONE
            after = after._replace(started=True, position=position, floor=n, first_floor=n)
            mine = mine._replace(at=position)
            yield f"{_name(i)} starts at {n}", self._set(after, i, mine)
        else:
            yield f"{_name(i)} goes on from {s.position}", self._set(after, i, mine)

    def _may_begin(self, s: S, c: Controller) -> bool:
        return self.r.lease == "none" or c.token == s.token

    def _may_commit(self, s: S, c: Controller) -> bool:
        return self.r.lease != "locked" or c.token == s.token

    # -- the feed

    def _feed(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        n = len(s.log)
        if c.at == NONE:  # the position that should have been taken before
            if all(s.chunks) and self._may_begin(s, c):
                yield f"{_name(i)}: the position is {n}", self._set(s._replace(position=n), i, c._replace(at=n))
            return
        if c.feeding is not None:
            key = c.feeding.key
            if self._may_commit(s, c) and not self._locked(s, key):
                yield from self._journal(s, i, c, c.feeding)
        elif c.at < n and c.at >= s.kept_from and self._may_begin(s, c) and not self._is_stopped(s, c):
            job = Job("feed", s.log[c.at][0], c.at + 1)
            yield f"{_name(i)}: write {c.at + 1} is delivered (key {job.key})", self._set(s, i, c._replace(feeding=job))

    def _is_stopped(self, s: S, c: Controller) -> bool:
        return s.lost and c.new_position == NONE

    def _journal(self, s: S, i: int, c: Controller, job: Job) -> Iterator[Step[S]]:
        done = self._set(s, i, c._replace(feeding=None, at=job.number))
        there = done._replace(position=job.number, floor=max(s.floor, job.number))
        if self.r.keys_with_position:
            yield f"{_name(i)} commits key {job.key} and position {job.number}", self._put(there, job.key)
        elif s.position < job.number:
            step = self._set(there, i, c)
            yield f"{_name(i)} commits position {job.number}", step
        else:
            yield f"{_name(i)} commits key {job.key}", self._put(done, job.key)

    def _put(self, s: S, key: int) -> S:
        number = s.puts[key] + 1
        return s._replace(puts=put_in(s.puts, key, number), dirty=put_in(s.dirty, key, number))

    def _locked(self, s: S, key: int) -> bool:
        """Whether an open transaction has claimed the key."""
        return any(j and j.what in ("claimed", "read") and j.key == key for c in s.controllers for j in c.jobs)

    # -- a position that is lost

    def _lost(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        n = len(s.log)
        if c.at != NONE and c.at < s.kept_from and c.feeding is None and not s.lost and self._may_begin(s, c):
            if self.r.loss_is_noted:
                stopped = s._replace(lost=True, compared=(False,) * self.b.keys)
                yield f"{_name(i)}: the position {c.at} is lost, which is noted", stopped
            else:
                yield f"{_name(i)}: goes on from now", self._set(s._replace(position=n, floor=n), i, c._replace(at=n))
        if s.lost and c.new_position == NONE and c.token == s.token and self._is_quiet(s):
            after = s._replace(compared=(False,) * self.b.keys)
            if self.r.position_before_comparison:
                after = after._replace(position=n, floor=n)
            if not self.r.loss_stays_noted:
                after = after._replace(lost=False)
            yield (
                f"{_name(i)}: a new position, {n}; all is compared",
                self._set(after, i, c._replace(at=n, new_position=n)),
            )
        if c.new_position != NONE and all(s.compared) and c.token == s.token:
            after = s._replace(lost=False)
            if not self.r.position_before_comparison:
                after = after._replace(position=n, floor=n)
                c = c._replace(at=n)
            yield f"{_name(i)}: all is compared", self._set(after, i, c._replace(new_position=NONE))

    def _is_quiet(self, s: S) -> bool:
        return not self.r.quiet or not any(job for c in s.controllers for job in c.jobs)

    # -- workers

    def _begin(self, s: S, i: int, c: Controller, place: int) -> Iterator[Step[S]]:
        if (place and c.jobs[place - 1] is None) or not self._may_begin(s, c):
            return
        for key in range(self.b.keys):
            if not s.chunks[key] and not any(j and j.what == "load" and j.key == key for j in c.jobs):
                for seen in self._versions(s, key, s.first_floor):
                    job = Job("load", key, seen=seen)
                    yield f"{_name(i)}{place} reads chunk {key} as of {seen}", self._job(s, i, place, job)
            if s.dirty[key] > 0 and self._may_apply(s, c):
                yield from self._taken(s, i, place, key)
            if c.new_position != NONE and s.chunks[key] and not s.compared[key]:
                for seen in self._versions(s, key, c.new_position):
                    job = Job("compare", key, seen=seen)
                    yield f"{_name(i)}{place} compares key {key}: source as of {seen}", self._job(s, i, place, job)

    def _may_apply(self, s: S, c: Controller) -> bool:
        comparing = s.lost or c.new_position != NONE
        return (all(s.chunks) or not self.r.hold) and not (comparing and self.r.quiet)

    def _taken(self, s: S, i: int, place: int, key: int) -> Iterator[Step[S]]:
        floors = {"together": [s.floor], "none": [0], "early": range(s.first_floor, s.floor + 1)}[self.r.floor]
        for floor in floors:
            job = Job("taken", key, s.dirty[key], floor)
            yield f"{_name(i)}{place} takes key {key}, number {job.number}, floor {floor}", self._job(s, i, place, job)

    def _job(self, s: S, i: int, place: int, job: Job | None) -> S:
        c = s.controllers[i]
        return self._set(s, i, c._replace(jobs=put_in(c.jobs, place, job)))

    def _go_on(self, s: S, i: int, c: Controller, place: int, job: Job) -> Iterator[Step[S]]:
        who, key = f"{_name(i)}{place}", job.key
        if job.what == "taken":
            if not self._may_begin(s, c):
                yield f"{who} sees that another one runs", self._job(s, i, place, None)
            elif self.r.claimed_by_number and s.dirty[key] != job.number:
                yield f"{who}: key {key} was put in again, it is left", self._job(s, i, place, None)
            elif not self._locked(s, key):
                yield f"{who} claims key {key}", self._job(s, i, place, job._replace(what="claimed"))
        elif job.what == "claimed":
            for seen in self._versions(s, key, job.floor):
                yield (
                    f"{who} reads key {key} as of {seen}",
                    self._job(s, i, place, job._replace(what="read", seen=seen)),
                )
        elif job.what == "compare":
            if self._may_commit(s, c) and not self._locked(s, key):
                yield self._compared(s, i, place, job)
        elif self._may_commit(s, c):
            yield self._applied(s, i, place, job) if job.what == "read" else self._loaded(s, i, place, job)

    def _applied(self, s: S, i: int, place: int, job: Job) -> Step[S]:
        done = self._job(s, i, place, None)
        target, dirty = put_in(s.target, job.key, job.seen), put_in(s.dirty, job.key, 0)
        return f"{_name(i)}{place} commits key {job.key} as of {job.seen}", done._replace(target=target, dirty=dirty)

    def _loaded(self, s: S, i: int, place: int, job: Job) -> Step[S]:
        done, key = self._job(s, i, place, None), job.key
        if s.chunks[key] and self.r.unique_chunks:
            return f"{_name(i)}{place}: chunk {key} is loaded already, it is left", done
        clash = self.value(s, s.target[key]) and s.target[key] >= 0 and self.value(s, job.seen)
        seen = CLASH if clash else job.seen if self.value(s, job.seen) or s.target[key] == NONE else s.target[key]
        done = done._replace(target=put_in(s.target, key, seen), chunks=put_in(s.chunks, key, True))
        return f"{_name(i)}{place} commits chunk {key} as of {job.seen}", done

    def _compared(self, s: S, i: int, place: int, job: Job) -> Step[S]:
        done, key = self._job(s, i, place, None), job.key
        done = done._replace(compared=put_in(s.compared, key, True))
        if self.value(s, s.target[key]) == self.value(s, job.seen):
            same = done._replace(target=put_in(s.target, key, max(job.seen, s.target[key])))
            return f"{_name(i)}{place}: key {key} is equal", same
        return f"{_name(i)}{place}: key {key} differs, it is put in", self._put(done, key)

    # -- what must hold

    def fault(self, s: S) -> str | None:
        if CLASH in s.target:
            return "a chunk met a row of its own record: it cannot be loaded, or the record is there twice"
        if s.lost or any(c.new_position != NONE for c in s.controllers):
            return None
        for key in range(self.b.keys):
            covered = self.version(s, key, max(s.position, 0))
            is_here = not s.chunks[key] or s.dirty[key] or s.target[key] >= covered or self._comes_next(s, key)
            if not is_here and s.position >= s.kept_from:
                return f"position {s.position} covers write {covered} of key {key}, which is nowhere"
        if self._is_done(s) and not any(j for c in s.controllers for j in c.jobs):
            for key in range(self.b.keys):
                now = self.version(s, key, len(s.log))
                if self.value(s, s.target[key]) != self.value(s, now):
                    return f"all is applied, but key {key} is as of {s.target[key]}, not {now}"
        return None

    def _comes_next(self, s: S, key: int) -> bool:
        """Whether the key of a write whose position is committed comes in the next transaction (and is a fault when
        the controller is killed in between: then nobody has it).
        """
        return any(c.feeding and c.feeding.key == key for c in s.controllers if c.token == s.token)

    def _is_done(self, s: S) -> bool:
        quiet = all(s.chunks) and not any(n > 0 for n in s.dirty) and s.position == len(s.log) and not s.lost
        return quiet and not any(c.feeding for c in s.controllers)

    def is_goal(self, s: S) -> bool:
        return self._is_done(s)


_VALUES = {GONE: "deleted", FIRST: "as at first", SECOND: "changed"}


def _name(i: int) -> str:
    return "AB"[i]
