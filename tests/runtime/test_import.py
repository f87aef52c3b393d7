"""Importing the package starts nothing: no thread, process or connection, and no library of a cluster."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, os, sys, threading
opened = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
import crossfade
from crossfade import Move, load_project
after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
children = open(f"/proc/self/task/{os.getpid()}/children").read().split() if sys.platform == "linux" else []
cluster = sorted({"distributed", "dask"} & sys.modules.keys())
print(json.dumps([threading.active_count(), children, after - opened, cluster]))
"""


def test_nothing_is_started() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [1, [], 0, []]
