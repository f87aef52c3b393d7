"""`crossfade start` in a process of its own, started again whenever it has ended."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
from launcher import Launched, Launcher

import crossfade
from victim import all_gone

RUN = Path(__file__).with_name("run_start.py")
PROGRAM = Path(crossfade.__file__).with_name("__main__.py")


class Controller:
    """With a launcher, its processes are forked from one that has loaded the program."""

    def __init__(
        self, folder: Path, source: str, target: str, *, workers: int = 1, launcher: Launcher | None = None
    ) -> None:
        self.folder, self.workers, self._launcher = folder, workers, launcher
        self.env = {**os.environ, "SOURCE_URL": source, "TARGET_URL": target, "CROSSFADE_WORKERS": str(workers)}
        self.log = folder / "start.log"
        self.process: subprocess.Popen[bytes] | Launched | None = None
        self.ends: list[tuple[int, bool]] = []
        """The exit status of each process that ended, and whether it was made to."""
        self._struck = False

    def start(self, *point: str) -> None:
        """`point`: a named point at which the process is to be killed (see run_start.py)."""
        arguments = [str(self.folder), str(self.workers), *point]
        if self._launcher is not None:
            self.process = self._launcher.launch(RUN, arguments, self.env, self.log)
        else:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, str(RUN), *arguments],
                    env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
        self._struck = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keep(self) -> bool:
        """Start it again if it has ended. Return whether it was running."""
        if self.running:
            return True
        assert self.process is not None
        status = self.process.returncode
        assert status is not None
        self.ends.append((status, self._struck))
        self.start()
        return False

    def kill(self, *, group: bool) -> None:
        """kill -9 of the controller, or of all its processes. Those that are left must end by themselves."""
        if self.process is None or not self.running:
            return
        there: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            there = [parent, *parent.children(recursive=True)]
        self._struck = True
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert all_gone(there), f"still there: {there}"

    def kill_worker(self, rng: random.Random) -> bool:
        """kill -9 of one of its processes; return whether it had any."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True) if self.process else []
            if found:
                rng.choice(sorted(found, key=lambda p: p.pid)).kill()
                return True
        return False

    def freeze(self, seconds: float) -> None:
        """As a machine that sleeps: SIGSTOP, then SIGCONT."""
        if self.process is not None and self.running:
            os.killpg(self.process.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self, seconds: float = 120) -> int | None:
        """`crossfade stop`; return the exit status of the one that was running, None if it did not end in time."""
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.command("stop")  # a run that has not begun yet does not hear it
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(2)
        self.kill(group=True)
        return None

    def has_lock(self) -> bool:
        """Whether one is at work, says `crossfade status`."""
        with suppress(ValueError):
            said = json.loads(self.command("status", "--json").stdout)
            return bool((said.get("following") or {}).get("running"))
        return False

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same move, while it runs."""
        if self._launcher is not None:
            said = self.folder / f"said-{secrets.token_hex(4)}.log"  # of its own: a fault may ask at the same time
            other = self._launcher.launch(PROGRAM, [*arguments, "--project", str(self.folder)], self.env, said)
            return subprocess.CompletedProcess(arguments, other.wait(120), _taken(said), "")
        command = [sys.executable, "-m", "crossfade", *arguments, "--project", str(self.folder)]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=240)

    def said(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _taken(file: Path) -> str:
    """Read a file, and remove it. What was killed at its start may not have made one."""
    text = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return text
