"""One run of a move under load.

Writers write while the source is copied and followed; processes are killed, connections cut, servers restarted. Then
the writers stop, the follower has to catch up, and the target is held against an oracle (club.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import club
import faults
import psycopg
from club_projects import write_project
from club_stores import connect, read_target
from club_writers import Size, Writers, initial
from controller import Controller
from ground import Ground
from launcher import Launcher

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty, feed
from crossfade.model.positions import Position
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.stores.contract import ChangeFeed, need
from outcome import counts_of


@dataclass(frozen=True)
class Load:
    """`seconds`: how long it goes on after the copy. `rate`: changes a second, of all writers. `faults`: kinds, of
    which `often` happen in a second at random moments, in the copy at most `in_copy`. `point`: a named point at which
    the first controller is killed (see run_start.py). `patience`: seconds in which it has to copy, and to catch up.
    """

    seconds: float = 8.0
    rate: float = 300.0
    people: int = 300
    workers: int = 2
    faults: Sequence[str] = tuple(faults.KINDS)
    often: float = 0.5
    in_copy: int = 2
    point: Sequence[str] = ()
    patience: float = 200.0


@dataclass
class Result:
    problems: list[str]
    written: int = 0
    happened: str = ""
    caught_up: float = 0.0


def one_run(place: Ground, folder: Path, seed: int, load: Load, launcher: Launcher | None = None) -> Result:
    """Run one move; return what is not as it must be."""
    size, rows = Size(load.people), place.source.of_rows
    state = initial(seed, size, rows=rows)
    source = connect(place.source.direct)
    source.create(state)
    write_project(folder, rows=rows, documents=not place.target.of_rows)
    with open_direct(place, folder) as move:
        move.survey()
    urls = place.source.url, place.target.url
    controller = Controller(folder, *urls, workers=load.workers, launcher=launcher)
    writers = Writers(place.source.direct, seed, size, state, rows=rows, rate=load.rate)
    run = faults.Run(place, controller, random.Random(f"{seed} faults"))
    writers.start()
    try:
        controller.start(*load.point)
        happened = disturb(run, folder, load)
    finally:
        writers.stop()
    try:
        result = Result([*run.problems], writers.written, " ".join(happened))
        began = time.monotonic()
        late = caught_up(place, folder, controller, load.patience)
        result.problems += late
        result.caught_up = time.monotonic() - began
        if late:  # nothing else can be said of it
            return result
        source.close()
        source = connect(place.source.direct)
        result.problems += writers.lost(source.read())
        result.problems += judged(place, folder, source.read())
        result.problems += ended(controller, run)
        return result
    finally:
        source.close()
        controller.kill(group=True)


def open_direct(place: Ground, folder: Path) -> Move:
    return Move(load_project(folder, {"SOURCE_URL": place.source.direct, "TARGET_URL": place.target.direct}))


def disturb(run: faults.Run, folder: Path, load: Load) -> list[str]:
    """Let things happen during the copy, and for a while after it; return what did."""
    happened = list[str]()
    with open_direct(run.ground, folder) as move:
        limit = time.monotonic() + load.patience
        while not is_following(move) and time.monotonic() < limit:
            happened += happen(run, load if len(happened) < load.in_copy else quiet(load), time.monotonic() + 1)
        happened.append("|")
        happened += happen(run, load, time.monotonic() + load.seconds)
    return happened


def is_following(move: Move) -> bool:
    try:
        found = move.following()
    except CrossfadeError:  # a server is not there
        return False
    return found is not None and found.state == "following"


def quiet(load: Load) -> Load:
    return replace(load, faults=())


def happen(run: faults.Run, load: Load, end: float) -> list[str]:
    happened = list[str]()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, run.rng.expovariate(load.often) if load.faults else 0.2))
        if time.monotonic() < end and load.faults:
            kind = run.rng.choice(list(load.faults))
            faults.KINDS[kind](run)
            happened.append(kind)
        run.controller.keep()
    return happened


def caught_up(place: Ground, folder: Path, controller: Controller, patience: float) -> list[str]:
    """Wait until everything that was written is in the journal, and nothing of it is pending."""
    with open_direct(place, folder) as move:
        part = move.source.changes
        assert part is not None
        asked = part.feed("club_asked", sorted({branch.entity for branch in move.program.branches}))
        wanted, end = asked.position(), time.monotonic() + patience
        said = "it never followed"
        while time.monotonic() < end:
            controller.keep()
            try:
                said = standing(move, asked, wanted)
            except CrossfadeError as error:  # the run that begins has locked the journal
                said = error.message
            if not said:
                asked.close()
                return []
            time.sleep(0.1)
        asked.close()
    return [f"it did not catch up in {patience:.0f} s: {said}\n{controller.said()}"]


def standing(move: Move, asked: ChangeFeed, wanted: Position) -> str:
    """How far the run has come, in words; nothing if all of it is applied."""
    if move.following() is None:
        return "it never followed"
    with need(move.target.writer, move.target, "be written to").transaction() as tx:
        record, left = feed.find(tx), sum(dirty.count(tx).values())
    if record is None:
        return "it has no feed"
    there = asked.reached(record.position, wanted)
    if there and not left and record.state == "following":
        return ""
    return f"{record.state}, {left} pending, {'' if there else 'not '}at the end, {record.cause or 'no cause'}"


def judged(place: Ground, folder: Path, source: club.Source) -> list[str]:
    """Both sides, held against each other by the oracle, and what the move itself says of them."""
    with open_direct(place, folder) as move:
        status = move.status()
        counts = counts_of(status)
        tables, entries = read_target(place.target.direct)
        found = club.faults(source, club.Found(tables, entries, counts))
        kept = {name: sum(rows.values()) for name, rows in tables.items() if name in status.rows}
        if kept != dict(status.rows):
            found.append(f"the journal counts {status.rows} rows, there are {kept}")
        verdict = move.verify()
    if not verdict.equal:
        named = [d for t in verdict.tables for d in t.differences] + [
            a for e in verdict.entities for a in e.altered_records
        ]
        found.append(f"verify finds {verdict.differences} differences: {named}")
    return found + (journaled(place.target.direct) if found else [])


JOURNALED = (
    "SELECT id, entity, record_key, reason, detail, phase, noted_at FROM crossfade.quarantine WHERE state = 'open'",
    "SELECT * FROM crossfade.waiting",
    "SELECT * FROM crossfade.dirty",
    "SELECT * FROM crossfade.suspect",
    "SELECT * FROM crossfade.feed",
)


def journaled(url: str) -> list[str]:
    """What the journal says, for whoever looks for the fault."""
    if not url.startswith("postgresql"):
        return []
    with psycopg.connect(url) as connection:
        return [str(row) for query in JOURNALED for row in connection.execute(query.encode())]


def ended(controller: Controller, run: faults.Run) -> list[str]:
    """`crossfade stop` ends the last one with exit status 0."""
    status = controller.stop()
    return [] if status == 0 else [f"the last controller ended with {status}\n{controller.said()}"]
