"""Connections to PostgreSQL, from every form of URL that libpq takes, and SQLAlchemy's."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from crossfade.errors import Misused
from crossfade.model.urls import hide_password, without_secrets
from crossfade.stores.postgresql import failures

# What a role or a database may have set otherwise, and what would change what we write or read.
_SETTINGS = (
    "SET client_encoding TO 'UTF8'",
    "SET TimeZone TO 'UTC'",
    "SET DateStyle TO 'ISO, YMD'",
    "SET IntervalStyle TO 'postgres'",
    "SET extra_float_digits TO 1",
    "SET bytea_output TO 'hex'",
    "SET statement_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
    "SET synchronous_commit TO on",
    "SET check_function_bodies TO off",  # a function may use what a later step makes
)
_WITH_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


def libpq_url(url: str) -> str:
    """The URL as libpq takes it: `postgresql+psycopg://` names a driver, which is SQLAlchemy's business."""
    return _WITH_DRIVER.sub(r"\1://", url)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection with settled settings. Raises Unreachable; Misused where the URL itself is wrong."""
    try:
        connection = psycopg.connect(libpq_url(url), autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise failures.unreachable(error, url) from None
    except psycopg.ProgrammingError as error:
        raise bad_url(error, url) from None
    try:
        connection.execute("; ".join(_SETTINGS))
        connection.autocommit = autocommit
    except psycopg.Error as error:
        connection.close()
        raise failures.translated(error, url, "") from None
    return connection


def bad_url(error: psycopg.Error, url: str) -> Misused:
    """libpq does not take the URL. Prisma's own parameters are the usual reason."""
    said = without_secrets(str(error).strip(), url)
    return Misused(
        f"PostgreSQL's client does not take the URL {hide_password(url)}: {said}",
        hint="leave out parameters of other tools (schema, connection_limit, pgbouncer); write @ in a password as %40",
    )
