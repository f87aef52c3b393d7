"""A PostgreSQL database as SQLAlchemy sees it, for who asks: loading SQLAlchemy takes longer than a small move."""

from __future__ import annotations

import warnings
from typing import Any

import psycopg
import sqlalchemy as sa

from crossfade.stores.postgresql.catalogue.catalogue import USER


def metadata_of(connection: psycopg.Connection[Any], default: str) -> sa.MetaData:
    """The tables that `catalog.reflect` finds, read over the same connection; those of `default` name no schema."""
    metadata = sa.MetaData()
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=sa.StaticPool)
    # what is tried out may stand in a transaction of ours, which SQLAlchemy would end after its first look
    engine.dialect.do_rollback = lambda dbapi_connection: None  # type: ignore[method-assign]
    with warnings.catch_warnings():  # types and indexes that SQLAlchemy has no word for: the steps have them
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        schemas = connection.execute(f"SELECT nspname FROM pg_namespace n WHERE {USER} ORDER BY 1".encode()).fetchall()
        with engine.connect() as over:
            for (schema,) in schemas:
                metadata.reflect(over, schema=None if schema == default else schema, resolve_fks=False)
    return metadata
