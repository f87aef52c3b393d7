"""Ctrl-C while a library is running: a second one ends the program at once."""

from __future__ import annotations

import subprocess
import sys
import time

BUSY = """
import os, signal, threading, time
import duckdb
from crossfade.cli.second_signal import heard_at_once

def strike():
    time.sleep({before})
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)

signal.signal(signal.SIGINT, lambda *_: None)
threading.Thread(target=strike, daemon=True).start()
with heard_at_once([signal.SIGINT], lambda: os._exit(130)):
    {work}
"""
LONG = (
    "duckdb.sql(\"SELECT sum(length(lpad('x', CAST(400000000 + i AS INTEGER), 'a'))) FROM range(100) t(i)\").fetchall()"
)


def _ended(times: int, work: str, before: float = 1.0) -> tuple[int, float]:
    began = time.monotonic()
    program = BUSY.format(times=times, work=work, before=before)
    done = subprocess.run([sys.executable, "-c", program], timeout=100, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, time.monotonic() - began


def test_a_second_signal_is_heard_while_a_function_runs() -> None:
    """It takes minutes: without the thread, the second one would wait until it ends."""
    status, seconds = _ended(2, LONG)
    assert status == 130
    assert seconds < 60


def test_one_signal_ends_nothing() -> None:
    assert _ended(1, "time.sleep(1)", before=0.1)[0] == 0
