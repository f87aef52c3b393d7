"""PostgreSQL as a store: a bundle of parts."""

from __future__ import annotations

from crossfade.model.urls import hide_password
from crossfade.records.rows.codec import ROWS
from crossfade.stores.contract import Group, Store, Traits
from crossfade.stores.postgresql.changes.part import PostgresChanges
from crossfade.stores.postgresql.constraints.conflicts import PostgresConflicts
from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.stores.postgresql.fence import PostgresFence
from crossfade.stores.postgresql.group_fence import GroupFence
from crossfade.stores.postgresql.inspect import PostgresInspector
from crossfade.stores.postgresql.load import PostgresLoad
from crossfade.stores.postgresql.records import PostgresRecordWriter
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.session.connect import RunUrl, journal_tables
from crossfade.stores.postgresql.sessions import PostgresSessions
from crossfade.stores.postgresql.source import PostgresReader
from crossfade.stores.postgresql.steps import PostgresSteps
from crossfade.stores.postgresql.survey import PostgresSurveyor
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.postgresql.watch import PostgresWatch


def open_postgresql(url: str, run: str = "", snapshot: str = "", of: Group | None = None) -> Store:
    """Return the store at `url`, in any form that libpq or SQLAlchemy accepts. Connections are opened on first use.

    All of them have the name of `run`. With a group, its journal, its lock and its fence are those of that group. A
    source with a `snapshot` reads that snapshot, which another store has exported.
    """
    group = "" if of is None else of.name
    named = RunUrl(url, run, group)
    writer, reader, ddl = PostgresWriter(named), PostgresRowReader(named), PostgresDdl(named)
    watch, source = PostgresWatch(named), PostgresReader(named, snapshot)
    changes, load, sessions = PostgresChanges(named), PostgresLoad(named), PostgresSessions(named)
    records = PostgresRecordWriter(url)

    def close() -> None:
        for part in (writer, reader, ddl, watch, source, changes, load, sessions, records):
            part.close()

    return Store(
        scheme="postgresql",
        url=hide_password(url),
        traits=Traits(
            has_journal_schema=True,
            constraints_after_tables=True,
            dialect="postgresql",
            journal_tables=journal_tables(group),
            has_groups=True,
        ),
        inspector=PostgresInspector(source, named),
        reader=source,
        finder=source,
        codec=ROWS,
        surveyor=PostgresSurveyor(source),
        snapshot=source.snapshot,
        writer=writer,
        row_reader=reader,
        ddl=ddl,
        steps=PostgresSteps(named),
        watch=watch,
        conflicts=PostgresConflicts(named),
        changes=changes,
        fence=PostgresFence(url) if of is None else GroupFence(url, of),
        load=load,
        sessions=sessions,
        record_writer=records,
        closer=close,
    )
