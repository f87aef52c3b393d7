"""Worker processes: what they start with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os
from crossfade.executor.local import make_executor

print("started")
with make_executor(2) as executor:
    print(executor.submit(os.getpid).result() != os.getpid())
"""


def test_a_users_script_is_not_run_again_in_the_workers(tmp_path: Path) -> None:
    """Not even one that does not ask whether it is the main module."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["started", "True"], "")
