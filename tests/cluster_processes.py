"""A Dask scheduler and its workers as separate processes, each in its own folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

QUIET = {"DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False", "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s"}


@dataclass
class Cluster:
    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, name: str, *arguments: str, env: Mapping[str, str] = {}) -> None:
        place = self.folder / name
        place.mkdir(parents=True)
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler"] if name == "scheduler" else []
        command = command or [sys.executable, "-m", "distributed.cli.dask_worker", self.url, "--nthreads", "1"]
        with (place / "log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*command, "--no-dashboard", *arguments],
                cwd=place,
                env={**os.environ, **QUIET, **env},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> str:
        return (self.folder / name / "log").read_text(errors="replace")

    def wait_for(self, name: str, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.log(name):
            assert self.processes[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        """kill -9 of the process with all its children: no nanny starts it again."""
        process = self.processes.pop(name)
        with suppress(psutil.NoSuchProcess):
            for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Cluster(folder, port)
    try:
        made.start("scheduler", "--port", str(port), "--host", "127.0.0.1")
        for number in range(workers):
            made.start(f"worker-{number}")
        made.wait_for("scheduler", "Scheduler at:")
        for number in range(workers):
            made.wait_for(f"worker-{number}", "Registered to:")
        yield made
    finally:
        made.close()
