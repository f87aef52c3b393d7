"""Connections to PostgreSQL, from every form of URL that libpq takes, and SQLAlchemy's."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.urls import hide_password, without_secrets
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.default_schema import split_schema
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.stores.postgresql.session.pooler import require_session
from crossfade.stores.postgresql.session.settings import settle

_WITH_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")
NAME = "crossfade"
"""With the run's own, what `application_name` is."""
_OWN: dict[str, str] = {"client_encoding": "UTF8"}
"""What is fixed with the login already: drivers ask questions of their own then."""
_BEFORE_ADBC = "-c quote_all_identifiers=off -c search_path= -c client_min_messages=error"
"""ADBC reads the catalogue when it connects, and knows a type by the bare name of its input function."""

_UNLESS_GIVEN: dict[str, str] = {
    # a host that vanished is noticed within two minutes
    "connect_timeout": "15",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
}


class RunUrl(str):
    """A URL of a run: every connection made with it bears the run's name (`application_name`), whatever makes it."""

    run: str

    def __new__(cls, url: str, run: str) -> RunUrl:
        self = super().__new__(cls, url)
        self.run = run
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return RunUrl, (str(self), self.run)


def application_name(run: str) -> str:
    """How the server calls all connections of a run."""
    return f"{NAME}-{run}" if run else NAME


def libpq_url(url: str) -> str:
    """The URL as libpq takes it: `postgresql+psycopg://` names a driver, which is SQLAlchemy's business, and
    `?schema=app` a schema, which is Prisma's.
    """
    return split_schema(_WITH_DRIVER.sub(r"\1://", url))[0]


def schema_in(url: str) -> str | None:
    """The schema that the URL names as Prisma's do (`?schema=app`)."""
    return split_schema(_WITH_DRIVER.sub(r"\1://", url))[1]


def adbc_conninfo(url: str) -> str:
    """What ADBC connects with. A pooler may refuse its `options`: `conninfo` does there."""
    given = conninfo_to_dict(conninfo(url))
    options = str(given.get("options") or os.environ.get("PGOPTIONS", ""))
    return make_conninfo("", **{**given, "options": f"{options} {_BEFORE_ADBC}".strip()})


def conninfo(url: str) -> str:
    """What every driver connects with: the URL, our name, and what must be so from the first byte on.

    Raises Misused where the URL itself is wrong.
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
    """A connection with settled settings. Raises Unreachable; Misused where the URL itself is wrong or leads to a
    pooler that leaves no session to its client.
    """
    connection = _connected(url)
    try:
        _settle(connection, url)
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
        return psycopg.connect(conninfo(url), autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise no_connection(error, url) from None
    except psycopg.ProgrammingError as error:
        raise bad_url(error, url) from None


def _settle(connection: psycopg.Connection[Any], url: str) -> None:
    """Settings are made in a session that is this connection's own, or not at all."""

    def ask(statement: str) -> Sequence[tuple[str, str]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    if not settle(ask, backend=connection.info.backend_pid, schema=schema_in(url)):
        require_session(connection, lambda: _connected(url), url)
        settle(ask, schema=schema_in(url))


def bad_url(error: psycopg.Error, url: str) -> Misused:
    """libpq does not take the URL. Prisma's own parameters are the usual reason."""
    said = without_secrets(str(error).strip(), url)
    of_value = "correct the option that the message names"
    of_name = "leave out parameters of other tools (connection_limit, pgbouncer); write @ in a password as %40"
    return Misused(
        f"PostgreSQL's client does not take the URL {hide_password(url)}: {said}",
        hint=of_value if "bad value" in said else of_name,
    )
