"""SQLite as a store: a bundle of parts."""

from __future__ import annotations

from crossfade.model.urls import hide_password, printable
from crossfade.records.rows.dynamic.codec import DYNAMIC
from crossfade.stores.contract import Store, Traits
from crossfade.stores.sqlite.conflicts import SqliteConflicts
from crossfade.stores.sqlite.connect import path_of
from crossfade.stores.sqlite.ddl import SqliteDdl
from crossfade.stores.sqlite.fence import SqliteFence
from crossfade.stores.sqlite.inspect import SqliteInspector
from crossfade.stores.sqlite.rows import SqliteRowReader
from crossfade.stores.sqlite.source import SqliteReader
from crossfade.stores.sqlite.steps import SqliteSteps
from crossfade.stores.sqlite.survey import SqliteSurveyor
from crossfade.stores.sqlite.target import SqliteWriter


def open_sqlite(url: str) -> Store:
    """Return the store of the SQLite file at `url`, created on first write. Raises Misused if `url` names no file."""
    path_of(url)
    writer, reader, source = SqliteWriter(url), SqliteRowReader(url), SqliteReader(url)

    def close() -> None:
        for part in (writer, reader, source):
            part.close()

    return Store(
        scheme="sqlite",
        url=printable(hide_password(url)),
        traits=Traits(has_journal_schema=False, constraints_after_tables=False, is_file=True, dialect="sqlite"),
        inspector=SqliteInspector(source, url),
        reader=source,
        finder=source,
        codec=DYNAMIC,
        surveyor=SqliteSurveyor(source),
        snapshot=source.snapshot,
        changed=source.changed,
        writer=writer,
        row_reader=reader,
        ddl=SqliteDdl(url),
        steps=SqliteSteps(url),
        conflicts=SqliteConflicts(url),
        fence=SqliteFence(url),
        closer=close,
    )
