"""What was measured, as Markdown: medians with least and greatest, ratios within each round, and the machine."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import duplicates
import follow
import orders
import pairs
import quarantine
import switches
from contenders import DECODER, LIBRARY, ONE_THREAD, TWO_THREADS, UNCOLLECTED, Contender
from measure import Measured

READING = Path(__file__).with_name("reading.md")
OURS = ("crossfade", "duckdb", "pgpq", "psycopg", "pyarrow", "pymongo", "SQLAlchemy")
RATIOS = (
    *orders.RATIOS,
    *quarantine.RATIOS,
    *duplicates.RATIOS,
    *follow.RATIOS,
    *pairs.RATIOS,
    ("copy, in documents a second", "crossfade copy", "sling"),
    ("copy, in documents a second", "crossfade copy", "sling, flattened"),
    ("copy, in documents a second", "crossfade copy", "limit: both at once"),
    ("copy, in documents a second", "crossfade copy", "COPY script by hand"),
    ("copy, in documents a second", "crossfade copy", "loop with an ORM"),
    ("copy, in documents a second", "crossfade copy", "upserts by the hundred"),
    ("copy, in documents a second", "crossfade copy", "dlt"),
    ("copy, in documents a second", "crossfade copy, native reader", "sling"),
    ("copy, in documents a second", "crossfade copy, native reader", "limit: both at once"),
    ("copy, in documents a second", "crossfade copy, native reader", "COPY script by hand"),
    ("copy, in documents a second", LIBRARY, "limit: both at once"),
    ("copy, in documents a second", LIBRARY, "COPY script by hand"),
    ("verification, in documents a second", "crossfade verify, native reader", "crossfade copy, native reader"),
    ("two workers against one", "crossfade copy", "crossfade copy, 1 worker"),
    ("verification, in documents a second", "crossfade verify", "crossfade copy"),
    ("reading, in documents a second", "columns, native reader", "pymongoarrow"),
    ("reading, in documents a second", "survey, native reader", DECODER),
    ("reading, in documents a second", "survey, native reader", UNCOLLECTED),
    *(
        ("reading, in documents a second", f"{what}, native reader", f"{what}, reader in Python")
        for what in ("columns", "survey", "digests")
    ),
    ("two threads against one", TWO_THREADS, ONE_THREAD),
)


@dataclass
class Outcome:
    """All runs of one contender; `failed` says why there are no more."""

    contender: Contender
    runs: list[Measured] = field(default_factory=list)
    failed: str = ""

    @property
    def last(self) -> str:
        name = self.contender.name
        if self.failed:
            return f"{name} failed: {self.failed}"
        return f"{name}: {self.seconds[-1]:.2f} s, {self.rates[-1]:,.0f} documents a second"

    @property
    def seconds(self) -> list[float]:
        """Of the whole process, or as the process itself says where that is agreed on."""
        inside = self.contender.inside
        return [float(run.printed["seconds"]) if inside else run.seconds for run in self.runs]

    @property
    def rates(self) -> list[float]:
        return [self.contender.documents / seconds for seconds in self.seconds]


@dataclass(frozen=True)
class Results:
    """Everything of one project."""

    project: str
    documents: int
    size: int
    tables: Mapping[str, int]
    outcomes: Sequence[Outcome]

    def of(self, name: str) -> Outcome | None:
        return next((one for one in self.outcomes if one.contender.name == name and one.runs), None)


def render(
    results: Iterable[Results], versions: Mapping[str, str], missing: Mapping[str, str], scale: float, rounds: int
) -> str:
    parts = [_head(versions, missing, scale, rounds)]
    for one in results:
        parts += [_title(one), _table(one), *_lags(one), *_switches(one), *_ratios(one), *_failures(one)]
    return "\n\n".join([*parts, READING.read_text(encoding="utf-8")])


def _head(versions: Mapping[str, str], missing: Mapping[str, str], scale: float, rounds: int) -> str:
    own = {name: importlib.metadata.version(name) for name in OURS}
    shown = ", ".join(f"{name} {number}" for name, number in {**versions, **own}.items() if number)
    lines = [
        "# Results of `make bench`",
        "",
        f"- {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, scale {scale:g}, {rounds} round{'s' * (rounds != 1)}",
        f"- {_machine()}",
        f"- {shown}",
        *(["- a quick run: starting up weighs more than the work"] if scale < 1 else []),
        *(f"- without {name}: {reason}" for name, reason in missing.items()),
    ]
    return "\n".join(lines)


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({_cpu()}), {memory:.0f} GB of memory, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}; clients and both servers on this one machine"
    )


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"


def _title(one: Results) -> str:
    tables = ", ".join(f"{name} ({count:,})" for name, count in sorted(one.tables.items()))
    where = f"into {tables}" if tables else "in memory"
    return f"## {one.project}: {one.documents:,} documents of {one.size} bytes {where}"


def _table(one: Results) -> str:
    lines = [
        "| | documents | seconds, median (least to greatest) | documents a second | memory, MB | largest process, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join(lines + [_row(outcome, one.documents) for outcome in one.outcomes if outcome.runs])


def _row(outcome: Outcome, documents: int) -> str:
    seconds, rate = outcome.seconds, statistics.median(outcome.rates)
    digits = 2 if min(seconds) >= 1 else 3
    median, least, greatest = (f"{of(seconds):.{digits}f}" for of in (statistics.median, min, max))
    shown = f"{median} ({least} to {greatest})"
    if outcome.contender.documents < documents:
        shown += f"; all would take {documents / rate:.0f}"
    memory, largest = (max(getattr(run, name) for run in outcome.runs) for name in ("memory", "largest"))
    name, count = outcome.contender.name, outcome.contender.documents
    return f"| {name} | {count:,} | {shown} | {rate:,.0f} | {memory:.0f} | {largest:.0f} |"


def _lags(one: Results) -> list[str]:
    """How far the target was behind."""
    found = one.of(follow.LAG)
    return [f"{follow.LAG}: {follow.lags(found.runs)}"] if found else []


def _switches(one: Results) -> list[str]:
    """For how long neither side took writes."""
    found = one.of(switches.UNDER_LOAD)
    return switches.said(found.runs) if found else []


def _ratios(one: Results) -> list[str]:
    lines = ["| ratio | median (least to greatest) |", "|---|---:|"]
    for what, ours, theirs in RATIOS:
        mine, other = one.of(ours), one.of(theirs)
        if mine is None or other is None:
            continue
        by_round = [a / b for a, b in zip(mine.rates, other.rates, strict=False)]
        shown = f"{statistics.median(by_round):.2f} ({min(by_round):.2f} to {max(by_round):.2f})"
        lines.append(f"| {what}: {ours} / {theirs} | {shown} |")
    return ["\n".join(lines)] if len(lines) > 2 else []


def _failures(one: Results) -> list[str]:
    return [f"{o.contender.name} failed: {' / '.join(o.failed.splitlines()[-3:])}" for o in one.outcomes if o.failed]
