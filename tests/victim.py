"""A copy in another process, and ways to kill it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from crossfade.runtime.processes import context
from run_copy import copy_until

SCRIPT = Path(__file__).with_name("run_copy.py")
GONE_SECONDS = 120.0


class Victim:
    """Runs in a session of its own, so that its whole group can be struck. Use as a context manager."""

    def __init__(self, project: Path, source: str, target: str, workers: int, *, forked: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(project), str(workers)],
            env={**os.environ, "SOURCE_URL": source, "TARGET_URL": target} | ({"FORKED": "yes"} if forked else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.events: list[str] = []

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, *exc: object) -> None:
        self.strike(signal.SIGKILL, whole_group=True)
        self.process.communicate()

    def wait_for_events(self, count: int) -> bool:
        """Whether it got so far; False where it ended before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(line.strip())
            if len(self.events) >= count:
                return True
        self.process.wait()
        return False

    def wait(self) -> tuple[int, str]:
        """Its exit status and what it wrote to stderr, when it has ended by itself."""
        out, said = self.process.communicate()
        self.events += out.splitlines()
        return self.process.returncode, said

    def strike(self, what: signal.Signals, *, whole_group: bool) -> list[psutil.Process]:
        """Sends a signal; returns the processes that there were."""
        there: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            there = [parent, *parent.children(recursive=True)]
        with suppress(ProcessLookupError):
            (os.killpg if whole_group else os.kill)(self.process.pid, what)
        return there


def killed_in(moment: str, times: int, project: Path, source: str, target: str) -> bool:
    """Copy in a process that kills itself in that moment (run_copy.py); return whether it came to it."""
    process = context().Process(target=copy_until, args=(moment, times, project, source, target))  # type: ignore[attr-defined]
    process.start()
    process.join()
    return bool(process.exitcode == -signal.SIGKILL)


def all_gone(processes: list[psutil.Process]) -> bool:
    """Whether they end soon."""
    deadline = time.monotonic() + GONE_SECONDS
    while time.monotonic() < deadline:
        if not any(_runs(p) for p in processes):
            return True
        time.sleep(0.02)
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill_somewhere(victim: Victim, chance: random.Random, most_events: int, *, whole_group: bool) -> bool:
    """kill -9 after some event and a moment more; False where the copy had ended before. No worker may survive."""
    if not victim.wait_for_events(chance.randint(1, most_events)):
        return False
    time.sleep(chance.uniform(0, 0.08))
    there = victim.strike(signal.SIGKILL, whole_group=whole_group)
    assert all_gone(there), f"still there: {there}"
    return True
