"""Runs a story in one order of the steps of everybody in it: an application, a feed, appliers, and who kills them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from accounts import ENTITIES, NAME, World, Write, next_of
from stepping import Actor, Choices, Pool, Stepper, let_step

from crossfade.journal import journal
from crossfade.model.events import ignore
from crossfade.pipeline.applying import apply_pending
from crossfade.pipeline.enough import StopAt
from crossfade.pipeline.feeding import read_feed
from crossfade.pipeline.follow import Follow, read_todo
from crossfade.pipeline.threads import Following
from crossfade.runtime.session import Work, session


@dataclass(frozen=True)
class Story:
    """What is there at first, and what the application writes then. `stale`: reads see no more than they have to.
    `killed`: the controller is killed at some time, and another one goes on. One applier is the follower itself; more
    are the workers of a follower with a large backlog.

    A step ends where an actor waits: for its turn to write, for changes, for pending keys. Reads of which it matters
    when they happen are steps of their own, and so are commits where somebody may be killed.
    """

    before: Sequence[Write]
    writes: Sequence[Write]
    stale: bool = True
    appliers: int = 2
    at_once: int = 1
    killed: bool = False

    @property
    def points(self) -> Mapping[str, Sequence[str]]:
        return {
            "source": () if self.stale else ("before read",),
            "target": ("before commit", "after commit") if self.killed else (),
        }


class Run:
    """One run. Every run of a story begins with the same state."""

    def __init__(self, world: World, pool: Pool, story: Story, choices: Choices) -> None:
        self.world, self.story = world, story
        self._took_over = False
        world.release()
        world.begin(story.before)
        world.source.history.visible = 0 if story.stale else None
        self.stepper = Stepper(pool, choices)
        points = story.points
        let_step(self.stepper, {name: (getattr(world, name), points[name]) for name in ("source", "target")})
        world.source.at("before batch", self._wait_for_changes)

    def go(self) -> None:
        """Run everybody until nobody has anything to do; then all must be right. Where nothing else is chosen the
        application writes when what it wrote before is applied, and the kill comes when all is done.
        """
        mine = self._controller("", self.world.work)
        next_one = next_of(self.world.work)
        if self.story.killed:
            self._controller(" of the next", next_one, lambda: self._took_over)
        self.stepper.add("the application", self._application)
        if self.story.killed:
            self.stepper.add("the kill", lambda: self._kill(mine, next_one))
        try:
            self.stepper.run()
            self.world.release()
            self.world.require_true()
        except BaseException as error:
            error.add_note("\n".join(self.stepper.trace))
            raise

    def _controller(self, name: str, work: Work, may_begin: Callable[[], bool] = lambda: True) -> list[Actor]:
        idle = [True] * self.story.appliers
        acts = {"the feed": partial(self._feed, work)}
        if self.story.appliers == 1:
            acts["the follower"] = partial(self._follow, work)
        else:
            acts |= {f"applier {n + 1}": partial(self._apply, work, idle, n) for n in range(self.story.appliers)}

        def begin(act: Callable[[], None]) -> None:
            self.stepper.until(may_begin, "the beginning")
            act()

        return [self.stepper.add(who + name, partial(begin, act)) for who, act in acts.items()]

    def _kill(self, actors: Sequence[Actor], work: Work) -> None:
        self.stepper.reach("the beginning")
        self.stepper.kill(*actors)
        self.stepper.reach("the kill")
        with session(work).writer.transaction() as tx:
            journal.take_over(tx, work.run)
        self._took_over = True

    def _application(self) -> None:
        for write in self.story.writes:
            self.stepper.reach("a write")
            self.world.write(write)

    def _feed(self, work: Work) -> None:
        read_feed(Following(work, NAME, ENTITIES, ignore))

    def _wait_for_changes(self) -> None:
        """Called by a feed."""
        self.stepper.until(self.world.has_changes, "its wait for changes")

    def _follow(self, work: Work) -> None:
        follow = Follow(Following(work, NAME, ENTITIES, ignore), StopAt(1.0, 1000))
        while True:
            self.stepper.until(self.world.has_pending, "its wait for pending keys")
            follow.round()

    def _apply(self, work: Work, idle: list[bool], n: int) -> None:
        """Of appliers that have nothing to do, which are all the same, the first begins."""
        s = session(work)
        while True:
            idle[n] = True
            self.stepper.until(lambda: self.world.has_pending() and not any(idle[:n]), "its wait for pending keys")
            idle[n] = False
            with s.transaction() as tx:
                todo = read_todo(tx, self.story.at_once)
            if todo.claims:
                apply_pending(work, todo.claims, todo.floor)
