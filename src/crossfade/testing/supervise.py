"""Run a server as long as its owner lives, then stop it and remove its data.

servers.py runs this file as a script and never imports it. It needs only the standard library, so it starts quickly. It
leaves its parent's session, so that Ctrl-C in a terminal or a kill of the whole group does not end it before it has
cleaned up. Its only argument is the JSON of a `servers.ServerPlan`. It prints the process id to signal for a stop.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

POLL = 0.1
PR_SET_PDEATHSIG = 1


def main(plan: dict[str, Any]) -> None:
    """Detach, prepare, run, stop, clean up."""
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        os._exit(0)
    os.setsid()
    os.dup2(2, 1)  # the parent reads our stdout to its end, and must not wait for us
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        for command in plan["prepare"]:
            run(plan, command).wait()
        watch(plan, asked)
    finally:
        shutil.rmtree(plan["home"], ignore_errors=True)


def watch(plan: dict[str, Any], asked: threading.Event) -> None:
    """Run the server until a stop is requested, its owner has ended, or it ends by itself."""
    server = run(plan, plan["command"])
    while not asked.wait(POLL) and alive(plan["owner"]) and server.poll() is None:
        pass
    if server.poll() is None:
        server.send_signal(plan["stop_signal"])
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def run(plan: dict[str, Any], command: list[str]) -> subprocess.Popen[bytes]:
    """Start one command as the plan's account, from a directory that the account may enter."""
    account = plan["account"]
    who = {"user": account[0], "group": account[1], "extra_groups": []} if account else {}
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, cwd=plan["home"], env=plan["env"], preexec_fn=die_with_parent, **who
    )


def die_with_parent() -> None:
    """Let the server end with the supervisor even after kill -9, where the system supports it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Return whether the process is running. A zombie is not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OSError:  # no /proc on this system, or the process has just ended
        return not Path("/proc/self").exists()
    return state not in "ZX"


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
