"""A model of the way back: a record of the target that changes, a feed that names it, runs that put it into the source
and are killed or replaced while they work, and a rollback that opens the source.

Values are counts: the target has `new`, the source `old`. The journal is the target's; a run writes into the source by
a transaction of the source, which may still be open when the run is dead. `Rules` are what the code has to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from explore import Step


@dataclass(frozen=True)
class Rules:
    """`by_number`: a key is cleared only if it was not put in again. `number_first`: the number is read before the
    rows. `clears_after`: a key is cleared when its write is durable. `one_transaction`: keys and position are put in
    at once. `guarded`: the source refuses transactions of older runs. `guards_at_last`: the rollback takes a number,
    too. `drains`: it waits for the feed and the keys.
    """

    by_number: bool = True
    number_first: bool = True
    clears_after: bool = True
    one_transaction: bool = True
    guarded: bool = True
    guards_at_last: bool = True
    drains: bool = True


@dataclass(frozen=True)
class Bounds:
    writes: int = 2
    kills: int = 1
    take_overs: int = 1
    agains: int = 1


class Run(NamedTuple):
    """`at`: idle, numbered, read, open (its transaction), wrote, owes (a key that it has not put in). Token 0: none."""

    token: int = 0
    at: str = "claim"
    number: int = 0
    value: int = 0


class S(NamedTuple):
    stage: str = "target"
    new: int = 0
    old: int = 0
    named: int = 0
    key: int = 0
    numbers: int = 0
    lease: int = 0
    guard: int = 0
    runs: tuple[Run, Run] = (Run(), Run())
    left: frozenset[tuple[int, int]] = frozenset()
    """Transactions of dead runs: token and value."""
    kills: int = 0
    take_overs: int = 0
    agains: int = 0
    wrong: str = ""


class Returning:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    def start(self) -> S:
        return S()

    def steps(self, s: S) -> Iterator[Step[S]]:
        if s.stage == "target" and s.new < self.b.writes:
            yield "the application writes at the target", s._replace(new=s.new + 1)
        yield from self._rollback(s)
        for i, run in enumerate(s.runs):
            yield from self._take(s, i) if not run.token else self._of(s, i, run)
        for token, value in sorted(s.left):
            left = s._replace(left=s.left - {(token, value)})
            yield f"the source ends what run {token} left", left
            if not self._is_refused(s, token):
                yield f"what run {token} left is committed", self._written(left, value)

    # -- the rollback

    def _rollback(self, s: S) -> Iterator[Step[S]]:
        if s.stage == "target" and s.new:
            yield "the target is closed", s._replace(stage="closed")
        if s.stage == "closed" and (not self.r.drains or (s.named == s.new and not s.key)):
            yield "everything is put back", s._replace(stage="drained")
        if s.stage == "drained":
            guard = s.lease + 1 if self.r.guards_at_last else s.guard
            yield (
                "the rollback is decided; the source opens",
                s._replace(stage="source", guard=guard, lease=s.lease + 1, key=0),
            )

    # -- runs

    def _take(self, s: S, i: int) -> Iterator[Step[S]]:
        live = any(run.token and run.token == s.lease for run in s.runs)
        if s.stage != "source" and (not live or s.take_overs < self.b.take_overs):
            after = s._replace(lease=s.lease + 1, take_overs=s.take_overs + live)
            yield f"run {s.lease + 1} takes over", _set(after, i, Run(s.lease + 1))

    def _of(self, s: S, i: int, run: Run) -> Iterator[Step[S]]:
        if s.kills < self.b.kills:
            left = s.left | {(run.token, run.value)} if run.at == "open" else s.left
            yield f"run {run.token} is killed", _set(s._replace(kills=s.kills + 1, left=left), i, Run())
        if run.at == "claim":
            guard = max(s.guard, run.token) if self.r.guarded else s.guard
            yield f"run {run.token} tells the source", _set(s._replace(guard=guard), i, run._replace(at="idle"))
        elif run.at == "open":
            if self._is_refused(s, run.token):
                yield f"the source refuses run {run.token}", _set(s, i, Run())
            else:
                wrote = run._replace(at="wrote" if self.r.clears_after else "idle")
                yield f"run {run.token} has written {run.value}", _set(self._written(s, run.value), i, wrote)
        elif run.at in ("numbered", "saw"):
            yield from self._names(s, i, run)
            yield from self._reads(s, i, run)
        elif run.token != s.lease:
            yield f"run {run.token} sees that it was replaced", _set(s, i, Run())
        else:
            yield from self._leads(s, i, run)

    def _leads(self, s: S, i: int, run: Run) -> Iterator[Step[S]]:
        """What a transaction of the journal does: only the last run can."""
        if run.at == "owes":
            yield f"run {run.token} puts the key in", _set(_put(s), i, run._replace(at="idle"))
        elif run.at == "read":
            opened = run._replace(at="open")
            after = s if self.r.clears_after else self._cleared(s, run)
            yield f"run {run.token} begins to write {run.value}", _set(after, i, opened)
        elif run.at == "wrote":
            yield f"run {run.token} clears the key", _set(self._cleared(s, run), i, run._replace(at="idle"))
        yield from self._names(s, i, run)
        if s.agains < self.b.agains and s.new:
            yield f"run {run.token} tries again what was set aside", _put(s._replace(agains=s.agains + 1))
        if run.at == "idle" and s.key:
            begun = run._replace(at="numbered", number=s.key)
            if not self.r.number_first:
                begun = run._replace(at="saw", value=s.new)
            yield f"run {run.token} begins with the key", _set(s, i, begun)

    def _names(self, s: S, i: int, run: Run) -> Iterator[Step[S]]:
        """The feed is read by another thread of the run."""
        if run.token != s.lease or run.at == "owes" or s.named == s.new:
            return
        if self.r.one_transaction:
            yield f"run {run.token} puts key and position in", _put(s._replace(named=s.new))
        elif run.at == "idle":
            yield f"run {run.token} puts the position in", _set(s._replace(named=s.new), i, run._replace(at="owes"))

    def _reads(self, s: S, i: int, run: Run) -> Iterator[Step[S]]:
        if run.at == "numbered":
            read = run._replace(at="read", value=s.new)
            yield f"run {run.token} reads {s.new} from the target", _set(s, i, read)
        else:
            yield f"run {run.token} reads the number", _set(s, i, run._replace(at="read", number=s.key))

    def _cleared(self, s: S, run: Run) -> S:
        return s._replace(key=0) if s.key == run.number or not self.r.by_number else s

    def _is_refused(self, s: S, token: int) -> bool:
        return token < s.guard

    def _written(self, s: S, value: int) -> S:
        wrong = "something was put back into a source that takes writes" if s.stage == "source" else ""
        return s._replace(old=value, wrong=s.wrong or wrong)

    # -- what must hold

    def fault(self, s: S) -> str | None:
        if s.wrong:
            return s.wrong
        if s.stage == "source" and s.old != s.new:
            return f"the source is open with {s.old} of {s.new}"
        working = any(run.at not in ("idle", "claim") for run in s.runs if run.token) or s.left
        if s.named == s.new and not s.key and not working and s.old != s.new:
            return f"nothing is left to do, and the source has {s.old} of {s.new}"
        return None

    def is_goal(self, s: S) -> bool:
        return s.old == s.new and not s.key


def _put(s: S) -> S:
    return s._replace(key=s.numbers + 1, numbers=s.numbers + 1)


def _set(s: S, i: int, run: Run) -> S:
    a, b = s.runs
    return s._replace(runs=(run, b) if i == 0 else (a, run))
