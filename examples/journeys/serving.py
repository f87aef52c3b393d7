"""Serves an application in a process of its own, as in production; ends with this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from crossfade.testing.servers import HOST, free_port
from journeys.servers import Sides

START_SECONDS = 180


@contextmanager
def served(module: str, folder: Path, sides: Sides, stage: Path) -> Iterator[str]:
    """Serve `app` of the module in this folder; yield its URL. `stage` is the file that says which store is open.

    Beside that file are the application's log, and `read-only`, while somebody puts it there.
    """
    log = stage.with_name("application.log")
    command = [
        *(sys.executable, "-m", "uvicorn", f"{module}:app", "--app-dir", str(folder)),
        *("--host", HOST, "--no-access-log", "--log-level", "warning", "--port", str(port := free_port())),
    ]
    with log.open("ab") as out, subprocess.Popen(command, env=_environment(sides, stage), stdout=out, stderr=out) as it:
        try:
            _wait(it, url := f"http://{HOST}:{port}", log)
            yield url
        finally:
            it.terminate()


def _environment(sides: Sides, stage: Path) -> dict[str, str]:
    urls = {"OLD_URL": sides.old.application, "NEW_URL": sides.new.application}
    files = {"STAGE_FILE": str(stage), "READ_ONLY_FILE": str(stage.with_name("read-only"))}
    return {**os.environ, **urls, **files}


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/health", timeout=10).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the application does not answer:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
