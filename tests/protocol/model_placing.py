"""A model of quarantine while following: foreign keys, unique values, lookups and the chunks of the copy together.

Four records of a source: a parent P; A and B, which refer to it and want a unique value; and L, which A or B gathers
by a lookup. B cannot be mapped without L. Every read sees the source as it is at that moment (what older reads do is
in model_following.py), but two reads are two moments. Whoever puts in a key that a transaction has claimed waits for
its end. Quick transactions run side by side, careful ones alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from explore import Step
from placing_values import (
    CHUNKS,
    DOMAINS,
    NAMES,
    NOBODY,
    OWNERS,
    ROOTS,
    A,
    B,
    Bounds,
    Held,
    Job,
    L,
    P,
    Record,
    Row,
    Rules,
    S,
    fits,
    put,
    shown,
)


class Placing:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    def start(self) -> S:
        source = (None, None, None) if self.b.empty else (Record(), Record(P, 1), Record(P, 2))
        rows = tuple(self._mapped(k, source[k], B)[0] for k in ROOTS)
        new = self.b.copies
        return S(
            source,
            B, (None,) * 3 if new else rows, (None,) * 3, (False,) * 4, (False,) * 4, (not new, not new), not new,
            (None,) * self.b.appliers, 0,
        )  # fmt: skip

    def steps(self, s: S) -> Iterator[Step[S]]:
        yield from self._writes(s)
        if all(s.chunks) and not s.constrained and not any(s.jobs):
            yield "the constraints are added: who breaks them goes into quarantine", self._constrain(s)
        for place, job in enumerate(s.jobs):
            if job is None:
                if place == 0 or s.jobs[place - 1] is not None:
                    yield from self._begin(s, place)
            else:
                yield from self._go_on(s, place, job)

    # -- the source and the feed

    def _writes(self, s: S) -> Iterator[Step[S]]:
        for key in range(4):
            if s.unnamed[key] and not self._claimed(s, key):
                after = s._replace(unnamed=put(s.unnamed, key, False), dirty=put(s.dirty, key, True))
                yield f"the feed puts {NAMES[key]} in", after
        if s.writes >= self.b.writes:
            return
        for key in ROOTS:
            for value in DOMAINS[key]:
                if value != s.source[key]:
                    yield f"{NAMES[key]} is {shown(value)}", self._written(s, key, value)
        for owner in OWNERS:
            if owner != s.owner:
                yield (
                    f"L is of {'nobody' if owner == NOBODY else NAMES[owner]}",
                    self._unnamed(s._replace(owner=owner), L),
                )

    def _written(self, s: S, key: int, value: Record | None) -> S:
        return self._unnamed(s._replace(source=put(s.source, key, value)), key)

    def _unnamed(self, s: S, key: int) -> S:
        return s._replace(unnamed=put(s.unnamed, key, True), writes=s.writes + 1)

    def _claimed(self, s: S, key: int) -> bool:
        return any(job and job.what not in ("load", "waiting") and key in job.keys for job in s.jobs)

    # -- transactions

    def _begin(self, s: S, place: int) -> Iterator[Step[S]]:
        for number, keys in enumerate(CHUNKS):
            if not s.chunks[number] and not any(j and j.what == "load" and j.keys == keys for j in s.jobs):
                yield self._started(s, place, Job("load", keys))
        if not s.constrained and self.r.copy_first:
            return
        if self.r.exclusive and any(j and j.what == "careful" for j in s.jobs):
            return
        free = [k for k in ROOTS if s.dirty[k] and not self._claimed(s, k) and s.chunks[k != P]]
        for size in range(1, self.b.batch + 1):
            for keys in combinations(free, size):
                yield self._started(s, place, Job("quick", keys))
        waits = any(s.jobs) and self.r.expansion_waits
        if s.dirty[L] and not self._claimed(s, L) and not waits and any(s.chunks):
            yield self._started(s, place, Job("expand", (L,)))

    def _started(self, s: S, place: int, job: Job) -> Step[S]:
        if job.what == "expand":
            roots = tuple(s.source[:3]) if self.r.query else ()
            job = job._replace(roots=roots, owner=s.owner)
        else:
            job = job._replace(roots=tuple(s.source[k] for k in job.keys))
        names = "".join(NAMES[k] for k in job.keys)
        return f"{place} {job.what} {names}: reads it", s._replace(jobs=put(s.jobs, place, job))

    def _go_on(self, s: S, place: int, job: Job) -> Iterator[Step[S]]:
        done = s._replace(jobs=put(s.jobs, place, None))
        if job.what == "expand":
            yield from self._expanded(s, place, done, job)
        elif job.owner is None and job.what != "waiting":
            owner = s.owner
            yield f"{place} reads L", s._replace(jobs=put(s.jobs, place, job._replace(owner=owner)))
        elif job.what == "load":
            assert job.owner is not None
            rows = s.rows
            held = s.held
            for key, record in zip(job.keys, job.roots, strict=True):
                row, why = self._mapped(key, record, job.owner)
                rows, held = put(rows, key, row), put(held, key, why)
            chunks = put(s.chunks, CHUNKS.index(job.keys), True)
            yield f"{place} commits the chunk", done._replace(rows=rows, held=held, chunks=chunks)
        elif job.what == "waiting":
            yield from self._alone(s, place, done, job)
        elif job.what == "quick":
            yield from self._quick(s, place, done, job)
        else:
            yield from self._careful(s, place, done, job)

    def _mapped(self, key: int, record: Record | None, owner: int) -> tuple[Row | None, Held]:
        if record is None:
            return None, None
        if key == B and owner != B:
            return None, ("lookup", L)
        return Row(*record, gathered=owner == key), None

    # -- lookups

    def _expanded(self, s: S, place: int, done: S, job: Job) -> Iterator[Step[S]]:
        roots = {k for k in (A, B) if k == job.owner and self.r.query}
        if self.r.ledger:
            roots |= {k for k in ROOTS if (row := s.rows[k]) is not None and row.gathered}
        if any(self._claimed(s, k) for k in roots):
            return
        dirty = tuple(k in roots or (was and k != L) for k, was in enumerate(s.dirty))
        names = "".join(NAMES[k] for k in sorted(roots))
        yield f"{place} puts in who used or uses L: {names or 'nobody'}", done._replace(dirty=dirty)

    # -- quick

    def _quick(self, s: S, place: int, done: S, job: Job) -> Iterator[Step[S]]:
        assert job.owner is not None
        rows = s.rows
        others = False
        for key, record in zip(job.keys, job.roots, strict=True):
            row, why = self._mapped(key, record, job.owner)
            others = others or why is not None or s.held[key] is not None
            rows = put(rows, key, row)
        if job.wakes is None and not others and fits(rows):
            wakes = tuple(sorted(self._wakes(s, rows, s.held, set())))
            if not self.r.exclusive:  # what wakes whom is seen before the commit: others may be quarantined meanwhile
                yield f"{place} looks whom it wakes", s._replace(jobs=put(s.jobs, place, job._replace(wakes=wakes)))
                return
            yield from self._commit(s, place, done, job.keys, rows, s.held, set(wakes))
        elif job.wakes is not None and fits(rows):
            yield from self._commit(s, place, done, job.keys, rows, s.held, set(job.wakes))
        else:
            yield self._rolled_back(s, place, job)

    def _alone(self, s: S, place: int, done: S, job: Job) -> Iterator[Step[S]]:
        if self.r.exclusive and any(j and j.what != "waiting" for j in done.jobs):
            return
        keys = tuple(k for k in job.keys if s.dirty[k] and not self._claimed(s, k))
        if keys:
            yield self._started(s, place, Job("careful", keys))
        elif not any(s.dirty[k] for k in job.keys):
            yield f"{place}: another one has applied them", done

    # -- careful

    def _careful(self, s: S, place: int, done: S, job: Job) -> Iterator[Step[S]]:
        assert job.owner is not None
        if job.decided is not None:
            yield from self._as_decided(s, place, done, job)
            return
        view = dict(zip(job.keys, job.roots, strict=True))
        rows, held, more, moved = self._settled(s, view, job.owner)
        if more:
            if any(self._claimed(done, k) for k in more):
                if not self.r.exclusive:
                    yield self._rolled_back(s, place, job)
                return
            keys = (*job.keys, *sorted(more))
            roots = (*job.roots, *(s.source[k] for k in sorted(more)))
            label = f"{place} looks at {''.join(NAMES[k] for k in sorted(more))} as well"
            yield label, s._replace(jobs=put(s.jobs, place, job._replace(keys=keys, roots=roots)))
            return
        if not self.r.exclusive:
            deciding = job._replace(decided=(rows, held))
            yield f"{place} decides", s._replace(jobs=put(s.jobs, place, deciding))
            return
        if not fits(rows):
            return
        left = {k for k in ROOTS if s.rows[k] and not rows[k]}
        keys = (*job.keys, *sorted(moved))
        yield from self._commit(s, place, done, keys, rows, held, self._wakes(s, rows, held, left))

    def _rolled_back(self, s: S, place: int, job: Job) -> Step[S]:
        return f"{place} rolls back", s._replace(jobs=put(s.jobs, place, Job("waiting", job.keys)))

    def _as_decided(self, s: S, place: int, done: S, job: Job) -> Iterator[Step[S]]:
        """Others have committed since, if it is not alone; the target refuses what breaks a constraint."""
        assert job.decided is not None
        rows, held = s.rows, s.held
        for key in job.keys:
            rows, held = put(rows, key, job.decided[0][key]), put(held, key, job.decided[1][key])
        if not fits(rows):
            yield self._rolled_back(s, place, job)
            return
        left = {k for k in ROOTS if s.rows[k] and not rows[k]}
        woken = self._wakes(s, rows, held, left)
        if any(self._claimed(done, k) for k in woken):
            yield self._rolled_back(s, place, job)
        yield from self._commit(s, place, done, job.keys, rows, held, woken)

    def _settled(
        self, s: S, view: dict[int, Record | None], owner: int
    ) -> tuple[tuple[Row | None, ...], tuple[Held, ...], set[int], set[int]]:
        """Rows and quarantine as they are to be; who has to be looked at before, and who leaves unseen."""
        rows, held, wanted = s.rows, s.held, dict[int, Row]()
        for key, record in view.items():
            row, why = self._mapped(key, record, owner)
            if why is None or self.r.old_rows_leave:
                rows = put(rows, key, None)
            held = put(held, key, why)
            if row is not None:
                wanted[key] = row
        more: set[int] = set()
        in_turn = sorted(wanted, key=lambda k: (not self._holds(s, k, wanted[k]), k))
        for key in in_turn * 2:
            row = wanted[key]
            if rows[key] == row:
                continue
            holders = {
                k for k in ROOTS if k != key and (r := rows[k]) is not None and row.unique and r.unique == row.unique
            }
            if holders:
                held = put(held, key, ("unique", row.unique))
                more |= holders - view.keys()
            elif row.parent != NOBODY and rows[row.parent] is None:
                held = put(held, key, ("parent", row.parent))
                if s.held[row.parent] is not None:
                    more |= {row.parent} - view.keys()
            else:
                rows, held = put(rows, key, row), put(held, key, None)
        orphans = {k for k in ROOTS if (r := rows[k]) is not None and r.parent != NOBODY and rows[r.parent] is None}
        if not self.r.dependants_leave:
            return rows, held, more, set()
        if self.r.reread:
            return rows, held, more | (orphans - view.keys()), set()
        for key in orphans:
            rows, held = put(rows, key, None), put(held, key, ("parent", P))
        return rows, held, more, orphans

    def _holds(self, s: S, key: int, row: Row) -> bool:
        now = s.rows[key]
        return now is not None and bool(row.unique) and now.unique == row.unique

    # -- commits

    def _wakes(self, s: S, rows: tuple[Row | None, ...], held: tuple[Held, ...], left: set[int]) -> set[int]:
        """Who in quarantine gets a chance."""
        came = {k for k in ROOTS if rows[k] and not s.rows[k]}
        free: set[int] = set()
        for key in ROOTS:
            before, after = s.rows[key], rows[key]
            if before is None or not before.unique or (after is not None and after.unique == before.unique):
                continue
            if self.r.leaving_wakes if key in left else self.r.free_value_wakes:
                free.add(before.unique)
        woken: set[int] = set()
        for key, why in enumerate(held):
            if why is None:
                continue
            kind, value = why
            if kind == "parent" and value in came and self.r.parent_wakes:
                woken.add(key)
            if kind == "unique" and value in free and not any(r and r.unique == value for r in rows):
                woken.add(key)
            if kind == "copy" and (came or free) and self.r.unknown_woken:
                woken.add(key)
        return woken

    def _commit(
        self, s: S, place: int, done: S, keys: tuple[int, ...], rows: tuple[Row | None, ...], held: tuple[Held, ...],
        woken: set[int],
    ) -> Iterator[Step[S]]:  # fmt: skip
        if any(self._claimed(done, k) for k in woken):
            return
        dirty = tuple(k in woken or (was and k not in keys) for k, was in enumerate(s.dirty))
        out = "".join(NAMES[k] for k in ROOTS if held[k])
        more = f", wakes {''.join(NAMES[k] for k in sorted(woken))}" if woken else ""
        label = f"{place} commits {''.join(NAMES[k] for k in keys)}; in quarantine: {out or 'nobody'}{more}"
        yield label, done._replace(rows=rows, held=held, dirty=dirty)

    def _constrain(self, s: S) -> S:
        """As the copy does it: of two with one value the first stays; who has no parent goes, and nobody notes why."""
        rows, held = s.rows, s.held
        for key in ROOTS:
            row = rows[key]
            if row and row.unique and any((o := rows[k]) and o.unique == row.unique for k in ROOTS if k < key):
                rows, held = put(rows, key, None), put(held, key, ("copy", 0))
        for key in ROOTS:
            row = rows[key]
            if row and row.parent != NOBODY and rows[row.parent] is None:
                rows, held = put(rows, key, None), put(held, key, ("copy", 0))
        return s._replace(rows=rows, held=held, constrained=True)

    # -- what must hold

    def fault(self, s: S) -> str | None:
        for key in ROOTS:
            if s.rows[key] is not None and s.held[key] is not None:
                return f"{NAMES[key]} is in the target and in quarantine"
        if not self.is_goal(s):
            return None
        for key in ROOTS:
            if (said := self._wrong(s, key)) is not None:
                return f"{NAMES[key]} {said}"
        return None

    def _wrong(self, s: S, key: int) -> str | None:
        record, row, why = s.source[key], s.rows[key], s.held[key]
        if record is None:
            return "is in the target or in quarantine, not in the source" if row or why else None
        wanted, _ = self._mapped(key, record, s.owner)
        if row is not None:
            return None if row == wanted else "is in the target as it was"
        if why is None:
            return "is nowhere"
        if wanted is None:
            return None
        rows = put(s.rows, key, wanted)
        return "waits for what is there already" if fits(rows) else None

    def is_goal(self, s: S) -> bool:
        return s.constrained and not any(s.dirty) and not any(s.unnamed) and not any(s.jobs)
