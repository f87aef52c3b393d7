"""Why a connection failed: each cause is reported with its own hint and exit status."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from crossfade.errors import CrossfadeError
from crossfade.stores.postgresql.session.connect import connect
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.testing.servers import free_port
from scratch import PostgresScratch


def refused(url: str) -> CrossfadeError:
    with pytest.raises(CrossfadeError) as caught:
        connect(url).close()
    return caught.value


@pytest.mark.parametrize(
    ("option", "status", "hint"),
    [
        ("sslmode=yes", 2, "verify-full"),
        ("connect_timeout=soon", 2, "correct the option"),
        ("channel_binding=never", 2, "correct the option"),
        ("sslmode=verify-full&sslrootcert=/no/such.pem", 3, "sslmode=prefer"),
        ("target_session_attrs=best", 2, "correct the option"),
        ("nonsense=1", 2, "remove parameters"),
        ("ssl_mode=require", 2, "sslmode=..., if that option"),
        ("connectTimeout=5", 2, "connect_timeout=..., if that option"),
        ("connection_limit=5", 2, "remove parameters"),
        ("socket_timeout=5", 2, "remove parameters"),
        ("scram_client_key=AAAA", 2, "correct the option"),
        ("scram_server_key=%21", 2, "correct the option"),
        ("ssl_min_protocol_version=TLSv9", 2, "correct the option"),
        ("hostaddr=nowhere", 2, "correct the option"),
        ("service=nobody", 2, "pg_service.conf"),
        ("sslmode=require", 3, "sslmode=prefer"),
        ("options=-c%20nonsense%3D1", 2, "remove the setting"),
        ("options=-c%20DateStyle%3Dodd", 2, "remove the setting"),
        ("require_auth=scram-sha-256", 3, "require_auth"),
        ("channel_binding=require", 3, "channel_binding=prefer"),
    ],
)
def test_options_of_the_url(pg_db: PostgresScratch, option: str, status: int, hint: str) -> None:
    if option.startswith("scram_") and psycopg.pq.version() < 180000:
        pytest.skip("an option of libpq since version 18")
    error = refused(f"{pg_db.url}?{option}")
    assert error.exit_status == status, error
    assert hint in (error.hint or ""), error
    assert not error.passing


@pytest.mark.parametrize("kind", ["standby", "read-only"])
def test_a_server_of_another_kind(pg_db: PostgresScratch, kind: str) -> None:
    """After a failover it may be of that kind."""
    error = refused(f"{pg_db.url}?target_session_attrs={kind}")
    assert (error.exit_status, error.passing) == (3, True)
    assert "target_session_attrs" in (error.hint or "")


def test_places_that_do_not_answer(pg_db: PostgresScratch) -> None:
    error = refused(f"postgresql://postgres@127.0.0.1:{free_port()}/app")
    assert (error.exit_status, error.passing) == (3, True)
    assert "host and port" in (error.hint or "")
    error = refused(pg_db.url + "_not_there")
    assert (error.exit_status, error.passing) == (3, False)
    assert "createdb" in (error.hint or "")


def test_a_role_that_may_not_connect(pg_db: PostgresScratch) -> None:
    pg_db.execute(f"REVOKE CONNECT ON DATABASE {pg_db.name} FROM PUBLIC")
    pg_db.execute(f"CREATE ROLE out_{pg_db.name} LOGIN")
    try:
        error = refused(pg_db.url.replace("postgres@", f"out_{pg_db.name}@"))
    finally:
        pg_db.execute(f"DROP ROLE out_{pg_db.name}")
    assert (error.exit_status, error.passing) == (3, False)
    assert "GRANT CONNECT" in (error.hint or "")


def test_too_many_connections(pg_db: PostgresScratch) -> None:
    """How many a run takes is said."""
    role = sql.Identifier(f"few_{pg_db.name}")
    with psycopg.connect(pg_db.url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 0").format(role))
        try:
            error = refused(pg_db.url.replace("postgres@", f"few_{pg_db.name}@"))
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert (error.exit_status, error.passing) == (3, True)
    assert "one connection for each worker" in (error.hint or "")


def test_an_encoding_that_is_not_converted(pg_db: PostgresScratch) -> None:
    """The server was reached: neither host nor port is wrong."""
    name = sql.Identifier(f"{pg_db.name}_mule")
    made = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'MULE_INTERNAL' LOCALE 'C'"
    with psycopg.connect(pg_db.url, autocommit=True) as admin:
        admin.execute(sql.SQL(made).format(name))
        try:
            error = refused(f"{pg_db.url}_mule")
        finally:
            admin.execute(sql.SQL("DROP DATABASE {}").format(name))
    assert (error.exit_status, error.passing) == (2, False)
    assert "MULE_INTERNAL" in error.message
    assert "ENCODING 'UTF8'" in (error.hint or "")


def test_what_else_a_server_refuses_is_no_wrong_host() -> None:
    said = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL:  no such thing today'
    error = no_connection(psycopg.OperationalError(said), "postgresql://localhost/app")
    assert "the server answers, and refuses the connection" in error.message
    assert "host and port are right" in (error.hint or "")


@pytest.mark.parametrize(
    ("said", "status", "passing", "hint"),
    [
        ("libadbc.so: failed to map segment from shared object", 1, False, "ulimit -v"),
        ("could not create socket: Too many open files", 1, False, "ulimit -n"),
        ("FATAL:  could not fork new process for connection: Cannot allocate memory", 3, True, "on the server"),
    ],
)
def test_a_limit_of_this_process_is_no_server_that_is_not_reached(
    said: str, status: int, passing: bool, hint: str
) -> None:
    error = no_connection(psycopg.OperationalError(said), "postgresql://localhost/app")
    assert (error.exit_status, error.passing) == (status, passing)
    assert hint in (error.hint or "")
