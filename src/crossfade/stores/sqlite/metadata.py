"""A SQLite database as SQLAlchemy sees it. Loaded on demand: importing SQLAlchemy takes longer than a small move."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import sqlalchemy as sa

from crossfade.model.target import Step, TargetTable


def metadata_of(tables: Sequence[TargetTable], steps: Sequence[Step]) -> sa.MetaData:
    """Return the tables of a database in which these steps were run."""
    metadata = sa.MetaData()
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with warnings.catch_warnings(), engine.connect() as over:
        for step in steps:
            over.exec_driver_sql(step.sql)
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # expressions in indexes, which SQLAlchemy cannot represent
        for table in tables:
            try:
                sa.Table(table.name, metadata, autoload_with=over, resolve_fks=False)
            except sa.exc.ArgumentError:  # it fails on references to a parent in another case, and without columns
                _columns_alone(table, metadata, over)
    return metadata


def _columns_alone(table: TargetTable, metadata: sa.MetaData, over: sa.Connection) -> None:
    if table.name in metadata.tables:
        metadata.remove(metadata.tables[table.name])
    found = sa.inspect(over).get_columns(table.name)
    columns = (sa.Column(c["name"], c["type"], primary_key=c["name"] in table.primary_key) for c in found)
    sa.Table(table.name, metadata, *columns)
