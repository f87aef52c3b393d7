"""Scratch databases: none remains, and those of a killed run are dropped by the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.stores.postgresql.scratch.database import PREFIX, scratch
from crossfade.testing import as_user, with_database
from following import wait_for
from scratch import PostgresScratch, create_database, drop_database


@pytest.fixture
def left(pg_db: PostgresScratch) -> Iterator[str]:
    """The name of a scratch database, as a killed run leaves it behind."""
    name = f"{PREFIX}{'0' * 6}{pg_db.name[-6:]}"
    yield name
    with administered(pg_db) as connection:
        drop_database(connection, name)


@contextmanager
def held(database: PostgresScratch, name: str) -> Iterator[None]:
    """Its maker is alive, and connected to another database; other tests of the server's would drop it otherwise."""
    with administered(database) as maker:
        maker.execute("SELECT pg_advisory_lock(%s)", [int(name.removeprefix(PREFIX), 16)])
        create_database(maker, name)
        yield


@contextmanager
def administered(database: PostgresScratch) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


def is_there(database: PostgresScratch, name: str) -> bool:
    return bool(database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]))


def try_out(database: PostgresScratch) -> None:
    with scratch(database.url) as connection:
        connection.execute("CREATE TABLE t ()")


def goes(database: PostgresScratch, name: str) -> bool:
    """Whether a run drops it. The session that held it, and that of another test that drops it, may not have ended."""
    try_out(database)
    return not is_there(database, name)


def test_what_a_killed_run_left_goes(pg_db: PostgresScratch, left: str) -> None:
    with administered(pg_db) as connection:
        create_database(connection, left)
    wait_for(lambda: goes(pg_db, left))


def test_what_another_run_works_with_stays(pg_db: PostgresScratch, left: str) -> None:
    with held(pg_db, left):
        try_out(pg_db)
        assert is_there(pg_db, left)
    wait_for(lambda: goes(pg_db, left))


def test_what_somebody_looks_at_stays(pg_db: PostgresScratch, left: str) -> None:
    with ExitStack() as looking:
        with held(pg_db, left):
            looking.enter_context(psycopg.connect(with_database(pg_db.url, left)))
        try_out(pg_db)
        assert is_there(pg_db, left)


def test_a_scratch_database_is_held_while_it_is_used(pg_db: PostgresScratch) -> None:
    with scratch(pg_db.url) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        connection.close()
        try_out(pg_db)
        assert is_there(pg_db, row[0])
    assert not is_there(pg_db, row[0])


def test_who_waits_for_the_drop_is_for_the_maker_to_say(pg_db: PostgresScratch) -> None:
    """Until then it is held."""
    drops: list[Callable[[], None]] = []
    with scratch(pg_db.url, drops.append) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
    try_out(pg_db)
    assert is_there(pg_db, row[0])
    drops.pop()()
    assert not is_there(pg_db, row[0])


def test_a_closed_ddl_has_left_nothing(pg_db: PostgresScratch) -> None:
    user = f"CREATE ROLE {pg_db.name} LOGIN CREATEDB"
    with administered(pg_db) as connection:
        connection.execute(user.encode())
    try:
        ddl = PostgresDdl(as_user(pg_db.url, pg_db.name, ""))
        ddl.scratch_schema("CREATE TABLE t (id int PRIMARY KEY)", "schema.sql")
        ddl.close()
        mine = "SELECT datname FROM pg_database WHERE datname ~ %s AND pg_get_userbyid(datdba) = %s"
        assert not pg_db.execute(mine, [f"^{PREFIX}", pg_db.name])
    finally:
        with administered(pg_db) as connection:
            connection.execute(f"DROP ROLE {pg_db.name}".encode())


LOCALES = {
    "libc": "ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'",
    "libc with all letters": "ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    "builtin": "ENCODING 'EUC_JP' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C' LC_COLLATE 'C' LC_CTYPE 'C'",
    "ICU": "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LC_COLLATE 'C' LC_CTYPE 'C'",
    "ICU with rules": "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' ICU_RULES '&a < g' LC_COLLATE 'C' LC_CTYPE 'C'",
}
IS_LIKE = """
SELECT encoding, datcollate, datctype, to_jsonb(d)->>'datlocprovider',
       coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'), to_jsonb(d)->>'daticurules'
FROM pg_database d WHERE datname = current_database()
"""


@pytest.mark.parametrize("locale", LOCALES)
def test_it_has_the_encoding_and_the_locale_of_the_target(pg_db: PostgresScratch, locale: str) -> None:
    """Whatever those of the server are: with libc in a server of another provider none could be created."""
    name = f"{pg_db.name}_locale"
    with administered(pg_db) as connection:
        try:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {LOCALES[locale]}".encode())
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.SyntaxError) as error:
            pytest.skip(str(error))
        try:
            with psycopg.connect(with_database(pg_db.url, name)) as target, scratch(target.info.dsn) as made:
                assert made.execute(IS_LIKE).fetchone() == target.execute(IS_LIKE).fetchone()
        finally:
            drop_database(connection, name)
