"""PostgreSQL as a store: a bundle of parts."""

from __future__ import annotations

from crossfade.model.urls import hide_password
from crossfade.stores.contract import Store, Traits
from crossfade.stores.postgresql.constraints.conflicts import PostgresConflicts
from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.session.connect import RunUrl
from crossfade.stores.postgresql.steps import PostgresSteps
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.postgresql.watch import PostgresWatch


def open_postgresql(url: str, run: str = "") -> Store:
    """Return the store at `url`, in any form that libpq or SQLAlchemy accepts. Connections are opened on first use.

    All of them carry the name of `run`.
    """
    named = RunUrl(url, run)
    writer, reader, ddl = PostgresWriter(named), PostgresRowReader(named), PostgresDdl(named)
    watch = PostgresWatch(named)

    def close() -> None:
        for part in (writer, reader, ddl, watch):
            part.close()

    return Store(
        scheme="postgresql",
        url=hide_password(url),
        traits=Traits(has_journal_schema=True, constraints_after_tables=True, dialect="postgresql"),
        writer=writer,
        row_reader=reader,
        ddl=ddl,
        steps=PostgresSteps(named),
        watch=watch,
        conflicts=PostgresConflicts(named),
        closer=close,
    )
