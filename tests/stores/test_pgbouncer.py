"""PgBouncer before the target: session mode works; in the others nothing is done, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from crossfade.errors import Misused
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from crossfade.testing.servers import HOST, free_port
from scratch import PostgresScratch

BINARY = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no pgbouncer is installed (apt-get install pgbouncer)")

Through = Callable[..., str]


@pytest.fixture
def through(pg_db: PostgresScratch) -> Iterator[Through]:
    """The database's URL through a PgBouncer of its own."""
    with ExitStack() as stack:
        yield lambda mode, **settings: stack.enter_context(_pgbouncer(pg_db.url, mode, settings))


@contextmanager
def _pgbouncer(url: str, mode: str, settings: dict[str, object]) -> Iterator[str]:
    place, port = urlsplit(url), free_port()
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="cf-pgbouncer-") as name:
        folder = Path(name)
        more = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (folder / "users.txt").write_text(f'"{place.username}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={place.hostname} port={place.port}\n[pgbouncer]\nlisten_addr = {HOST}\n"
            f"listen_port = {port}\npool_mode = {mode}\nauth_type = trust\nauth_file = {folder}/users.txt\n"
            f"unix_socket_dir =\nlogfile = {folder}/log\n{more}"
        )
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid} if os.geteuid() == 0 else {}
        process = subprocess.Popen(
            [str(BINARY), "-q", str(folder / "pgbouncer.ini")], **account, stderr=subprocess.DEVNULL
        )  # type: ignore[call-overload]
        try:
            pooled = url.replace(f":{place.port}/", f":{port}/")
            _wait(pooled)
            yield pooled
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.05)
    raise AssertionError("pgbouncer did not start")


def look(url: str) -> bool:
    with open_store(url) as store:
        return need(store.ddl, store, "be inspected").has_journal()


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        ("transaction", {}),
        ("transaction", {"server_round_robin": 1, "min_pool_size": 3}),
        ("transaction", {"default_pool_size": 1}),
        ("statement", {}),
    ],
)
def test_a_pool_without_sessions_is_refused(through: Through, mode: str, settings: dict[str, object]) -> None:
    url = through(mode, **settings)
    with pytest.raises(Misused, match=f"{mode} mode") as caught:
        look(url)
    assert "pool_mode = session" in (caught.value.hint or "")
    with psycopg.connect(url, autocommit=True) as other:  # it gets the server connection that we had
        assert other.execute("SHOW DateStyle").fetchone() == ("ISO, MDY",)
        assert other.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert other.execute(held).fetchone() == (0,)


@pytest.mark.parametrize("mode", ["statement", "transaction"])
def test_a_source_is_not_read_through_a_pool_without_sessions(
    through: Through, pg_db: PostgresScratch, mode: str
) -> None:
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    url = through(mode)
    with open_store(url) as store:
        inspector = need(store.inspector, store, "be inspected")
        with pytest.raises(Misused, match=f"{mode} mode"):
            inspector.entities()
    if mode == "transaction":
        with psycopg.connect(url, autocommit=True) as other:
            assert other.execute("SHOW default_transaction_read_only").fetchone() == ("off",)


def test_a_pool_of_sessions_serves(through: Through, pg_db: PostgresScratch) -> None:
    url = through("session")
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with open_store(url) as store:
        assert store.ddl is not None
        assert store.row_reader is not None
        assert store.ddl.has_journal() is False
        assert store.row_reader.query("SELECT count(*) FROM t", limit=1)[1] == [(0,)]
        assert store.row_reader.count(store.ddl.live_schema().tables[0]) == 0


def test_a_pool_of_one_session_is_too_small(through: Through) -> None:
    with pytest.raises(Misused, match="no free connection"):
        look(through("session", default_pool_size=1))
