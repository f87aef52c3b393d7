"""Worker processes: what they start with."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

RESULT_OF = """
from crossfade.runtime.tasks import run_tasks

def result_of(executor, function, *arguments):
    found = []
    run_tasks(executor, function, [arguments], found.append)
    return found[0]
"""

SCRIPT = """
import os
from crossfade.runtime.local import make_executor
from crossfade.runtime.warmup import load_ahead

print("started")
{ahead}
with make_executor(2) as executor:
    print(result_of(executor, os.getpid) != os.getpid())
"""


@pytest.mark.parametrize("ahead", ["", "load_ahead('crossfade.move')"])
def test_a_users_script_is_not_run_again_in_the_workers(tmp_path: Path, ahead: str) -> None:
    """Not even one that does not ask whether it is the main module."""
    script = tmp_path / "script.py"
    script.write_text(RESULT_OF + SCRIPT.format(ahead=ahead))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["started", "True"], "")


LOADED = """
import sys
from crossfade.runtime.local import make_executor
from crossfade.runtime.warmup import load_ahead
from crossfade.transform.macros import macros

load_ahead("crossfade.move")
with make_executor(2) as executor:
    result_of(executor, macros)
    print(result_of(executor, eval, "'crossfade.move' in __import__('sys').modules"))
"""


def test_workers_find_loaded_what_was_loaded_ahead() -> None:
    done = subprocess.run([sys.executable, "-c", RESULT_OF + LOADED], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"{sys.platform == 'linux' and os.cpu_count() != 1}\n",
        "",
    )


FAULTS = """
import resource

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        batch = [bytearray(1 << 20) for _ in range(24)]
        del batch
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_a_worker_takes_the_memory_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "memory_test_faults.py").write_text(FAULTS)
    script = RESULT_OF + (
        "from crossfade.runtime.local import make_executor\n"
        "from memory_test_faults import faults\n"
        "with make_executor(2) as executor: print(result_of(executor, faults))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    pages_of_a_batch = 24 * (1 << 20) // 4096
    assert int(done.stdout) < 3 * pages_of_a_batch, "the kernel cleared the same pages again for every batch"
