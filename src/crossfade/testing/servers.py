"""Starts a server under supervision, waits until it answers, and stops it again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from crossfade.errors import Unreachable

HOST = "127.0.0.1"
ATTEMPTS = 3
START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Running:
    """A running server: its URL, and how to stop it."""

    url: str
    pid: int
    home: str

    def stop(self) -> None:
        """Stop the server and wait until it and its data are gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while Path(self.home).exists() and time.monotonic() < deadline:
            time.sleep(0.02)


@dataclass(frozen=True)
class ServerPlan:
    """What the supervisor runs (see supervise.py).

    `home` is removed at the end; `account` is (uid, gid) or None for our own; the server ends with the process `owner`.
    """

    home: str
    command: Sequence[str]
    prepare: Sequence[Sequence[str]] = ()
    stop_signal: int = signal.SIGKILL
    account: tuple[int, int] | None = None
    owner: int = field(default_factory=os.getpid)
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))


class _NotStartedError(Exception):
    """the server ended before it answered"""


def launch(
    name: str, plan_at: Callable[[int], ServerPlan], url_at: Callable[[int], str], ready: Callable[[str], bool]
) -> Running:
    """Start a server on a free port and wait until `ready(url)` returns True.

    Another process may take the port between our choice and the server's bind, so a server that ends at once is tried
    again elsewhere. Raises Unreachable with the end of the server's log when it does not come up.
    """
    reason = ""
    for _ in range(ATTEMPTS):
        port = free_port()
        try:
            return _launch_once(plan_at(port), url_at(port), ready)
        except _NotStartedError as error:
            reason = str(error)
    raise Unreachable(f"the {name} server did not start; the end of its log:\n{reason}")


def _launch_once(plan: ServerPlan, url: str, ready: Callable[[str], bool]) -> Running:
    with tempfile.TemporaryFile() as log:
        running = Running(url, _supervise(plan, log), plan.home)
        try:
            _wait_for(running, ready, log)
        except BaseException:
            running.stop()
            raise
        return running


def _supervise(plan: ServerPlan, log: IO[bytes]) -> int:
    script = str(Path(__file__).with_name("supervise.py"))
    command = [sys.executable, "-I", "-S", script, json.dumps(asdict(plan))]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=True)
    return int(done.stdout)


def _wait_for(running: Running, ready: Callable[[str], bool], log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready(running.url):
        if time.monotonic() > deadline or not Path(running.home).exists():
            raise _NotStartedError(_tail(log))
        time.sleep(0.05)


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 2000))
    return log.read().decode(errors="replace").strip()


def free_port() -> int:
    """Return a TCP port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether something accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def new_home(directory: Path | str | None, account: tuple[int, int] | None) -> Path:
    """Create a directory for a server's data, below `directory` if the server's account can access it.

    If it cannot (below /root, or in pytest's private directories), the system's temporary directory is used.
    """
    wanted = [Path(directory)] if directory is not None else []
    if directory is not None:
        Path(directory).mkdir(parents=True, exist_ok=True)
    places = [*wanted, Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    place = next((p for p in places if account is None or open_to_others(p)), places[0])
    home = Path(tempfile.mkdtemp(prefix="crossfade-", dir=place)).resolve()
    if account is not None:
        os.chown(home, *account)
    return home


def open_to_others(path: Path) -> bool:
    """Return whether any account may enter this directory."""
    path = path.resolve()
    return all(step.is_dir() and step.stat().st_mode & 0o001 for step in (path, *path.parents))
