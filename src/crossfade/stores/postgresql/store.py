"""PostgreSQL as a store: a bundle of parts."""

from __future__ import annotations

from crossfade.model.urls import hide_password
from crossfade.records.rows.codec import ROWS
from crossfade.stores.contract import Store, Traits
from crossfade.stores.postgresql.constraints.conflicts import PostgresConflicts
from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.stores.postgresql.inspect import PostgresInspector
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.session.connect import RunUrl
from crossfade.stores.postgresql.source import PostgresReader
from crossfade.stores.postgresql.steps import PostgresSteps
from crossfade.stores.postgresql.survey import PostgresSurveyor
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.postgresql.watch import PostgresWatch


def open_postgresql(url: str, run: str = "", snapshot: str = "") -> Store:
    """Return the store at `url`, in any form that libpq or SQLAlchemy accepts. Connections are opened on first use.

    All of them carry the name of `run`. As a source it reads what another one saw that gave its `snapshot`.
    """
    named = RunUrl(url, run)
    writer, reader, ddl = PostgresWriter(named), PostgresRowReader(named), PostgresDdl(named)
    watch, source = PostgresWatch(named), PostgresReader(named, snapshot)

    def close() -> None:
        for part in (writer, reader, ddl, watch, source):
            part.close()

    return Store(
        scheme="postgresql",
        url=hide_password(url),
        traits=Traits(has_journal_schema=True, constraints_after_tables=True, dialect="postgresql"),
        inspector=PostgresInspector(source, named),
        reader=source,
        codec=ROWS,
        surveyor=PostgresSurveyor(source),
        snapshot=source.snapshot,
        writer=writer,
        row_reader=reader,
        ddl=ddl,
        steps=PostgresSteps(named),
        watch=watch,
        conflicts=PostgresConflicts(named),
        closer=close,
    )
