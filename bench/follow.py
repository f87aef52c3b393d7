"""A source that is followed: how far the target is behind, how fast a backlog is drained, what it costs the writers,
and what a fresh proof costs beside a whole one.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymongo

from contenders import Contender
from crossfade.testing import MONGODB_URL
from measure import measure

HERE = Path(__file__).parent
WRITES, RATE, SECONDS, PROVEN = 20_000, 2_000, 20, 10_000
READ, DRAINED = "limit: feed read and thrown away", "backlog drained"
ALONE, FOLLOWED = "writers alone", "writers beside the follower"
WHOLE, FRESH = "verify beside the follower", f"verify --again after {PROVEN:,} writes"
LAG = f"lag at {RATE:,} writes a second"
RATIOS = (
    ("keys a second", DRAINED, READ),
    ("writes a second", FOLLOWED, ALONE),
    ("proofs of all in the same time", FRESH, WHOLE),
)
OPLOG_MB = 4000


def steps(work: Path, mongodb: str, env: dict[str, str], documents: int) -> list[Contender]:
    """In the order in which a round runs them: each goes on from what the one before it has left."""
    folder = Path(shutil.copytree(HERE / "projects" / "sessions", work / "follow"))
    own = {"SOURCE_URL": mongodb, "BENCH_PROJECT": str(folder)}
    measure([sys.executable, "-m", "crossfade", "survey", "--project", str(folder), "--quiet"], {**env, **own})
    _keep_the_backlog(mongodb)

    def one(name: str, count: int, *arguments: str, target: str = "kept") -> Contender:
        command = [sys.executable, str(HERE / "follow_child.py"), *arguments]
        return Contender(name, command, count, target, inside=True, env=own)

    return [
        one(ALONE, WRITES, "writers", str(WRITES), "0", target="empty"),
        one(FOLLOWED, WRITES, "writers", str(WRITES), "1"),
        one(LAG, RATE * SECONDS, "lag", str(RATE), str(SECONDS)),
        one(WHOLE, documents, "verify", "0"),
        one(FRESH, documents, "verify", str(PROVEN)),
        one(READ, documents, "read"),
        one(DRAINED, documents, "drain"),
    ]


def _keep_the_backlog(mongodb: str) -> None:
    """Our own server's oplog is small; on another it is what it is."""
    if not os.environ.get(MONGODB_URL):
        with pymongo.MongoClient[dict[str, Any]](mongodb) as client:
            client.admin.command("replSetResizeOplog", 1, size=float(OPLOG_MB))


def lags(runs: Sequence[Any]) -> str:
    """The lags of all runs, in words."""
    said = [f"{run.printed['p50'] * 1000:.0f} / {run.printed['p99'] * 1000:.0f}" for run in runs]
    written = ", ".join(f"{run.printed['written']:,.0f}" for run in runs)
    return f"p50 / p99 in ms, a round each: {', '.join(said)}; writes a second: {written}"
