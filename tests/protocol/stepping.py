"""Runs real code in all orders: each actor is a thread, of which one runs at a time, from one named point to the next.

An actor gives way at the hooks of the databases in memory (`Database.at`), where it waits for a turn to write
(`Turns`), and where a test calls `until`. Which one goes on is a choice; `schedules` makes all of them, one after the
other, by running everything again from the beginning.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from crossfade.stores.memory.database import POINTS, Database

MOST_STEPS = 2000
"""A run that takes more never comes to rest: the longest of those that do takes some hundreds."""


class Killed(BaseException):
    """Ends an actor wherever it is, as the end of its process would."""


@dataclass
class Actor:
    name: str
    run: Callable[[], object]
    ready: Callable[[], bool] = lambda: True
    where: str = "the beginning"
    killed: bool = False
    over: bool = False
    error: BaseException | None = None
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


class Choices:
    """Which of the actors that can go on does so: the first, unless it has been told otherwise. An actor that is chosen
    before one that comes first is a delay of that; there are at most `delays`.
    """

    def __init__(self, told: Sequence[int], delays: int) -> None:
        self.told, self.left = list(told), delays
        self.made: list[tuple[int, int]] = []

    def choose(self, ready: Sequence[Actor]) -> Actor:
        place = len(self.made)
        chosen = self.told[place] if place < len(self.told) else 0
        self.made.append((chosen, len(ready) if self.left else 1))
        self.left -= chosen > 0
        return ready[chosen]

    def others(self) -> Iterator[list[int]]:
        """What schedules are to be told that differ from this one for the first time where it was told nothing."""
        made = [chosen for chosen, _ in self.made]
        for place in range(len(self.told), len(made)):
            for chosen in range(1, self.made[place][1]):
                yield [*made[:place], chosen]


class Stepper:
    """One run: `actors` go on as `choices` says until none can. `trace` is what they did."""

    def __init__(self, pool: Pool, choices: Choices) -> None:
        self._pool, self._choices = pool, choices
        self._back: SimpleQueue[Actor] = SimpleQueue()
        self._mine = threading.local()
        self.actors: list[Actor] = []
        self._doomed: list[Actor] = []
        self.trace: list[str] = []

    def add(self, name: str, run: Callable[[], object]) -> Actor:
        """Add an actor that comes after all others. It begins with `until`."""
        actor = Actor(name, run)
        self.actors.append(actor)
        self._pool.run(len(self.actors) - 1, lambda: self._live(actor))
        return actor

    def _live(self, actor: Actor) -> None:
        self._mine.actor = actor
        actor.turn.acquire()
        try:
            if not actor.killed:
                actor.run()
        except Killed:
            pass
        except BaseException as error:
            actor.error = error
        actor.over = True
        self._mine.actor = None
        self._back.put(actor)

    def reach(self, point: str) -> None:
        """Give way at a named point. Nothing happens outside of an actor."""
        self.until(lambda: True, point)

    def until(self, ready: Callable[[], bool], point: str) -> None:
        """Give way until something holds."""
        actor: Actor | None = getattr(self._mine, "actor", None)
        if actor is None:
            return
        if actor.killed:
            raise Killed
        actor.ready, actor.where = ready, point
        self._back.put(actor)
        actor.turn.acquire()
        if actor.killed:
            raise Killed

    def run(self) -> None:
        try:
            self._run()
        finally:
            for actor in self.actors:
                self._end(actor)
        for actor in self.actors:
            if actor.error is not None:
                raise actor.error

    def _run(self) -> None:
        for actor in self.actors:
            self._go(actor)
        while ready := [a for a in self.actors if not a.over and a.ready()]:
            assert len(self.trace) < MOST_STEPS, "this never comes to rest"
            chosen = self._choices.choose(ready)
            self.trace.append(f"{chosen.name} goes on from {chosen.where}")
            self._go(chosen)
            while self._doomed:
                self._end(self._doomed.pop())

    def _go(self, actor: Actor) -> None:
        actor.turn.release()
        found = self._back.get(timeout=240)
        assert found is actor, (found.name, actor.name)

    def kill(self, *actors: Actor) -> None:
        """Called by an actor: these end where they are, before anybody goes on."""
        self._doomed += actors

    def _end(self, actor: Actor) -> None:
        if not actor.over:
            actor.killed = True
            self._go(actor)


class Turns:
    """In the place of a database's own `Turn`: who waits for it gives way."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._owner: object = None

    def take(self) -> None:
        self._stepper.until(lambda: self._owner is None, "its turn to write")
        assert self._owner is None
        self._owner = threading.get_ident()

    def leave(self) -> None:
        self._owner = None


class Pool:
    """Threads that live longer than a run, so that their sessions do."""

    def __init__(self) -> None:
        self._queues: list[SimpleQueue[Callable[[], None] | None]] = []
        self._threads: list[threading.Thread] = []

    def run(self, number: int, work: Callable[[], None]) -> None:
        while number >= len(self._queues):
            queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
            thread = threading.Thread(target=self._serve, args=(queue,), daemon=True)
            self._queues.append(queue)
            self._threads.append(thread)
            thread.start()
        self._queues[number].put(work)

    @staticmethod
    def _serve(queue: SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := queue.get()) is not None:
            work()

    def close(self) -> None:
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join(240)


def let_step(stepper: Stepper, databases: Mapping[str, tuple[Database, Sequence[str]]]) -> None:
    """Let actors give way at these points of each database (named for the trace), and only there."""
    for name, (database, points) in databases.items():
        database.writing = Turns(stepper)  # type: ignore[assignment]
        for point in POINTS:
            database.at(point, _hook(stepper, f"{point} ({name})") if point in points else None)


def _hook(stepper: Stepper, point: str) -> Callable[[], object]:
    return lambda: stepper.reach(point)


def schedules(run: Callable[[Choices], Any], *, delays: int, limit: int) -> Iterator[Choices]:
    """Run in all orders, at most `limit` of them; yield each when it has run. Those that differ least from doing one
    thing after the other come first.
    """
    todo: deque[list[int]] = deque([[]])
    for _ in range(limit):
        if not todo:
            return
        choices = Choices(todo.popleft(), delays)
        run(choices)
        yield choices
        todo.extend(choices.others())
