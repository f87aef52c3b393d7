"""What is done to a move while it runs: a kind of fault each. `rng` decides about the rest of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pymongo
from controller import Controller
from ground import Ground, Side
from pymongo.errors import NotPrimaryError

HELD_OFF = 3
"""The exit status of a command that another run keeps out."""


@dataclass
class Run:
    """`problems`: what a fault showed that must not be."""

    ground: Ground
    controller: Controller
    rng: random.Random
    problems: list[str] = field(default_factory=list)


Fault = Callable[[Run], None]


def kill(run: Run) -> None:
    run.controller.kill(group=False)


def kill_all(run: Run) -> None:
    run.controller.kill(group=True)


def kill_worker(run: Run) -> None:
    run.controller.kill_worker(run.rng)


def freeze(run: Run) -> None:
    run.controller.freeze(run.rng.uniform(0.2, 2))


def cut_source(run: Run) -> None:
    run.ground.source.proxy.cut()


def cut_target(run: Run) -> None:
    run.ground.target.proxy.cut()


def cut_in_the_middle(run: Run) -> None:
    """Cut within whatever is being sent next."""
    run.rng.choice([run.ground.source, run.ground.target]).proxy.cut_after(run.rng.randrange(1, 20_000))


def refuse(run: Run) -> None:
    """No connection for a while."""
    side = run.rng.choice([run.ground.source, run.ground.target])
    side.proxy.stop()
    time.sleep(run.rng.uniform(0.1, 2))
    side.proxy.restore()


def restart_source(run: Run) -> None:
    _restart(run, run.ground.source)


def restart_target(run: Run) -> None:
    _restart(run, run.ground.target)


def _restart(run: Run, side: Side) -> None:
    assert side.server is not None
    side.server.stop(run.rng.choice([side.server.orderly, side.server.at_once]))
    time.sleep(run.rng.uniform(0, 0.5))
    side.server.start()
    side.server.wait()


def step_down(run: Run) -> None:
    """An election: MongoDB's primary steps down, and is elected again, for there is no other member."""
    for side in (run.ground.source, run.ground.target):
        if side.direct.startswith("mongodb"):
            with pymongo.MongoClient[dict[str, Any]](side.direct) as client, suppress(NotPrimaryError):  # not yet again
                client.admin.command("replSetStepDown", run.rng.choice([1, 2]), force=True)


def second(run: Run) -> None:
    """A second controller is kept out, as long as the first one has its lock, which is lost with its connection."""
    if not run.controller.has_lock():
        return
    other = run.controller.command("start", "--for", "1s")
    if other.returncode == 0 and run.controller.running:
        run.problems.append(f"a second controller ran beside the first: {other.stdout}{other.stderr}")


def pause(run: Run) -> None:
    """`crossfade stop`: the running one ends in an orderly way."""
    if not run.controller.running:
        return
    status = run.controller.stop()
    if status is None:
        run.problems.append("`crossfade stop` did not end the run")


KINDS: dict[str, Fault] = {
    one.__name__: one
    for one in (
        kill, kill_all, kill_worker, freeze, cut_source, cut_target, cut_in_the_middle, refuse, restart_source,
        restart_target, step_down, second, pause,
    )
}  # fmt: skip
ON_SHARED_SERVERS = tuple(name for name in KINDS if not name.startswith(("restart", "step_down")))
