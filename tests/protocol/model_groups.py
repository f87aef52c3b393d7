"""A model of groups that are cut over one by one, while the others stay: two groups between one source and one target,
applications that write wherever they are let, and controllers that are killed.

How one group is cut over and rolled back is in model_cutover.py. Here each step of it is whole: what may go wrong is
what one group does to the other. Data are counts, as there. In the group A is a parent, in the group B its child, if
references may cross the border. `Rules` are what the code has to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from explore import Step

A, B = 0, 1
SOURCE, FENCED, TARGET, CLOSED = "source", "fenced", "target", "closed"


@dataclass(frozen=True)
class Rules:
    """`closes_own`: a fence closes the tables of its group alone. `opens_own`: it opens these alone, also when it
    steps back in the place of a controller that died. `follows_own`: each group has a direction of its own.
    `feeds_own`: each has a feed of its own, with a position. `rest_closed`: the tables of the others are closed in the
    target before the first group is opened there. `no_crossing`: no reference crosses the border of a group.
    """

    closes_own: bool = True
    opens_own: bool = True
    follows_own: bool = True
    feeds_own: bool = True
    rest_closed: bool = True
    no_crossing: bool = True


@dataclass(frozen=True)
class Bounds:
    """Of each group, but for `kills`."""

    writes: int = 1
    newer: int = 1
    cutovers: int = 1
    rollbacks: int = 1
    kills: int = 1


class Group(NamedTuple):
    """`closed` and `closed_target`: the database refuses writes there. `named`: what the feed has told. `missed`: what
    the position has passed without that. `at_work`: a controller is.
    """

    stage: str = SOURCE
    at_work: bool = False
    closed: bool = False
    closed_target: bool = False
    written: int = 0
    named: int = 0
    missed: int = 0
    applied: int = 0
    newer: int = 0
    returned: int = 0
    cutovers: int = 0
    rollbacks: int = 0


class S(NamedTuple):
    """`told`: the applications know the target. `back`: the direction, if all groups have one. `parent` and `child`:
    whether the source has it, and whether the target has.
    """

    groups: tuple[Group, Group] = (Group(), Group())
    told: bool = False
    back: bool = False
    parent: tuple[bool, bool] = (True, True)
    child: tuple[bool, bool] = (False, False)
    kills: int = 0


class Groups:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    def start(self) -> S:
        return S()

    def steps(self, s: S) -> Iterator[Step[S]]:
        for i, g in enumerate(s.groups):
            yield from self._applications(s, i, g)
            yield from self._follower(s, i, g)
            yield from self._cutover(s, i, g)
            yield from self._rollback(s, i, g)
            if g.at_work and s.kills < self.b.kills:
                yield f"the controller of {_name(i)} is killed", _set(s, i, at_work=False)._replace(kills=s.kills + 1)
        if not self.r.no_crossing:
            yield from self._references(s)

    # -- the applications

    def _applications(self, s: S, i: int, g: Group) -> Iterator[Step[S]]:
        if not g.closed and g.written < self.b.writes:
            yield f"the application writes {_name(i)} at the source", _set(s, i, written=g.written + 1)
        if s.told and not g.closed_target and g.newer < self.b.newer:
            yield f"the application writes {_name(i)} at the target", _set(s, i, newer=g.newer + 1)

    def _references(self, s: S) -> Iterator[Step[S]]:
        """A database refuses what breaks a reference among the rows that it has."""
        of_parent, of_child = (int(g.stage in (TARGET, CLOSED)) for g in s.groups)
        if s.parent[of_parent] and not s.child[of_parent]:
            yield "the application deletes the parent", s._replace(parent=_at(s.parent, of_parent, False))
        if s.parent[of_child] and not s.child[of_child]:
            yield "the application writes the child", s._replace(child=_at(s.child, of_child, True))
        if s.parent[1 - of_parent] and not s.parent[of_parent] and not s.child[1 - of_parent]:
            yield "the deletion is followed", s._replace(parent=_at(s.parent, 1 - of_parent, False))
        if s.child[of_child] and not s.child[1 - of_child] and s.parent[1 - of_child]:
            yield "the child is followed", s._replace(child=_at(s.child, 1 - of_child, True))

    # -- the runs that follow, one for each group

    def _follower(self, s: S, i: int, g: Group) -> Iterator[Step[S]]:
        back = g.stage in (TARGET, CLOSED) if self.r.follows_own else s.back
        if not back and g.named < g.written and g.missed < g.written:
            after = _set(s, i, named=g.written)
            if not self.r.feeds_own:
                other = s.groups[1 - i]
                after = _set(after, 1 - i, missed=other.written if other.named < other.written else other.missed)
            yield f"the feed names a write of {_name(i)}", after
        if not back and g.applied < g.named:
            yield f"a write of {_name(i)} is applied", _set(s, i, applied=g.named)
        if back and g.returned < g.newer:
            yield f"a write of {_name(i)} is put back", _set(s, i, returned=g.newer)

    # -- cutover

    def _cutover(self, s: S, i: int, g: Group) -> Iterator[Step[S]]:
        if g.stage == SOURCE and not g.at_work and g.cutovers < self.b.cutovers:
            after = _set(s, i, at_work=True, closed_target=True, cutovers=g.cutovers + 1)
            if self.r.rest_closed and s.groups[1 - i].stage == SOURCE:
                after = _set(after, 1 - i, closed_target=True)
            yield f"a cutover of {_name(i)} begins: it closes the target", after
        if g.stage == SOURCE and g.at_work:
            yield f"it closes the source for {_name(i)}", _set(self._close(s, i), i, stage=FENCED)
        if g.stage == FENCED and g.at_work and g.applied == g.written and g.newer == g.returned:
            done = _set(s, i, stage=TARGET, at_work=False, closed_target=False)
            yield f"the target is opened for {_name(i)}", done._replace(told=True, back=True)
        if g.stage == FENCED:
            why = "it fails" if g.at_work else "another one steps back"
            back = _set(self._open(s, i), i, stage=SOURCE, at_work=False)
            yield f"the cutover of {_name(i)}: {why}; the source is opened", back
        if g.stage == SOURCE and g.at_work:
            yield f"the cutover of {_name(i)} fails before the fence", _set(s, i, at_work=False)

    def _rollback(self, s: S, i: int, g: Group) -> Iterator[Step[S]]:
        if g.stage == TARGET and g.rollbacks < self.b.rollbacks:
            closed: dict[str, Any] = {"stage": CLOSED, "at_work": True, "closed_target": True}
            yield f"a rollback of {_name(i)} closes the target", _set(s, i, **closed, rollbacks=g.rollbacks + 1)
        if g.stage == CLOSED and g.at_work and g.returned == g.newer:
            after = _set(self._open(s, i), i, stage=SOURCE, at_work=False)
            yield f"the rollback of {_name(i)} opens the source", after._replace(back=False)
        if g.stage == CLOSED:
            again = _set(s, i, stage=TARGET, at_work=False, closed_target=False)
            yield f"the rollback of {_name(i)} fails; the target is opened again", again

    def _close(self, s: S, i: int) -> S:
        for one in (i,) if self.r.closes_own else (A, B):
            s = _set(s, one, closed=True)
        return s

    def _open(self, s: S, i: int) -> S:
        for one in (i,) if self.r.opens_own else (A, B):
            s = _set(s, one, closed=False)
        return s

    # -- what must hold

    def fault(self, s: S) -> str | None:
        for i, g in enumerate(s.groups):
            if s.told and not g.closed and not g.closed_target:
                return f"{_name(i)} is written on both sides"
            if g.stage == TARGET and g.applied < g.written:
                return f"{_name(i)} is open at the target without a write of the source"
            if g.stage == SOURCE and g.returned < g.newer:
                return f"{_name(i)} is open at the source without a write of the target"
            if not g.at_work and (g.closed if g.stage == SOURCE else g.stage == TARGET and g.closed_target):
                return f"{_name(i)} is written on no side"
        of_parent, of_child = (int(g.stage in (TARGET, CLOSED)) for g in s.groups)
        if s.child[of_child] and not s.parent[of_parent]:
            return "the child has no parent, and no database has refused that"
        return None

    def is_goal(self, s: S) -> bool:
        return all(
            g.applied == g.written if g.stage == SOURCE else g.stage == TARGET and g.returned == g.newer
            for g in s.groups
        )


def _name(i: int) -> str:
    return "AB"[i]


def _at(sides: tuple[bool, bool], side: int, value: bool) -> tuple[bool, bool]:
    return (value, sides[1]) if side == 0 else (sides[0], value)


def _set(s: S, i: int, **changes: Any) -> S:
    a, b = s.groups
    return s._replace(groups=(a._replace(**changes), b) if i == A else (a, b._replace(**changes)))
