"""One move that is cut over and rolled back while applications try to write to both sides, and what happens to it.

Commands run in processes that are forked from one that has imported everything; they are killed at named points and at
random moments, frozen, doubled, and lose their connections, and so does the run that follows.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ground import Ground
from switch_stores import Documents, Rows, Side, Told, by_number, by_uuid
from switch_writers import NEW, OLD, writing

import coming_back
import shop
from crossfade.errors import CrossfadeError
from crossfade.move import Move
from crossfade.testing.supervise import die_with_parent
from outcome import open_move

FENCE_S, REFUSED_S, GRACE = 2.0, 12.0, 0.5
LIMITS = f"""
[cutover]
fence_s = {FENCE_S}
refused_s = {REFUSED_S}
lag_s = 60
[rollback]
fence_s = {FENCE_S}
refused_s = {REFUSED_S}
lag_s = 60
[[discard]]
entity = "customers"
path = "note"
reason = "a test"
"""
SCHEMA = coming_back.DOCUMENTS_SCHEMA.replace("email text NOT NULL", "email text NOT NULL, visits bigint NOT NULL")
DOCUMENTS = {
    **coming_back.DOCUMENTS,
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email, c.visits AS visits FROM customers AS c",
}
ROWS_SCHEMA = coming_back.ROWS_SCHEMA.replace("email text NOT NULL", "email text NOT NULL, visits bigint NOT NULL")
ROWS = {**coming_back.ROWS, "customers": "SELECT c.id AS id, c.email AS email, c.visits AS visits FROM customers AS c"}
WAIT = 400.0

CUT, ROLL, RUN = "crossfade.move.cutting:_Cutover", "crossfade.move.rolling_back:_Rollback", "crossfade.shift.run"
POSTGRES = "crossfade.stores.postgresql.fence:PostgresFence"
POINTS = {
    "cutover": [
        *(f"{CUT}.{name}" for name in ("_close_target", "_ahead", "_begin_way_back", "_fence", "_mark", "_drain")),
        *(f"{CUT}.{name}" for name in ("_compare", "_advance", "_open", "_end_feed", "_announce")),
    ],
    "rollback": [
        *(f"{ROLL}.{name}" for name in ("_begin_forward", "_ahead", "_close", "_mark", "_drain", "_compare")),
        *(f"{ROLL}.{name}" for name in ("_advance", "_decide", "_open", "_end_back", "_announce")),
    ],
}
FENCES = {
    "mongodb": "crossfade.stores.mongodb.fence:MongoFence",
    "postgresql": POSTGRES,
}
WRITERS = {
    "mongodb": "crossfade.stores.mongodb.records:MongoRecordWriter",
    "postgresql": "crossfade.stores.postgresql.records:PostgresRecordWriter",
}
DURING_IT = ("moment", "freeze", "second", "cut", "follower")


# -- processes

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["switch_imports"])


def _command(env: dict[str, str], log: str, arguments: list[str], point: tuple[str, str] | None) -> None:
    """A process of its own: `crossfade ARGUMENTS`, killed at a point."""
    os.setsid()
    die_with_parent()
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(env)
    from crossfade.pipeline import follow, pulse
    from crossfade.shift import run

    run.GRACE, pulse.SECONDS, follow.IDLE = GRACE, 0.2, 0.05
    if point:
        _die_at(*point)
    from crossfade.__main__ import main

    sys.argv = ["crossfade", *arguments]
    main()


def _die_at(place: str, when: str) -> None:
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    held = getattr(import_module(module), owner)
    real = getattr(held, name)

    def dies(*args: Any, **more: Any) -> Any:
        if when == "after":
            real(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(held, name, dies)


@dataclass
class Commands:
    folder: Path
    env: dict[str, str]

    @property
    def log(self) -> Path:
        return self.folder / "commands.log"

    def start(self, *arguments: str, point: tuple[str, str] | None = None) -> ForkServerProcess:
        whole = [*arguments, "--project", str(self.folder)]
        process = _context.Process(target=_command, args=(self.env, str(self.log), whole, point))
        process.start()
        return process


def kill(process: ForkServerProcess) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()


# -- the run


@dataclass(frozen=True)
class Fault:
    """What is done to a command: at a named point, or after so many seconds."""

    kind: str = "nothing"
    point: tuple[str, str] | None = None
    at: float = 0.0

    @property
    def said(self) -> str:
        return f"{self.point[0].rpartition(':')[2]} {self.point[1]}" if self.point else f"at {self.at:.1f} s"


def cases(name: str, source: str) -> list[Fault]:
    """Return all faults of a command, named points and random moments by turns."""
    fences = {"cutover": (source, ("take_over", "close")), "rollback": ("postgresql", ("take_over", "close"))}
    kind, methods = fences[name]
    own = {
        "cutover": [f"{RUN}:Controller.fence"],
        "rollback": [f"{WRITERS[source]}.take_over", f"{FENCES[source]}.open"],
    }
    places = [*POINTS[name], *(f"{FENCES[kind]}.{method}" for method in methods), *own[name]]
    points = [Fault("point", (place, when)) for place in places for when in ("before", "after")]
    return [one for n, point in enumerate(points) for one in (point, Fault(DURING_IT[n % len(DURING_IT)]))]


class Stuck(Exception):
    """A state from which nothing leads on, or that must not be."""


@dataclass
class Switching:
    """`happened`: each attempt with what was done to it, and the side that took writes afterwards."""

    place: Ground
    folder: Path
    seed: int
    old: Callable[[], Side]
    new: Callable[[], Rows]
    told: Told
    rng: random.Random = field(init=False)
    happened: list[str] = field(default_factory=list)
    follower: ForkServerProcess | None = None
    attempts: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed} switch")
        self.commands = Commands(
            self.folder,
            {"SOURCE_URL": self.place.source.url, "TARGET_URL": self.place.target.url, "CROSSFADE_WORKERS": "1"},
        )

    def move(self) -> Move:
        return open_move(self.folder, self.place.source.url, self.place.target.url)

    def keep(self) -> None:
        """Start the run that follows, if there is none."""
        if self.follower is None or not self.follower.is_alive():
            self.follower = self.commands.start("start", "--workers", "1")

    # -- one switch, until it is done

    def switch(self, name: str, faults: int) -> None:
        """Run a command until its side takes writes; the first attempts are disturbed."""
        goal = {"cutover": "target", "rollback": "source"}[name]
        for left in range(faults + 6, 0, -1):
            plan = self.ready(name)
            fault = self._fault(name) if left > 6 else Fault()
            before, said = self.told.count(), self.attempt(name, plan, fault)
            self.wait(lambda before=before: self.told.count() > before + 6, f"neither side takes writes after {said}")  # type: ignore[misc]
            stage = self.stage()
            self.happened.append(f"{said} -> {stage}")
            if stage == goal:
                return
        raise Stuck(f"{name} did not succeed: {self.happened[-3:]}")

    def _fault(self, name: str) -> Fault:
        """Of all, one after the other: the next seed has the next one."""
        every = cases(name, self.place.source.direct.partition(":")[0])
        chosen = every[(self.seed + self.attempts * 7) % len(every)]
        return replace(chosen, at=self.rng.uniform(0.05, 3.0))

    def attempt(self, name: str, plan: str, fault: Fault) -> str:
        self.attempts += 1
        process = self.commands.start(name, "--plan", plan, point=fault.point)
        said = f"{name} {fault.kind} {fault.said}".rstrip()
        if fault.kind in DURING:
            process.join(fault.at)
            DURING[fault.kind](self, process, name, plan)
        self.wait(lambda: not process.is_alive(), f"{said} has not ended")
        return f"{said} ({process.exitcode})"

    def ready(self, name: str) -> str:
        """Wait until all gates hold, with a fresh proof; return the plan."""
        found: list[str] = []
        end, proven = time.monotonic() + WAIT, False
        with self.move() as move:
            while time.monotonic() < end:
                self.keep()
                try:
                    found, plan = self._gates(move, name) if self._follows(move, name) else (["no lag yet"], "")
                    if plan:
                        return plan
                    if found[0] != "no lag yet" and (not proven or set(found) & {"proof", "open differences"}):
                        self._prove(move, name)
                        proven = True
                        continue
                except CrossfadeError as error:  # the run has just begun, or a connection was cut
                    found = [str(error)]
                time.sleep(0.2)
        raise Stuck(f"the gates of the {name} do not hold: {found}")

    def _follows(self, move: Move, name: str) -> bool:
        found = move.following()
        direction = {"cutover": "forward", "rollback": "back"}[name]
        return found is not None and found.running and found.direction == direction and found.lag_ms is not None

    def _gates(self, move: Move, name: str) -> tuple[list[str], str]:
        """Return the gates that do not hold, and the plan if all of them do."""
        ready: Any = move.plan_cutover() if name == "cutover" else move.plan_rollback()
        broken = [gate.name for gate in ready.gates if not gate.holds]
        return broken or ["nothing"], ready.plan.digest if ready.ok else ""

    def _prove(self, move: Move, name: str) -> None:
        verdict: Any = move.verify() if name == "cutover" else move.verify_back()
        is_live = name == "rollback" or verdict.through is not None
        if is_live and not verdict.equal:
            raise Stuck(f"{verdict.differences} differences before the {name}")

    def stage(self) -> str:
        """Where the move is, as soon as no controller is at work."""
        found = ""

        def settled() -> bool:
            nonlocal found
            with suppress(CrossfadeError), self.move() as move:
                found = move.status().cutover.stage
            return found in ("source", "target")

        self.wait(settled, "the stage does not settle")
        return found

    def wait(self, holds: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + WAIT
        while not holds():
            if time.monotonic() > end:
                raise Stuck(f"{otherwise} (after {self.happened})")
            self.keep()
            time.sleep(0.03)

    def use(self, side: str, writes: int) -> None:
        """A while in which the application uses a side, and the run that follows is killed, or not."""
        self.keep()
        for part in range(2):
            count = self.told.count(side)
            self.wait(lambda count=count: self.told.count(side) > count + writes // 2, f"{side} takes no writes")  # type: ignore[misc]
            if not part and self.rng.random() < 0.5 and self.follower is not None:
                kill(self.follower)
                self.happened.append("follower killed")

    # -- the end

    def problems(self) -> list[str]:
        """What is not as it must be, when nobody writes any more."""
        sides: dict[str, Side] = {OLD: self.old(), NEW: self.new()}
        try:
            for side in sides.values():
                with suppress(Stuck):
                    self.wait(lambda side=side: side.all() == self.told.customers, "")  # type: ignore[misc]
            found = [line for name, side in sides.items() for line in _differences(name, side, self.told)]
        finally:
            for side in sides.values():
                side.close()
        with self.move() as move:
            if not (verdict := move.verify()).equal:
                found.append(f"verify: {verdict.differences} differences")
            found += [f"{one.entity} is not balanced" for one in move.status().entities if not one.balanced]
        return found

    def end(self) -> None:
        with suppress(CrossfadeError), self.move() as move:
            move.stop()
        if self.follower is not None:
            kill(self.follower)


def _differences(name: str, side: Side, told: Told) -> Iterator[str]:
    there = side.all()
    for n in sorted(there.keys() | told.customers.keys()):
        if there.get(n) != told.customers.get(n):
            yield f"{name} has {there.get(n)} as {n}, and was told {told.customers.get(n)}"


# -- what is done to a process while it runs


def _moment(run: Switching, process: ForkServerProcess, name: str, plan: str) -> None:
    kill(process)


def _freeze(run: Switching, process: ForkServerProcess, name: str, plan: str) -> None:
    """As a machine that sleeps for longer than the controller's time."""
    with suppress(ProcessLookupError):
        os.kill(process.pid or 0, signal.SIGSTOP)
        end = time.monotonic() + run.rng.choice((1.0, FENCE_S + REFUSED_S + GRACE + 1.5))
        while time.monotonic() < end:
            run.keep()
            time.sleep(0.1)
        os.kill(process.pid or 0, signal.SIGCONT)


def _second(run: Switching, process: ForkServerProcess, name: str, plan: str) -> None:
    other = run.commands.start(name, "--plan", plan)
    run.wait(lambda: not other.is_alive(), f"a second {name} has not ended")


def _cut(run: Switching, process: ForkServerProcess, name: str, plan: str) -> None:
    run.rng.choice((run.place.source, run.place.target)).proxy.cut()


def _follower(run: Switching, process: ForkServerProcess, name: str, plan: str) -> None:
    if run.follower is not None:
        kill(run.follower)


DURING: dict[str, Callable[[Switching, ForkServerProcess, str, str], None]] = {
    "moment": _moment, "freeze": _freeze, "second": _second, "cut": _cut, "follower": _follower,
}  # fmt: skip


# -- all of it


@dataclass
class Result:
    problems: list[str]
    happened: list[str]
    writes: int = 0
    seconds: float = 0.0


def one_run(
    place: Ground, folder: Path, seed: int, *, faults: int = 1, rounds: int = 1, application: str = ""
) -> Result:
    """`application`: the URL by which the application reaches the source, if not by that of the move."""
    begun = time.monotonic()
    rows = place.source.of_rows
    at_source, at_target = application or place.source.direct, place.target.direct
    old: Callable[[], Any] = (lambda: by_number(at_source)) if rows else (lambda: Documents(at_source))
    new = (lambda: by_number(at_target)) if rows else (lambda: by_uuid(at_target))
    with _open(old) as store:
        store.create()
        kept = store.kept()
    schema, mapping = (ROWS_SCHEMA, ROWS) if rows else (SCHEMA, DOCUMENTS)
    shop.small_project(folder, schema, mapping, chunk_mb=0.002, more=LIMITS)
    run = Switching(place, folder, seed, old, new, Told())
    with run.move() as move:
        move.survey()
        move.invert()
    result = Result([], run.happened)
    try:
        run.ready("cutover")
        with writing(seed, run.told, old, new) as writers:
            try:
                run.use(OLD, 10)
                for _ in range(rounds):
                    run.switch("cutover", faults)
                    run.use(NEW, 30)
                    run.switch("rollback", faults)
                    run.use(OLD, 10)
            except Stuck as error:
                result.problems.append(str(error))
        result.problems += [f"a writer failed: {one.error!r}" for one in writers if one.error]
        result.problems += [
            f"nothing was refused by {side}" for side in (OLD, NEW) if not any(w.refused[side] for w in writers)
        ]
        if (phases := run.told.phases()) != [OLD, *[NEW, OLD] * rounds]:
            result.problems.append(f"sides took writes in this order: {phases}")
        result.problems += run.problems()
        with _open(old) as store:
            there = store.kept()
        result.problems += [
            f"what the old store alone knows of {n} is {there[n]!r}" for n in there if there[n] != kept[n]
        ]
    except Stuck as error:
        result.problems.append(str(error))
    finally:
        run.end()
    result.writes, result.seconds = run.told.count(), time.monotonic() - begun
    return result


@contextmanager
def _open(store: Callable[[], Any]) -> Iterator[Any]:
    made = store()
    try:
        yield made
    finally:
        made.close()
