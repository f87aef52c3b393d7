"""`crossfade start`: copy, and follow the source until stopped. `crossfade stop`: end that."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.copy import SOURCE_MOVED
from crossfade.cli.durations import seconds_of
from crossfade.cli.events import line_of
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.screen import Screen
from crossfade.cli.status import draw_following, following_document, status_answer
from crossfade.errors import Busy, CrossfadeError
from crossfade.move.values import FollowStatus

FOR = Annotated[
    str, typer.Option("--for", metavar="DURATION", help="Stop by itself after this time: 90s, 30m, 2h, 7d.")
]
POLL = Annotated[
    bool,
    typer.Option("--poll", help="Without a change feed: compare everything repeatedly, and repair what differs."),
]
DETACH = Annotated[bool, typer.Option("--detach", help="Run in the background, and return once it has started.")]
LOG = "start.log"
_EVERY = 10.0
"""Seconds between two lines of progress: a run may last for weeks."""


@command(
    "crossfade start --for 2h --project examples/scribe-tree",
    "crossfade start --detach --project examples/scribe-tree",
    "crossfade start --poll --project examples/scribe-tree",
    stopped="applied changes are committed; crossfade start resumes",
)
def start(
    call: Invocation,
    for_: FOR = "",
    detach: DETACH = False,
    poll: POLL = False,
    source_moved: SOURCE_MOVED = False,
    dask: DASK = "",
) -> Answer:
    """Copy what is not copied yet, and follow the source: changes are applied to the target as they arrive.

    The position in the source's changes is taken before the first record is read, so that nothing is missed. It runs
    until `crossfade stop` or Ctrl-C, or for the time of --for. After that, and after any crash, the same command
    resumes where it stopped. `crossfade status` shows how far behind the target is.

    A SQLite file, a dump, a MongoDB server without a replica set, and a source whose login lacks the privileges for a
    feed are polled (--poll): both sides are compared in full, repeatedly, and what differs is repaired. Exit status 1
    if records of an entity are no longer applied, or as for `status`.
    """
    seconds = seconds_of(for_) if for_ else None
    if detach:
        given: dict[str, str | bool] = {"--for": for_, "--poll": poll, "--dask": dask, "--source-moved": source_moved}
        return _detached(call, [text for name, value in given.items() if value for text in _said(name, value)])
    with call.move(dask) as move, call.listen(every=_EVERY, dated=True) as listen:
        call.tell_reader(surveyed_bytes(move))
        return status_answer(move.start(listen, seconds=seconds, source_moved=source_moved, poll=poll))


@command("crossfade stop --project examples/scribe-tree")
def stop(call: Invocation) -> Answer:
    """Stop the run that follows the source, once what it is applying is committed. `crossfade start` resumes.

    The source retains later changes for as long as its oplog or its disk allows.
    """
    with call.move() as move:
        return _answer(move.stop(), is_over=move.is_over)


def _answer(found: FollowStatus, *, is_over: bool) -> Answer:
    document: dict[str, Any] = {"ok": found.ok or is_over, "following": following_document(found)}

    def draw(screen: Screen) -> None:
        if is_over:
            screen.line("the target is open, and nothing is followed: crossfade finish ends the move")
        else:
            draw_following(screen, document["following"])

    return Answer(document, draw, ok=document["ok"])


# -- in the background

_left_alone: list[subprocess.Popen[bytes]] = []
"""Processes that outlive this one, on purpose."""


def _said(name: str, value: str | bool) -> list[str]:
    return [name] if value is True else [name, str(value)]


def _detached(call: Invocation, given: Sequence[str]) -> Answer:
    """Start the same command without --detach, in a session of its own, and wait until it is alive or has ended."""
    _require_alone(call)
    log = call.project.root / (f"start-{call.options.group}.log" if call.options.group else LOG)
    shared = ["--project", str(call.options.project), "--workers", str(call.options.worker_count)]
    shared += ["--group", call.options.group] if call.options.group else []
    shared += ["--log-format", call.options.log_format.value, *(["--quiet"] if call.options.quiet else [])]
    environment = {name: value for name, value in os.environ.items() if name != "CROSSFADE_JSON"}
    with log.open("ab") as output:
        output.write(_beginning(call, ["start", *given]).encode())
        output.flush()
        child = subprocess.Popen(
            [sys.executable, "-m", "crossfade", "start", *given, *shared],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _left_alone.append(child)
    found = _begun(call, child, log)
    document: dict[str, Any] = {"ok": True, "pid": child.pid, "log": str(log), "following": following_document(found)}

    def draw(screen: Screen) -> None:
        screen.line(f"started as process {child.pid}; its messages are in {log}")
        draw_following(screen, document["following"])

    return Answer(document, draw)


def _require_alone(call: Invocation) -> None:
    """Raise Busy if a run follows already: the state of the old run would be shown as that of the new one."""
    with call.move() as move:
        found = move.following()
    if found is not None and found.running:
        raise Busy(
            f"another run of crossfade follows the source since {found.started_at}; nothing was started",
            hint="crossfade status, which shows its progress; crossfade stop, which ends it",
        )


def _beginning(call: Invocation, words: Sequence[str]) -> str:
    """Return the line of the log with which a run begins."""
    text = f"crossfade {shlex.join(words)}"
    if call.options.logs_json:
        return line_of({"event": "Said", "text": text})
    return f"== {datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n"


def _begun(call: Invocation, child: subprocess.Popen[bytes], log: Path) -> FollowStatus:
    """Return the state of the run once it is alive. Raises its error if it has ended."""
    while child.poll() is None:
        time.sleep(0.3)
        with call.move() as move:
            found = move.following()
        if found is not None and found.running:
            return found
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise CrossfadeError("\n".join(["the run in the background has ended:", *said]), hint=f"see {log}")
