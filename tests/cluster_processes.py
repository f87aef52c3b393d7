"""A Dask scheduler and its workers as separate processes, each in its own folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

QUIET = {"DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False", "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "60s"}


@dataclass
class Cluster:
    folder: Path
    port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    numbers: int = 0
    """Of the workers that were ever started."""

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
        deadline = time.monotonic() + 180
        while text not in self.log(name):
            assert self.processes[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.1)

    @property
    def workers(self) -> list[str]:
        """The names of those that are alive."""
        return [name for name in self.processes if name != "scheduler"]

    def fill(self, workers: int) -> None:
        """Start workers until there are so many, and wait until the scheduler knows them."""
        names = [f"worker-{self.numbers + more}" for more in range(workers - len(self.workers))]
        self.numbers += len(names)
        for name in names:
            self.start(name)
        for name in names:
            self.wait_for(name, "Registered to:")

    def freeze(self, name: str) -> None:
        """It keeps what it has to do."""
        self._strike(name, signal.SIGSTOP)

    def kill(self, name: str) -> None:
        """kill -9 of the process with all its children: no nanny starts it again. Nothing if it was killed before."""
        with suppress(KeyError):
            self._strike(name, signal.SIGKILL)
            self.processes.pop(name).wait()

    def _strike(self, name: str, what: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.processes[name].pid)
            for one in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(what)

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    made = Cluster(folder)
    try:
        made.start("scheduler", "--port", "0", "--host", "127.0.0.1")
        made.wait_for("scheduler", "Scheduler at:")
        found = re.search(r"Scheduler at:\s+tcp://127\.0\.0\.1:(\d+)", made.log("scheduler"))
        assert found is not None, made.log("scheduler")
        made.port = int(found[1])
        made.fill(workers)
        yield made
    finally:
        made.close()
