"""A scratch database: created beside the target and always dropped afterwards.

While it is used, its creator holds an advisory lock with its number. A scratch database of a killed run has no lock and
no connection: the next run with the privilege drops it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crossfade.errors import CrossfadeError, Refused
from crossfade.model.quoting import identifier
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.catalog.existing_tables import user_tables
from crossfade.stores.postgresql.session import rights
from crossfade.stores.postgresql.session.connect import RunUrl, connect, libpq_url
from crossfade.stores.postgresql.session.default_schema import PUBLIC

PREFIX = "crossfade_scratch_"

_UNUSED = """
SELECT datname FROM pg_database d
WHERE datname ~ %s AND pg_has_role(datdba, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)
"""
_LOCKS = """
SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
"""

_PROVIDERS = {"c": "libc", "i": "ICU", "b": "builtin"}


def _now(drop: Callable[[], None]) -> None:
    drop()


@contextmanager
def scratch(
    url: str, run: Callable[[Callable[[], None]], object] = _now, default: str = PUBLIC
) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection on which anything may be created; it is all removed afterwards.

    It is a connection to a new database with the target's encoding and collation. If the user may not create one, and
    the target has no table yet, it is a connection to the target, inside a transaction that is rolled back. Raises
    Refused if neither is possible, Unreachable if the connection is lost while it is used.

    `default` is the schema of unqualified names. `run` is called with the function that drops the database in the end:
    the server flushes all its memory for that, so the caller need not wait.
    """
    try:
        with _scratch(url, default, run) as connection:
            yield connection
    except psycopg.Error as error:
        raise failures.translated(error, url, "") from error


@contextmanager
def _scratch(url: str, default: str, run: Callable[[Callable[[], None]], object]) -> Iterator[psycopg.Connection[Any]]:
    name = PREFIX + secrets.token_hex(6)
    with ExitStack() as unless_made:
        admin = unless_made.enter_context(connect(url, autocommit=True))
        admin.execute("SELECT pg_advisory_lock(%s)", [_number(name)])
        _drop_left_behind(admin)
        try:
            made = _create(admin, name)
        except psycopg.errors.InsufficientPrivilege:
            made = False
        except psycopg.Error as error:
            raise _refused(error, url) from None
        if not made:
            with _rolled_back(url, default, admin) as connection:
                yield connection
            return
        unless_made.pop_all()
    try:
        with connect(_elsewhere(url, name), autocommit=True) as connection:
            if default != PUBLIC:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(default)))
            connection.execute(_path(default, "SESSION"))
            yield connection
    finally:
        run(partial(_drop, admin, name))


def _create(admin: psycopg.Connection[Any], name: str) -> bool:
    """Create the database with the target's encoding and locale. What says so differs between the server's versions
    (the provider since 15, its own locale `daticulocale`, since 17 `datlocale`).
    """
    row = admin.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype, to_jsonb(d) FROM pg_database d"
        " WHERE datname = current_database()"
    ).fetchone()
    assert row is not None  # a connection always needs a database
    encoding, collate, ctype, of = row
    options = {"ENCODING": encoding, "LC_COLLATE": collate, "LC_CTYPE": ctype}
    if provider := _PROVIDERS.get(of.get("datlocprovider")):
        locale = of.get("datlocale") or of.get("daticulocale")
        options |= {"LOCALE_PROVIDER": provider} | ({f"{provider}_LOCALE": locale} if locale else {})
        options |= {"ICU_RULES": of["daticurules"]} if of.get("daticurules") else {}
    given = (sql.SQL("{} {}").format(sql.SQL(option), value) for option, value in options.items())
    made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}")
    admin.execute(made.format(sql.Identifier(name), sql.SQL(" ").join(given)))
    return True


def _drop(admin: psycopg.Connection[Any], name: str) -> None:
    with admin, suppress(psycopg.Error):  # the next run drops what is left
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _number(name: str) -> int:
    return int(name.removeprefix(PREFIX), 16)


def _drop_left_behind(admin: psycopg.Connection[Any]) -> None:
    """Drop abandoned databases. Names are read before locks: a database created meanwhile is not among them."""
    names = [str(name) for (name,) in admin.execute(_UNUSED, [f"^{PREFIX}[0-9a-f]{{12}}$"]).fetchall()]
    locks = {number for (number,) in admin.execute(_LOCKS).fetchall()} if names else set()
    for name in names:
        if _number(name) not in locks:
            with suppress(psycopg.Error):  # another run has dropped it, or is connected to it
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _elsewhere(url: str, database: str) -> str:
    elsewhere = make_conninfo("", **{**conninfo_to_dict(libpq_url(url)), "dbname": database})
    return RunUrl(elsewhere, url.run, url.group) if isinstance(url, RunUrl) else elsewhere


@contextmanager
def _rolled_back(url: str, default: str, admin: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    if user_tables(admin):
        row = admin.execute("SELECT quote_ident(current_user)").fetchone()
        raise Refused(
            f"the user {row[0] if row else ''} may not create databases, and the target already holds tables: "
            "the schema cannot be tested",
            hint="restore the schema's files as they were when this move began, or name an empty database; or, as an"
            f" administrator: ALTER ROLE {row[0] if row else 'you'} CREATEDB",
        )
    with connect(url) as connection:
        create = f"CREATE SCHEMA IF NOT EXISTS {identifier(default)}"
        try:
            rights.run(connection, create)
        except psycopg.Error as error:
            raise rights.lacking(error, connection, create, [create]) or error from None
        connection.execute(_path(default, "LOCAL"))
        try:
            yield connection
        finally:
            connection.rollback()


def _path(default: str, scope: str) -> sql.Composed:
    """Set the search_path, public last: it has the extensions' objects in a database without a schema for them."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys((default, PUBLIC)))
    return sql.SQL(f"SET {scope} search_path TO {{}}").format(names)


def _refused(error: psycopg.Error, url: str) -> CrossfadeError:
    if failures.is_lost(error):
        return failures.lost(error, url)
    return CrossfadeError(f"a scratch database could not be created: {error.diag.message_primary}")
