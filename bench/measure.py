"""One process and its children, watched: how long, how much memory, and what it printed last."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

# Seconds between two looks at the memory: the first comes soon, for what is quick; later ones are rarer, as a process
# stands still while its shares are reckoned.
SOON, LATER = 0.05, 0.5
TIMEOUT = 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds` is the whole process, from its start to its end. Memory is in MB at its highest: of all
    processes together, and of the largest; as _size takes it. `printed` is the last line as JSON, or {}.
    """

    seconds: float
    memory: float
    largest: float
    printed: Mapping[str, Any]


class Failed(Exception):
    """a contender ended with an error; the text is the end of what it said"""


def measure(command: Sequence[str], env: Mapping[str, str], status: int = 0) -> Measured:
    """Runs the command and watches it. Raises Failed where it ends with another status."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        memory, largest = _watch(child)
        seconds = time.perf_counter() - start
        out.seek(0)
        said = out.read().decode(errors="replace").strip()
    if child.returncode != status:
        raise Failed(f"status {child.returncode}: {said[-600:]}")
    return Measured(seconds, memory, largest, _last_line(said))


def _watch(child: subprocess.Popen[bytes]) -> tuple[float, float]:
    """The highest sum and the highest single size until the child ends; ends it where it takes too long."""
    deadline = time.monotonic() + TIMEOUT
    memory = largest = 0.0
    pause = SOON
    while child.poll() is None:
        sizes = _sizes(child.pid)
        memory, largest = max(memory, sum(sizes)), max(largest, *sizes, 0.0)
        if time.monotonic() > deadline:
            child.kill()
        try:
            child.wait(pause)
        except subprocess.TimeoutExpired:
            pause = min(2 * pause, LATER)
    return memory, largest


def _sizes(pid: int) -> list[float]:
    sizes = []
    try:
        root = psutil.Process(pid)
        for one in (root, *root.children(recursive=True)):
            try:
                sizes.append(_size(one) / 2**20)
            except psutil.Error:  # it ended between the two looks
                continue
    except psutil.Error:
        pass
    return sizes


def _size(process: psutil.Process) -> int:
    """Proportional set size: of what several processes hold together, each has its share. Where the system does not
    know it (it is Linux's), resident size, in which all of it counts in each.
    """
    size: int = process.memory_full_info().pss if psutil.LINUX else process.memory_info().rss
    return size


def _last_line(said: str) -> Mapping[str, Any]:
    try:
        found = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}
