"""Progress on stderr. Phases emit events; here are four ways to hear them: bars, lines, JSON lines, and silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crossfade.assess.survey import Scanned
from crossfade.cli.events import log_event
from crossfade.cli.options import Options
from crossfade.cli.screen import number, safe
from crossfade.model.counts import counted
from crossfade.move import Found, Planned, StepDone, Verifying
from crossfade.pipeline.constraints import RecordsLeft
from crossfade.pipeline.copy import ChunkCopied
from crossfade.pipeline.mend import RecordRetried, Retrying
from crossfade.verify.chunk import ChunkVerified
from crossfade.verify.run import RuleAsked, TableVerified

Listener = Callable[[Any], None]


@dataclass(frozen=True)
class Advance:
    """What an event means for a bar: so many more of `unit`, and how many there are in all, where it says that."""

    bar: str
    unit: str
    count: int = 0
    total: int | None = None


def advance_of(event: Any) -> Advance | None:
    match event:
        case Found(documents=documents):
            return Advance("survey", "document", total=documents)
        case Scanned(documents=documents):
            return Advance("survey", "document", documents)
        case StepDone():
            return Advance("schema", "step", 1)
        case Planned(documents=documents):
            return Advance("copy", "document", total=documents)
        case ChunkCopied(chunk=chunk):
            return Advance("copy", "document", chunk.count)
        case RecordsLeft(count=count):
            return Advance("to quarantine", "record", count)
        case Retrying(records=records):
            return Advance("retry", "record", total=records)
        case RecordRetried():
            return Advance("retry", "record", 1)
        case Verifying(documents=documents):
            return Advance("verify", "document", total=documents)
        case ChunkVerified(chunk=chunk):
            return Advance("verify", "document", chunk.count)
        case TableVerified():
            return Advance("keys", "table", 1)
        case RuleAsked():
            return Advance("rules", "rule", 1)
    return None


@contextmanager
def listening(options: Options) -> Iterator[Listener]:
    """A listener for the time of a phase, as the options want it."""
    if options.logs_json:
        yield log_event
    elif options.quiet:
        yield _silent
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield Bars(bars)
    else:
        lines = Lines()
        yield lines
        lines.say()


def _silent(event: Any) -> None:
    """Nobody listens."""


def _bars() -> Progress:
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
        console=console,
    )


class Bars:
    """A bar for each phase, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, event: Any) -> None:
        step = advance_of(event)
        if step is None:
            return
        if step.bar not in self.tasks:
            self.tasks[step.bar] = self.progress.add_task(f"{step.bar:<13}", total=step.total, unit=f"{step.unit}s")
        task = self.tasks[step.bar]
        if step.total is not None:
            self.progress.update(task, total=step.total)
        self.progress.advance(task, step.count)


class Lines:
    """A line of text now and then, where stderr is a file or a pipe: at most one a second, and one at the end."""

    def __init__(self, every: float = 1.0) -> None:
        self.every = every
        self.said_at = time.monotonic()
        self.counts: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self.unsaid: dict[str, str] = {}

    def __call__(self, event: Any) -> None:
        step = advance_of(event)
        if step is None:
            return
        if step.total is not None:
            self.totals[step.bar] = step.total
        self.counts[step.bar] = self.counts.get(step.bar, 0) + step.count
        total = self.totals.get(step.bar)
        count = self.counts[step.bar]
        of_all = f"{number(count)} of {counted(total, step.unit)}" if total is not None else counted(count, step.unit)
        self.unsaid[step.bar] = f"{step.bar}: {of_all}"
        if time.monotonic() - self.said_at >= self.every:
            self.say()

    def say(self) -> None:
        """What has changed since the last line."""
        if self.unsaid:
            sys.stderr.write(safe("; ".join(self.unsaid.values())) + "\n")
            sys.stderr.flush()
        self.unsaid, self.said_at = {}, time.monotonic()
