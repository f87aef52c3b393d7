"""Converts SQLAlchemy's column types into ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from crossfade.model.target import ColumnType
from crossfade.schema.column_types import postgresql_type, sqlite_type


def sqlalchemy_type(of: Any, dialect: sa.Dialect) -> ColumnType:
    """Return the type of a SQLAlchemy column as `dialect` (postgresql or sqlite) declares it."""
    sql = dialect.type_compiler_instance.process(of)
    if isinstance(of, sa.Enum):
        return ColumnType("enum", sql, labels=tuple(of.enums))
    if isinstance(of, sa.types.TypeDecorator):
        return sqlalchemy_type(of.load_dialect_impl(dialect), dialect)
    if dialect.name == "sqlite":
        return _sqlite_of(of, sql)
    if isinstance(of, sa.ARRAY):
        return ColumnType("array", sql, of=sqlalchemy_type(of.item_type, dialect))
    if of.__visit_name__ == "DOMAIN":
        return replace(sqlalchemy_type(of.data_type, dialect), sql=sql)
    return postgresql_type(sql.lower()) if not sql.startswith('"') else postgresql_type(sql)


def _sqlite_of(of: Any, sql: str) -> ColumnType:
    """Return the SQLite type. SQLAlchemy declares a UUID as CHAR(32), so the name is not sufficient."""
    declared = sqlite_type(sql)
    if isinstance(of, sa.Uuid):
        return replace(declared, kind="uuid", length=None)
    if isinstance(of, sa.DateTime) and of.timezone:
        return replace(declared, kind="timestamptz")
    return declared
