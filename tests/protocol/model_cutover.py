"""A model of the cutover and the way back: two controllers that are killed or replaced while they work, commands that
arrive late, transactions that are still open when the source is fenced, and applications that write whenever they can.

Data are counts: `written` at the source, of which the target has `applied`; `newer` written at the target, of which the
source has `returned`. The stage is in the target's journal. The fence of the source is a command that is sent, flies,
and is executed later, also after its sender has given up or died. `Rules` are what the code has to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from explore import Step

UNMARKED = -1
CLOSE, LIFT, OPEN_TARGET = "close", "lift", "open the target"
Command = tuple[str, int, int]
"""What, the token of its sender, its number there."""


@dataclass(frozen=True)
class Rules:
    """`fence_waits`: the fence is confirmed when every transaction begun before it has ended. `guarded`: the source
    refuses commands of an older token. `numbered`: it refuses older commands of the same token, too. `kills_own`: a
    command of its own that timed out is seen gone before the opposite one is sent. `opens_in_decision`: the target
    opens in the transaction that decides. `asks_journal`: stepping back is first a stage, which is refused once the
    target was decided. `feed_before`: the reverse feed exists before the target opens. `guarded_rows`: a take-over
    ends open transactions of the reverse. `lifts_stray`: a controller that finds the source fenced at stage
    `source` lifts it. `close_waits`: a rollback awaits open transactions of the target. `stage_locked`: what
    applies forward locks the stage. `again`: a controller that finds `fenced` does not go on from there.
    `decided_first`: a rollback is a stage in the journal before the fence is lifted. `forward_feed`: the source's feed
    exists before it opens.
    """

    fence_waits: bool = True
    guarded: bool = True
    numbered: bool = True
    kills_own: bool = True
    opens_in_decision: bool = True
    asks_journal: bool = True
    feed_before: bool = True
    guarded_rows: bool = True
    lifts_stray: bool = True
    close_waits: bool = True
    stage_locked: bool = True
    again: bool = True
    decided_first: bool = True
    forward_feed: bool = True


@dataclass(frozen=True)
class Bounds:
    """`alone`: a controller that cannot reach the journal may lift the fence without it."""

    writes: int = 1
    newer: int = 1
    cutovers: int = 1
    rollbacks: int = 1
    kills: int = 1
    take_overs: int = 1
    timeouts: int = 1
    forward: int = 0
    alone: bool = False


class Controller(NamedTuple):
    """`token` 0: it does not run. `number`: of its last command. `came`: it has not changed the stage yet."""

    token: int = 0
    at: str = ""
    number: int = 0
    came: bool = False


class S(NamedTuple):
    stage: str = "source"
    fenced: bool = False
    opened: bool = False
    writing: bool = False
    writing_newer: bool = False
    written: int = 0
    applied: int = 0
    newer: int = 0
    returned: int = 0
    marker: int = UNMARKED
    feed: bool = False
    forward_feed: bool = True
    token: int = 0
    guard: tuple[int, int] = (0, 0)
    flying: frozenset[Command] = frozenset()
    controllers: tuple[Controller, Controller] = (Controller(), Controller())
    reverse: frozenset[int] = frozenset()
    forward: frozenset[int] = frozenset()
    kills: int = 0
    take_overs: int = 0
    cutovers: int = 0
    rollbacks: int = 0
    timeouts: int = 0
    forwards: int = 0
    wrong: str = ""


class Cutover:
    def __init__(self, rules: Rules, bounds: Bounds) -> None:
        self.r, self.b = rules, bounds

    def start(self) -> S:
        return S()

    def steps(self, s: S) -> Iterator[Step[S]]:
        yield from self._applications(s)
        for command in sorted(s.flying):
            yield from self._arrives(s, command)
        for i, c in enumerate(s.controllers):
            yield from self._take(s, i) if c.token == 0 else self._runs(s, i, c)
        yield from self._transactions(s)

    # -- the applications, of the source and of the target

    def _applications(self, s: S) -> Iterator[Step[S]]:
        if not s.writing and not s.fenced and s.written < self.b.writes:
            yield "the application begins a transaction at the source", s._replace(writing=True)
        if s.writing:
            done = s._replace(writing=False)
            wrong = "" if s.forward_feed else "what is written at the source is never followed"
            yield "it commits there", done._replace(written=s.written + 1, wrong=s.wrong or wrong)
            yield "it rolls back there", done
        if not s.writing_newer and s.opened and s.newer < self.b.newer:
            yield "the application begins a transaction at the target", s._replace(writing_newer=True)
        if s.writing_newer:
            done = s._replace(writing_newer=False)
            yield "it commits at the target", done._replace(newer=s.newer + 1)
            yield "it rolls back at the target", done

    # -- commands that fly

    def _arrives(self, s: S, command: Command) -> Iterator[Step[S]]:
        what, token, number = command
        there = s._replace(flying=s.flying - {command})
        if what == OPEN_TARGET:
            yield f"the target opens, by token {token}", there._replace(opened=True)
        elif self.r.guarded and (token, number if self.r.numbered else s.guard[1]) < s.guard:
            yield f"the source refuses to {what}, by {token}.{number}: the guard is {s.guard}", there
        elif not (what == CLOSE and self.r.fence_waits and s.writing):
            guard = max(s.guard, (token, number)) if self.r.guarded else s.guard
            a, b = s.controllers
            told = (_told(a, command), _told(b, command))
            after = there._replace(fenced=what == CLOSE, guard=guard, controllers=told)
            yield f"the source does: {what}, by {token}.{number}", after

    # -- controllers

    def _take(self, s: S, i: int) -> Iterator[Step[S]]:
        live = any(c.token and c.token == s.token for c in s.controllers)
        if not live or s.take_overs < self.b.take_overs:
            at = "claim" if self.r.guarded or self.r.guarded_rows else "look"
            after = s._replace(token=s.token + 1, forward=frozenset(), take_overs=s.take_overs + live)
            yield f"{_name(i)} takes over, token {s.token + 1}", _set(after, i, Controller(s.token + 1, at, 0, True))

    def _runs(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        if s.kills < self.b.kills:
            yield f"{_name(i)} is killed", _set(s._replace(kills=s.kills + 1), i, Controller())
        mine = c.token == s.token
        if c.at == "claim":
            yield self._claimed(s, i, c)
        elif c.at.startswith("send"):
            yield from self._sends(s, i, c)
        elif not mine:
            yield f"{_name(i)} sees that another one has taken over, and stops", _set(s, i, Controller())
        elif c.at == "look":
            yield from self._looks(s, i, c)
        else:
            yield from self._waits(s, i, c)
        if mine and self._may_apply(s, c):
            after = s._replace(forward=s.forward | {c.token}, forwards=s.forwards + 1)
            yield f"{_name(i)}: a worker begins to apply forward", after

    def _may_apply(self, s: S, c: Controller) -> bool:
        before = s.stage in ("source", "fencing", "fenced", "back") and c.at != "claim"
        return before and s.forwards < self.b.forward and c.token not in s.forward

    def _claimed(self, s: S, i: int, c: Controller) -> Step[S]:
        """It tells the source its token, maybe long after another one has taken over."""
        if self.r.guarded:
            s = s._replace(guard=max(s.guard, (c.token, 0)))
        if self.r.guarded_rows:
            s = s._replace(reverse=frozenset(t for t in s.reverse if t >= c.token))
        return f"{_name(i)} claims the source for token {c.token}", _set(s, i, c._replace(at="look"))

    def _sends(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        what = c.at.removeprefix("send ")
        if what == OPEN_TARGET:
            after = s._replace(flying=s.flying | {(what, c.token, 0)})
            yield f"{_name(i)} sends: {what}", _set(after, i, c._replace(at="look"))
            return
        command = (CLOSE if what == CLOSE else LIFT, c.token, c.number + 1)
        after = s._replace(flying=s.flying | {command})
        waits = c._replace(at=f"await {what}", number=c.number + 1)
        yield f"{_name(i)} sends: {command[0]}, {c.token}.{c.number + 1}", _set(after, i, waits)

    def _waits(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        """For a command of its own: the answer came (`done`), or it takes too long."""
        if c.at == f"done {CLOSE}":
            if s.stage == "fencing":
                yield self._go(s, i, c, "look", "the journal: fenced", stage="fenced", came=False)
        elif c.at == f"done {LIFT}":
            if s.stage in ("back", "returning", "source", *(() if self.r.decided_first else ("closing",))):
                yield self._go(s, i, c, "look", "the journal: source", stage="source", feed=False)
            else:
                yield self._go(s, i, c, "look", f"the journal refuses `source` at {s.stage}")
        elif c.at.endswith("alone"):
            if s.stage == "fenced" and not self._flies(s, c, LIFT):
                yield self._back(s, i, c, "reaches the journal again")
        elif s.timeouts < self.b.timeouts:
            what = c.at.removeprefix("await ")
            after = s._replace(timeouts=s.timeouts + 1)
            if self.r.kills_own:
                after = after._replace(flying=s.flying - {(what, c.token, c.number)})
            if what == CLOSE:
                yield self._back(after, i, c, "the fence takes too long")
            else:
                yield self._go(after, i, c, f"send {LIFT}", "lifting takes too long, again")

    def _flies(self, s: S, c: Controller, what: str) -> bool:
        return (what, c.token, c.number) in s.flying

    def _go(self, s: S, i: int, c: Controller, at: str, label: str, *, came: bool = True, **changes: Any) -> Step[S]:
        after = c._replace(at=at, came=c.came and came)
        return f"{_name(i)}: {label}", _set(s._replace(**changes), i, after)

    def _back(self, s: S, i: int, c: Controller, why: str) -> Step[S]:
        return self._go(s, i, c, f"send {LIFT}", f"{why}; the journal: back", stage="back")

    # -- what a controller does at each stage

    def _looks(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        if s.stage in ("source", "fenced") and s.applied < s.written:
            yield self._go(s, i, c, "look", f"applies write {s.applied + 1}", applied=s.applied + 1)
        if s.stage == "source":
            if not s.fenced and s.cutovers < self.b.cutovers:
                begun: dict[str, Any] = {"stage": "fencing", "cutovers": s.cutovers + 1, "marker": UNMARKED}
                yield self._go(s, i, c, f"send {CLOSE}", "the journal: fencing", came=False, **begun)
            if s.fenced and self.r.lifts_stray:
                yield self._go(s, i, c, f"send {LIFT}", "the source is fenced, and nobody wants that")
        elif s.stage == "fencing":
            yield self._back(s, i, c, "finds `fencing`")
        elif s.stage == "fenced":
            yield from self._fenced(s, i, c)
        elif s.stage in ("back", "returning"):
            yield self._go(s, i, c, f"send {LIFT}", f"finds `{s.stage}`, and goes on with it")
        else:
            yield from self._open(s, i, c)

    def _fenced(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        if c.came and self.r.again:
            yield self._back(s, i, c, "finds `fenced` of another one")
            return
        if self.b.alone:
            yield self._go(s, i, c, f"send {LIFT} alone", "cannot reach the target")
        if s.marker == UNMARKED:
            yield self._go(s, i, c, "look", f"writes the marker, at {s.written}", marker=s.written)
        elif s.applied >= s.marker:
            if self.r.feed_before and not s.feed:
                yield self._go(s, i, c, "look", "creates the reverse feed", feed=True)
            else:
                yield from self._decides(s, i, c)
        if s.timeouts < self.b.timeouts:
            yield self._back(s._replace(timeouts=s.timeouts + 1), i, c, "a step takes too long")

    def _decides(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        if not self.r.opens_in_decision:
            yield self._go(s, i, c, f"send {OPEN_TARGET}", "the journal: target", stage="target")
        elif not (self.r.stage_locked and s.forward):
            done: dict[str, Any] = {"stage": "target", "opened": True, "forward_feed": False}
            yield self._go(s, i, c, "look", "the journal: target, which opens", **done)
            if not self.r.asks_journal:
                label = "the journal: target, which opens; that looks like an error, it steps back"
                yield self._go(s, i, c, f"send {LIFT}", label, **done)

    def _open(self, s: S, i: int, c: Controller) -> Iterator[Step[S]]:
        """The target was decided; `closing` is a rollback that has closed it again."""
        if s.stage == "target" and not s.opened and not self.r.opens_in_decision:
            yield self._go(s, i, c, f"send {OPEN_TARGET}", "completes the opening")
        if not s.feed:
            wrong = "what was written at the target before the reverse feed is never returned"
            yield self._go(
                s, i, c, "look", "creates the reverse feed", feed=True, wrong=wrong if s.newer > s.returned else ""
            )
            return
        if s.returned < s.newer and c.token not in s.reverse:
            begun: dict[str, Any] = {"reverse": s.reverse | {c.token}}
            yield self._go(s, i, c, "look", f"begins to return write {s.returned + 1}", **begun)
        if s.stage == "target" and s.opened and s.rollbacks < self.b.rollbacks:
            closed: dict[str, Any] = {"stage": "closing", "opened": False, "rollbacks": s.rollbacks + 1}
            yield self._go(s, i, c, "look", "the journal: closing; the target closes", **closed)
        if s.stage == "closing":
            quiet = not (self.r.close_waits and s.writing_newer)
            if quiet and s.returned == s.newer:
                yield self._ends(s, i, c)
            if s.timeouts < self.b.timeouts:
                again: dict[str, Any] = {"stage": "target", "opened": True, "timeouts": s.timeouts + 1}
                yield self._go(s, i, c, "look", "the rollback fails; the target opens again", **again)

    def _ends(self, s: S, i: int, c: Controller) -> Step[S]:
        """The decision of a rollback, with the position of a new forward feed."""
        done: dict[str, Any] = {"forward_feed": self.r.forward_feed}
        if self.r.decided_first:
            done["stage"] = "returning"
        return self._go(s, i, c, f"send {LIFT}", "all is returned; the source is to be opened", **done)

    # -- transactions of workers, which outlive who began them

    def _transactions(self, s: S) -> Iterator[Step[S]]:
        alive = {c.token for c in s.controllers}
        for token in sorted(s.forward):
            done = s._replace(forward=s.forward - {token})
            late = s.stage in ("target", "closing", "returning")
            wrong = "an older state was applied to the open target" if late else ""
            yield f"what token {token} applies forward is committed", done._replace(wrong=s.wrong or wrong)
            yield f"what token {token} applies forward is rolled back", done
        for token in sorted(s.reverse):
            done = s._replace(reverse=s.reverse - {token})
            wrong = "" if s.fenced else "something was returned to a source that takes writes"
            returned = min(s.newer, s.returned + 1)
            yield f"what token {token} returns is committed", done._replace(returned=returned, wrong=s.wrong or wrong)
            if token not in alive:
                yield f"the source ends the transaction of token {token}", done

    # -- what must hold

    def fault(self, s: S) -> str | None:
        if s.wrong:
            return s.wrong
        if s.opened and not s.fenced:
            return "both sides take writes"
        if s.opened and s.applied < s.written:
            return f"the target is open without write {s.applied + 1} of the source"
        if s.stage in ("source", "returning") and (s.stage == "returning" or not s.fenced) and s.returned < s.newer:
            return f"the source counts without write {s.returned + 1} of the target"
        return None

    def is_goal(self, s: S) -> bool:
        quiet = not any(what == CLOSE for what, _, _ in s.flying)
        return (s.stage == "source" and not s.fenced and quiet) or (s.stage == "target" and s.opened)


def _told(c: Controller, command: Command) -> Controller:
    what, token, number = command
    if c.token == token and c.number == number and c.at == f"await {what}":
        return c._replace(at=f"done {what}")
    return c


def _name(i: int) -> str:
    return "AB"[i]


def _set(s: S, i: int, c: Controller) -> S:
    a, b = s.controllers
    return s._replace(controllers=(c, b) if i == 0 else (a, c))
