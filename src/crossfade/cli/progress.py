"""Progress on stderr. Phases emit events, which are shown as bars, lines or JSON lines, or not at all."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

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
    Listener,
    RecordRetried,
    RecordsEvicted,
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
    """What an event means for a bar: how many more of `unit` are done, and the total if the event says it.

    `entity` is the entity that they belong to; `refused` counts those that went to quarantine, by reason and column.
    """

    bar: str
    unit: str
    count: int = 0
    total: int | None = None
    entity: str = ""
    refused: Mapping[str, int] = field(default_factory=dict)


def advances_of(event: Event) -> Sequence[Advance]:
    match event:
        case SurveyStarted(records=records):
            return [Advance("survey", "document", total=records)]
        case RecordsScanned(records=records):
            return [Advance("survey", "document", records, entity=event.entity)]
        case StepsStarted(steps=steps):
            return [Advance("schema", "step", total=steps)]
        case StepDone():
            return [Advance("schema", "step", 1)]
        case CopyStarted(records=records):
            return [Advance("copy", "document", total=records)]
        case ChunkCopied(chunk=chunk):
            refused = {f"{r.reason} at {r.place}" if r.place else r.reason: r.count for r in event.refused}
            return [Advance("copy", "document", chunk.count, entity=chunk.entity, refused=refused)]
        case RecordsEvicted(count=count):
            refused = {f"{event.constraint} of {event.table}": count}
            return [Advance("constraints", "record", count, entity=event.entity, refused=refused)]
        case SampleStarted(records=records):
            return [Advance("sample", "document", total=records)]
        case RecordsSampled(records=records):
            refused = {event.entity: event.refused} if event.refused else {}
            return [Advance("sample", "document", records, entity=event.entity, refused=refused)]
        case RetryStarted(records=records):
            return [Advance("retry", "record", total=records)]
        case RecordRetried():
            stays = {event.reason: 1} if event.reason else {}
            return [Advance("retry", "record", 1, entity=event.entity, refused=stays)]
        case VerificationStarted(records=records):
            return [
                Advance("verify", "document", total=records),
                Advance("keys", "table", total=event.tables),
                Advance("rules", "rule", total=event.rules),
            ]
        case ChunkVerified(chunk=chunk):
            return [Advance("verify", "document", chunk.count, entity=chunk.entity)]
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
    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.now()

    def take(self, step: Advance) -> None:
        if step.total is not None:
            self.total = self.count + step.total
        self.count += step.count
        self.entity = step.entity or self.entity
        self.refused.update(step.refused)

    @property
    def figures(self) -> str:
        """Return done and total: `3 of 10 documents (30%)`."""
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
        first = ", ".join(f"{what} {number(n)}" for what, n in self.refused.most_common(_CAUSES))
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
        ]
        return ", ".join(filter(None, parts))


_CAUSES = 3


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def listening(options: Options) -> Iterator[Listener]:
    """Return a listener for the duration of a phase, as the options say."""
    if options.logs_json:
        yield log_event
    elif options.quiet:
        yield ignore
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield Bars(bars)
    else:
        lines = Lines()
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
        for step in advances_of(event):
            if step.bar not in self.tasks:
                task = self.progress.add_task(f"{step.bar:<11}", total=step.total, said="")
                self.tasks[step.bar] = task, Meter(step.unit)
            task, meter = self.tasks[step.bar]
            meter.take(step)
            self.progress.update(task, total=meter.total, completed=meter.count, said=safe(meter.text))


class Lines:
    """Print lines of text where stderr is a file or a pipe: at most one per second, and one at the end."""

    def __init__(self, every: float = 1.0) -> None:
        self.every = every
        self.said_at = time.monotonic()
        self.meters: dict[str, Meter] = {}
        self.unsaid: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        if (notice := notice_of(event)) is not None:
            self.say()
            sys.stderr.write(notice + "\n")
            sys.stderr.flush()
        for step in advances_of(event):
            meter = self.meters.setdefault(step.bar, Meter(step.unit))
            meter.take(step)
            if step.count or meter.total:
                self.unsaid[step.bar] = None
        if time.monotonic() - self.said_at >= self.every:
            self.say()

    def say(self) -> None:
        """Print what has changed since the last line."""
        if self.unsaid:
            sys.stderr.write(safe("; ".join(f"{bar}: {self.meters[bar].text}" for bar in self.unsaid)) + "\n")
            sys.stderr.flush()
        self.unsaid, self.said_at = {}, time.monotonic()
