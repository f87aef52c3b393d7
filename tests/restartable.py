"""Servers that can be stopped and started again, on the same port and with the same data."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from crossfade.testing.mongod import _ready, binary, options
from crossfade.testing.postgres import _environment, _initdb, _reachable, _settings, installation
from crossfade.testing.servers import HOST, free_port, new_home
from crossfade.testing.supervise import die_with_parent

START_SECONDS = 180


@dataclass
class Server:
    """A server of one kind, with the signals that end it in an orderly way, and without one but with its processes."""

    url: str
    command: list[str]
    home: Path
    ready: Callable[[], bool]
    orderly: int
    at_once: int
    account: int | None = None
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            started = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd="/", env=_environment(), user=self.account,
                preexec_fn=die_with_parent, start_new_session=True,
            )  # fmt: skip
        self.running.append(started)

    def wait(self) -> None:
        """Wait until it can be used. If it ends at once (because of what another left behind), it is started again."""
        end = time.monotonic() + START_SECONDS
        while not self.ready():
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.05)
            if self.running[-1].poll() is not None:
                self.start()

    def stop(self, number: int) -> None:
        self.running[-1].send_signal(number)
        self.running[-1].wait(120)


@contextmanager
def mongodb_server(directory: Path) -> Iterator[Server]:
    home, port = new_home(directory, None), free_port()
    url = f"mongodb://{HOST}:{port}/?replicaSet=rs0&directConnection=true"
    command = [str(binary()), *options(home, port), "--replSet", "rs0", "--oplogSize", "256"]
    ready = partial(_ready, url, replica_set=True)
    with _running(Server(url, command, home, ready, signal.SIGTERM, signal.SIGKILL)) as server:
        yield server


@contextmanager
def postgresql_server(directory: Path) -> Iterator[Server]:
    nobody = pwd.getpwnam("nobody")
    account = (nobody.pw_uid, nobody.pw_gid) if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    user = account[0] if account else None
    home, port = new_home(directory, account), free_port()
    programs = _reachable(installation(), home, account)
    subprocess.run(_initdb(programs, home), check=True, capture_output=True, cwd="/", env=_environment(), user=user)
    url = f"postgresql://postgres@{HOST}:{port}/postgres"
    command = [str(programs / "postgres"), *_settings(home, port, {})]
    # SIGTERM would wait for the sessions to end
    with _running(Server(url, command, home, partial(_connects, url), signal.SIGINT, signal.SIGQUIT, user)) as server:
        yield server


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop(server.at_once)
        shutil.rmtree(server.home, ignore_errors=True)


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
