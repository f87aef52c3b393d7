"""Progress on stderr. Phases emit events, which are shown as bars, lines or JSON lines, or not at all."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crossfade.cli.events import log_event
from crossfade.cli.notices import notice_of
from crossfade.cli.options import Options
from crossfade.cli.screen import number, safe
from crossfade.model.counts import counted
from crossfade.model.events import (
    ChunkCopied,
    ChunkVerified,
    CopyStarted,
    Event,
    FollowerAwaited,
    GenerationStarted,
    LagProven,
    Listener,
    PassEnded,
    RecordRetried,
    RecordsApplied,
    RecordsCompared,
    RecordsEvicted,
    RecordsPending,
    RecordsSampled,
    RecordsScanned,
    RetryStarted,
    RuleChecked,
    SampleStarted,
    StepDone,
    StepsStarted,
    SurveyStarted,
    TableVerified,
    VerificationStarted,
    ignore,
)


@dataclass(frozen=True)
class Advance:
    """The change of a bar by an event: how many more of `unit` are done, and the total if the event has it.

    `entity` is the entity that they belong to; `refused` counts those that went to quarantine, by reason and column.
    """

    bar: str
    unit: str
    count: int = 0
    total: int | None = None
    entity: str = ""
    refused: Mapping[str, int] = field(default_factory=dict)
    said: str = ""
    """The new text of the bar."""


def advances_of(event: Event) -> Sequence[Advance]:
    match event:
        case SurveyStarted(records=records):
            return [Advance("survey", "record", total=records)]
        case RecordsScanned(records=records):
            return [Advance("survey", "record", records, entity=event.entity)]
        case StepsStarted(steps=steps):
            return [Advance("schema", "step", total=steps)]
        case StepDone():
            return [Advance("schema", "step", 1)]
        case CopyStarted(records=records):
            return [Advance("copy", "record", total=records)]
        case ChunkCopied(chunk=chunk):
            refused = {f"{r.reason} at {r.place}" if r.place else r.reason: r.count for r in event.refused}
            return [Advance("copy", "record", chunk.count, entity=chunk.entity, refused=refused)]
        case RecordsEvicted(count=count):
            refused = {f"{event.constraint} of {event.table}": count}
            return [Advance("constraints", "record", count, entity=event.entity, refused=refused)]
        case SampleStarted(records=records):
            return [Advance("sample", "record", total=records)]
        case RecordsSampled(records=records):
            refused = {event.entity: event.refused} if event.refused else {}
            return [Advance("sample", "record", records, entity=event.entity, refused=refused)]
        case RetryStarted(records=records):
            return [Advance("retry", "record", total=records)]
        case RecordRetried():
            stays = {event.reason: 1} if event.reason else {}
            return [Advance("retry", "record", 1, entity=event.entity, refused=stays)]
        case RecordsApplied(records=records):
            return [Advance("apply", "record", records)]
        case RecordsPending(records=records):
            return [Advance("apply", "record", said=f"{number(records)} to be applied")]
        case PassEnded(number=of, seconds=seconds, repaired=repaired):
            return [Advance("passes", "pass", 1, said=f"{number(repaired)} repaired in pass {of} ({seconds:.1f} s)")]
        case LagProven(seconds=seconds):
            return [Advance("apply", "record", said=f"{seconds:.2f} s behind")]
        case VerificationStarted(records=records):
            return [
                Advance("verify", "record", total=records),
                Advance("keys", "table", total=event.tables),
                Advance("rules", "rule", total=event.rules),
            ]
        case ChunkVerified(chunk=chunk):
            return [Advance("verify", "record", chunk.count, entity=chunk.entity)]
        case GenerationStarted(number=generation, records=records):
            said = f"generation {generation}: {number(records)} to compare"
            return [Advance("again", "record", said=said)]
        case RecordsCompared(records=records, differing=differing):
            return [Advance("again", "record", records, said=f"{number(differing)} differ for now")]
        case FollowerAwaited(pending=pending):
            return [Advance("again", "record", said=f"waiting for the follower, which has {number(pending)} to apply")]
        case TableVerified():
            return [Advance("keys", "table", 1)]
        case RuleChecked():
            return [Advance("rules", "rule", 1)]
    return []


@dataclass
class Meter:
    """The progress of a phase: done and total, the entity, the speed, the time left, and what went to quarantine.

    If a phase starts another round (a retry of records that waited for a parent), its total is that of all rounds.
    """

    unit: str
    now: Callable[[], float] = time.monotonic
    count: int = 0
    total: int | None = None
    entity: str = ""
    refused: Counter[str] = field(default_factory=Counter)
    said: str = ""
    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.now()

    def take(self, step: Advance) -> None:
        if step.total is not None:
            self.total = self.count + step.total
        self.count += step.count
        self.entity = step.entity or self.entity
        self.refused.update(step.refused)
        self.said = step.said or self.said

    @property
    def figures(self) -> str:
        """Return done and total: `3 of 10 records (30%)`."""
        if self.total is None or self.count > self.total:
            return counted(self.count, self.unit)
        share = f" ({self.count / self.total:.0%})" if 0 < self.count < self.total else ""
        return f"{number(self.count)} of {counted(self.total, self.unit)}{share}"

    @property
    def speed(self) -> str:
        """Return the speed and the time left: `4,100/s, 0:07 left`; empty during the first second."""
        seconds = self.now() - self.started
        if seconds < 1 or not self.count or (self.total is not None and self.count >= self.total):
            return ""
        rate = self.count / seconds
        left = "" if self.total is None else f", {_clock((self.total - self.count) / rate)} left"
        return f"{rate:,.0f}/s{left}"

    @property
    def what_was_refused(self) -> str:
        """Return the most frequent refusals: `refused: 120 (unseen_path 100, check at users 20)`."""
        if not self.refused:
            return ""
        first = ", ".join(f"{_short(what)} {number(n)}" for what, n in self.refused.most_common(_CAUSES))
        more = ", ..." if len(self.refused) > _CAUSES else ""
        return f"refused: {number(self.refused.total())} ({first}{more})"

    @property
    def text(self) -> str:
        under_way = self.total is None or self.count < self.total
        parts = [
            self.figures,
            self.speed,
            f"now {self.entity}" if self.entity and under_way else "",
            self.what_was_refused,
            self.said,
        ]
        return ", ".join(filter(None, parts))


_CAUSES = 3
_SHOWN = 80


def _short(cause: str) -> str:
    """Return a cause for one line: the path of a value may have thousands of steps."""
    return cause if len(cause) <= _SHOWN else f"{cause[: _SHOWN - 3]}..."


OF_A_PASS = frozenset({"verify", "keys", "apply"})
"""Bars that begin again with each pass over a source that is polled."""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def listening(options: Options, every: float = 1.0, *, dated: bool = False) -> Iterator[Listener]:
    """Return a listener for the duration of a phase, as the options say. Lines of text have `every` seconds between
    them, and begin with the time if they are `dated`.
    """
    if options.logs_json:
        yield log_event
    elif options.quiet:
        yield ignore
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield Bars(bars)
    else:
        lines = Lines(every, dated=dated)
        yield lines
        lines.say()


def _bars() -> Progress:
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False),
        TimeElapsedColumn(),
        console=console,
    )


class Bars:
    """Show a bar for each phase, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, tuple[TaskID, Meter]] = {}

    def __call__(self, event: Event) -> None:
        if (notice := notice_of(event)) is not None:
            self.progress.console.print(notice)
        if isinstance(event, PassEnded):
            for bar in self.tasks.keys() & OF_A_PASS:
                self.progress.remove_task(self.tasks.pop(bar)[0])
        for step in advances_of(event):
            if step.bar not in self.tasks:
                task = self.progress.add_task(f"{step.bar:<11}", total=step.total, said="")
                self.tasks[step.bar] = task, Meter(step.unit)
            task, meter = self.tasks[step.bar]
            meter.take(step)
            self.progress.update(task, total=meter.total, completed=meter.count, said=safe(meter.text))


class Lines:
    """Print lines of text where stderr is a file or a pipe: at most one per second, and one at the end."""

    def __init__(self, every: float = 1.0, *, dated: bool = False) -> None:
        self.every, self.dated = every, dated
        self.said_at = time.monotonic()
        self.meters: dict[str, Meter] = {}
        self.unsaid: dict[str, None] = {}
        self.last = ""

    def __call__(self, event: Event) -> None:
        if (notice := notice_of(event)) is not None:
            self.say()
            self._write(notice)
        if isinstance(event, PassEnded):
            for bar in OF_A_PASS:
                self.meters.pop(bar, None)
                self.unsaid.pop(bar, None)
        for step in advances_of(event):
            meter = self.meters.setdefault(step.bar, Meter(step.unit))
            meter.take(step)
            if step.count or meter.total or step.said:
                self.unsaid[step.bar] = None
        if time.monotonic() - self.said_at >= self.every:
            self.say()

    def say(self) -> None:
        """Print what has changed since the last line."""
        line = safe("; ".join(f"{bar}: {self.meters[bar].text}" for bar in self.unsaid))
        if line and line != self.last:  # while a phase waits, the line stays the same
            self.last = line
            self._write(line)
        self.unsaid, self.said_at = {}, time.monotonic()

    def _write(self, line: str) -> None:
        dated = f"{datetime.now().astimezone().isoformat(timespec='seconds')} " if self.dated else ""
        sys.stderr.write(f"{dated}{line}\n")
        sys.stderr.flush()
