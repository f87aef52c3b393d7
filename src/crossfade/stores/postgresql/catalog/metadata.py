"""Reflect a PostgreSQL database with SQLAlchemy, on demand: loading SQLAlchemy takes longer than a small move."""

from __future__ import annotations

import warnings
from typing import Any

import psycopg
import sqlalchemy as sa

from crossfade.stores.postgresql.catalog.catalog import USER


def metadata_of(connection: psycopg.Connection[Any], default: str) -> sa.MetaData:
    """Return the tables that `reflect` finds, read over the same connection. Tables of `default` have no schema."""
    metadata = sa.MetaData()
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=sa.StaticPool)
    # the schema may have been created in an open transaction, which SQLAlchemy would otherwise roll back
    engine.dialect.do_rollback = lambda dbapi_connection: None  # type: ignore[method-assign]
    with warnings.catch_warnings():  # types and indexes that SQLAlchemy does not know; the steps have them
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        schemas = connection.execute(f"SELECT nspname FROM pg_namespace n WHERE {USER} ORDER BY 1".encode()).fetchall()
        with engine.connect() as over:
            for (schema,) in schemas:
                metadata.reflect(over, schema=None if schema == default else schema, resolve_fks=False)
    return metadata
