"""The most unusual value of each setting that a role or a database may have, and a login that has all of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from crossfade.testing import as_user, with_database
from scratch import drop_database

# The times are over for nobody who is only slow to send its first statement, by which a session gets its own.
ODD = {
    "client_encoding": "LATIN2",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "timezone_abbreviations": "India",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "xmloption": "document",
    "xmlbinary": "hex",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "transform_null_equals": "on",
    "lc_numeric": "C.UTF-8",
    "lc_time": "C.UTF-8",
    "statement_timeout": "8000",
    "lock_timeout": "1",
    "transaction_timeout": "15000",
    "idle_in_transaction_session_timeout": "5000",
    "idle_session_timeout": "5000",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "row_security": "on",
    "gin_fuzzy_search_limit": "1",
    "restrict_nonsystem_relation_kind": "view, foreign-table",
    "check_function_bodies": "on",
    "exit_on_error": "on",
    "client_min_messages": "debug1",
    "search_path": '"$user", trap, pg_catalog',
    "lc_monetary": "C.UTF-8",
}
BY_DATABASE = ("client_encoding", "search_path", "extra_float_digits", "default_transaction_read_only")


@contextmanager
def odd_database(server: str, encoding: str = "UTF8") -> Iterator[str]:
    """A database of a role under which everything is set otherwise: the URL of its owner, no superuser.

    Its search path has a schema `trap`, with a function and a type that no query of ours may meet.
    """
    name, role = "cf_" + secrets.token_hex(6), "odd_" + secrets.token_hex(4)
    with psycopg.connect(server, autocommit=True) as admin:

        def run(statement: str, *names: str) -> None:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

        run("CREATE ROLE {} LOGIN CREATEDB", role)
        run(f"CREATE DATABASE {{}} OWNER {{}} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'", name, role)
        try:
            with psycopg.connect(with_database(server, name), autocommit=True) as inside:
                inside.execute(
                    "CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC; CREATE DOMAIN trap.text AS int"
                )
                inside.execute("CREATE FUNCTION trap.textrecv() RETURNS int LANGUAGE sql RETURN 1")
            for setting, value in ODD.items():
                paths = [sql.SQL(value)] if setting == "search_path" else [sql.Literal(value)]
                whom = ("DATABASE", name) if setting in BY_DATABASE else ("ROLE", role)
                admin.execute(
                    sql.SQL("ALTER {} {} SET {} TO {}").format(
                        sql.SQL(whom[0]), sql.Identifier(whom[1]), sql.Identifier(setting), *paths
                    )
                )
            yield as_user(with_database(server, name), role, "none needed")
        finally:
            drop_database(admin, name)
            run("DROP ROLE {}", role)
