"""Connections to PostgreSQL, from every form of URL that libpq accepts, and SQLAlchemy's."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.urls import hide_password, without_secrets
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.certificate import why_not_trusted
from crossfade.stores.postgresql.session.connection import CommittingConnection
from crossfade.stores.postgresql.session.default_schema import split_schema
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.stores.postgresql.session.parameters import know_arrays
from crossfade.stores.postgresql.session.pooler import require_session
from crossfade.stores.postgresql.session.settings import fix_settings

_WITH_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")
_UNKNOWN = re.compile(r'invalid URI query parameter: "([^"]*)"')
NAME = "crossfade"
"""The start of `application_name`; the run's own name follows."""
_OWN: dict[str, str] = {"client_encoding": "UTF8"}
"""Settings made with the login, because drivers run queries of their own before ours."""
_BEFORE_ADBC = "-c quote_all_identifiers=off -c search_path= -c client_min_messages=error"
"""ADBC reads the catalog when it connects, and identifies a type by the bare name of its input function."""

_UNLESS_GIVEN: dict[str, str] = {
    # a lost host is noticed within two minutes
    "connect_timeout": "15",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
}


class RunUrl(str):
    """A URL of a run: every connection opened with it has the run's name (`application_name`)."""

    run: str
    group: str

    def __new__(cls, url: str, run: str, group: str = "") -> RunUrl:
        self = super().__new__(cls, url)
        self.run, self.group = run, group
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return RunUrl, (str(self), self.run, self.group)


def group_of(url: str) -> str:
    """Return the group of entities whose move a URL is for; "" if it is a move of all of them."""
    return url.group if isinstance(url, RunUrl) else ""


def journal_tables(group: str) -> str:
    """Return the prefix of the names of a journal's tables in the schema `crossfade`."""
    return f"in_{group}_" if group else ""


def application_name(run: str) -> str:
    """Return the `application_name` of all connections of a run."""
    return f"{NAME}-{run}" if run else NAME


def libpq_url(url: str) -> str:
    """Return the URL as libpq accepts it, without SQLAlchemy's driver (`postgresql+psycopg://`) and Prisma's schema
    (`?schema=app`).
    """
    return split_schema(_WITH_DRIVER.sub(r"\1://", url))[0]


def schema_in(url: str) -> str | None:
    """Return the schema that the URL names as Prisma's do (`?schema=app`)."""
    return split_schema(_WITH_DRIVER.sub(r"\1://", url))[1]


def adbc_conninfo(url: str) -> str:
    """Return the connection string for ADBC. A pooler may refuse its `options`: use `conninfo` there."""
    given = conninfo_to_dict(conninfo(url))
    options = str(given.get("options") or os.environ.get("PGOPTIONS", ""))
    return make_conninfo("", **{**given, "options": f"{options} {_BEFORE_ADBC}".strip()})


def conninfo(url: str) -> str:
    """Return the connection string of every driver: the URL, our name, and settings that must hold from the first byte.

    Raises Misused if the URL itself is wrong.
    """
    try:
        given = conninfo_to_dict(libpq_url(url))
        missing = {name: value for name, value in _UNLESS_GIVEN.items() if name not in given}
        if "PGCONNECT_TIMEOUT" in os.environ:
            missing.pop("connect_timeout", None)
        name = application_name(getattr(url, "run", ""))
        return make_conninfo("", **{**given, **missing, **_OWN, "application_name": name})
    except psycopg.ProgrammingError as error:
        raise bad_url(error, url) from None


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """Open a connection and set its settings. Raises Unreachable; Misused if the URL itself is wrong or leads to a
    pooler whose clients share sessions.
    """
    connection = _connected(url)
    try:
        _fix_settings(connection, url)
        connection.autocommit = autocommit
    except psycopg.Error as error:
        connection.close()
        raise failures.translated(error, url, "") from None
    except CrossfadeError:
        connection.close()
        raise
    return connection


def _connected(url: str) -> psycopg.Connection[Any]:
    try:
        connection = CommittingConnection.connect(conninfo(url), autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise no_connection(error, url, lambda: why_not_trusted(conninfo(url))) from None
    except psycopg.ProgrammingError as error:
        raise bad_url(error, url) from None
    know_arrays(connection)
    return connection


def _fix_settings(connection: psycopg.Connection[Any], url: str) -> None:
    """Set the settings, but only if the session is this connection's own."""

    def ask(statement: str) -> Sequence[tuple[str, str]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    if not fix_settings(ask, backend=connection.info.backend_pid, schema=schema_in(url)):
        require_session(connection, lambda: _connected(url), url)
        fix_settings(ask, schema=schema_in(url))


def bad_url(error: psycopg.Error, url: str) -> Misused:
    """Return the error of a URL that libpq rejects. Prisma's own parameters are the usual cause."""
    said = without_secrets(str(error).strip(), url)
    hint = "remove parameters of other tools (connection_limit, pgbouncer); write @ in a password as %40"
    if "bad value" in said:
        hint = "correct the option that the message names"
    elif (unknown := _UNKNOWN.search(str(error))) and (meant := _option_like(unknown[1])):
        hint = f"{meant}=..., if that option of libpq is meant; otherwise remove the parameter"
    return Misused(f"libpq rejects the URL {hide_password(url)}: {said}", hint=hint)


def _option_like(name: str) -> str | None:
    """Return the option of libpq whose name is nearly this one."""
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)), None)
