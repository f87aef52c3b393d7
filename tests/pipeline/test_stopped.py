"""Ctrl-C: running work is finished, nothing is printed twice, no process stays behind, and the copy resumes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pyarrow as pa
import pytest

from crossfade.transform.engine import Engine
from outcome import Outcome, Shop, differences, open_move, outcome
from run_copy import STOPPED
from scratch import PostgresScratch
from victim import Victim, all_gone


@pytest.mark.parametrize("forked", [pytest.param(False, marks=pytest.mark.torture), True])
@pytest.mark.parametrize(
    ("workers", "event"),
    [(1, "ChunkCopied"), (2, "ChunkCopied"), (2, "CopyStarted")],  # at CopyStarted the workers are only starting
)
def test_ctrl_c(
    filled_shop: Shop,
    undisturbed: Outcome,
    new_target: Callable[[], PostgresScratch],
    workers: int,
    event: str,
    forked: bool,
) -> None:
    target = new_target().url
    with Victim(filled_shop.folder, filled_shop.source, target, workers, forked=forked) as victim:
        while event not in victim.events:
            assert victim.wait_for_events(len(victim.events) + 1), victim.events
        time.sleep(0.3 if event == "CopyStarted" else 0)
        there = victim.strike(signal.SIGINT, whole_group=True)
        status, said = victim.wait()
        assert (status, said) == (STOPPED, "")
        assert all_gone(there)
    with open_move(filled_shop.folder, filled_shop.source, target) as move:
        done = sum(e.chunks_done for e in move.status().entities)
        assert done >= victim.events.count("ChunkCopied")
        assert differences(outcome(target, move.copy()), undisturbed) == []


def test_ctrl_c_in_the_engine_is_no_fault_of_a_record() -> None:
    """DuckDB makes an error of its own of it, which must not send records to quarantine."""
    engine = Engine()
    striking = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        ask_for_long(engine, striking)
    engine.close()


def ask_for_long(engine: Engine, striking: threading.Timer) -> None:
    striking.start()
    engine.run("SELECT sum(sqrt(i)) FROM range(3000000000) AS t(i)", {})


@pytest.mark.parametrize(
    "after", [pytest.param(0.02 + i / 250, marks=[pytest.mark.torture] if i % 4 else []) for i in range(40)]
)
def test_ctrl_c_is_none_of_the_engine_s_own_errors(after: float) -> None:
    """Not while it opens either, nor while it takes in a table or looks at types: `check` would make a fault of it."""
    table = pa.table({"a": list(range(1000))})
    striking = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        open_and_ask_for_ever(table, striking)


def open_and_ask_for_ever(table: pa.Table, striking: threading.Timer) -> None:
    striking.start()
    while True:
        engine = Engine()
        for _ in range(20):
            engine.types("SELECT a + 1 AS a FROM t", {"t": table})
        engine.close()
