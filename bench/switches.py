"""Cutovers and rollbacks while applications write: for how long no side takes a write, and how far the way back is
behind.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import stores as there
from contenders import Contender
from measure import measure
from row_sources import TABLE

HERE = Path(__file__).parent
RATE, SECONDS, SWITCHES, SHARE = 2_000, 20, 7, 0.05
"""Seven of each in a round: twenty in three rounds, and one more. SHARE: of the sessions of other projects."""
NAMES = {"mongodb": "MongoDB", "postgresql": "PostgreSQL"}
SOURCES = list(NAMES)
UNDER_LOAD = f"cutovers and rollbacks under {RATE:,} writes a second"
WHILE_CLOSED = {
    "cutovers": ("fence the source", "marker", "drain", "last comparison", "numbers", "open the target"),
    "rollbacks": ("fence the target", "marker", "drain", "last comparison", "numbers", "decide", "open the source"),
}


def steps(work: Path, source: str, env: dict[str, str], documents: int, switches: int) -> list[Contender]:
    kind = "sessions" if source.startswith("mongodb") else "rows"
    folder = Path(shutil.copytree(HERE / "projects" / kind, work / f"switch-{kind}"))
    own = {"SOURCE_URL": source, "BENCH_PROJECT": str(folder)}
    for what in ("survey", "invert"):
        measure([sys.executable, "-m", "crossfade", what, "--project", str(folder), "--quiet"], {**env, **own})
    command = [sys.executable, str(HERE / "switch_child.py"), str(switches), str(RATE), str(SECONDS)]
    return [Contender(UNDER_LOAD, command, documents, "empty", {TABLE: documents}, inside=True, env=own)]


def fill(stores: there.Stores, kind: str, scale: float) -> tuple[str, int, int]:
    """The source's URL, how many records it has, and of which size."""
    if kind == "mongodb":
        documents, size = there.fill(stores, "switch", "writingsessions", scale * SHARE)
        return stores.source("switch"), documents, size
    there.fill_rows(stores, "postgresql", stores.rows, scale * SHARE)
    return stores.rows, *there.row_size(stores)


def drop(stores: there.Stores, kind: str) -> None:
    if kind == "mongodb":
        there.drop_source(stores, "switch")
    else:
        there.drop_rows(stores)


def said(runs: Sequence[Any]) -> list[str]:
    """What was measured, in words and a table."""
    printed = [run.printed for run in runs]
    lines = [
        "| ms without a write that was taken | times | median | 90 % | worst | writes a second before | stepped back |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in WHILE_CLOSED:
        found = [one for run in printed for one in run[kind]]
        gaps = sorted(one["gap"] for one in found)
        tenth = gaps[min(len(gaps) - 1, int(0.9 * len(gaps)))]
        rate, failed = statistics.median(one["rate"] for one in found), sum(one["failures"] for one in found)
        times = f"{len(gaps)} | {statistics.median(gaps):.0f} | {tenth:.0f} | {gaps[-1]:.0f}"
        lines.append(f"| {kind} | {times} | {rate:,.0f} | {failed} |")
    parts = ["\n".join(lines), *(_steps(kind, printed) for kind in WHILE_CLOSED)]
    lags = [f"{run['lag']['p50'] * 1000:.0f} / {run['lag']['p99'] * 1000:.0f}" for run in printed]
    written = ", ".join(f"{run['lag']['written']:,.0f}" for run in printed)
    return [
        *parts,
        f"lag of the way back, p50 / p99 in ms, a round each: {', '.join(lags)}; writes a second: {written}",
    ]


def _steps(kind: str, printed: Sequence[Mapping[str, Any]]) -> str:
    steps = [one["steps"] for run in printed for one in run[kind]]
    medians = {name: 1000 * statistics.median(of[name] for of in steps) for name in WHILE_CLOSED[kind]}
    return f"{kind}, ms of the steps between, median: " + ", ".join(f"{name} {ms:.0f}" for name, ms in medians.items())
