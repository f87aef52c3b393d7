"""The way back from the target to the source: whether there is one, its feed, and what it has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from crossfade.errors import CrossfadeError
from crossfade.journal import feed as feeds
from crossfade.mapping import owners as owning
from crossfade.mapping.owners import owners
from crossfade.model.owners import Owners
from crossfade.model.target import TargetTable
from crossfade.move import feed_names, inverting, round_trips
from crossfade.move.context import Context
from crossfade.runtime.putting import putter
from crossfade.runtime.session import close_sessions, session
from crossfade.runtime.way_back import KINDS, Way
from crossfade.stores.contract import ChangeFeed, Started, need


def is_back(context: Context) -> bool:
    """Return whether the feed of the move is the target's."""
    if not context.has_journal:
        return False
    with context.transaction() as tx:
        record = feeds.find(tx)
    return record is not None and record.is_back


def is_wanted(context: Context) -> bool:
    return context.project.settings.cutover.way_back


def lacks(context: Context) -> list[str]:
    """Return why there is no way back, one sentence each."""
    try:
        return list(_lacks(context))
    except CrossfadeError as error:
        return [error.message]


def _lacks(context: Context) -> Iterator[str]:
    source, target = context.source, context.target
    if source.record_writer is None:
        yield f"records of {source.scheme} cannot be written"
        return
    if target.changes is None:
        yield f"{target.scheme} has no feed of changes"
        return
    yield from _without_inverse(context)
    by_table = dict(_owner_columns(context))
    for table, names in by_table.items():
        yield from (
            f"{table.name}.{name} has the type {column.type.sql}, which cannot identify a record"
            for name in names
            if (column := table.column(name)) is not None and column.type.kind not in KINDS
        )
    way = way_of(context)
    yield from target.changes.check(sorted(way.tables), way.named_by)
    yield from source.record_writer.check(context.fed_entities)


def _without_inverse(context: Context) -> Iterator[str]:
    back = round_trips.back_of(context)
    why = {one.entity: one.why for one in inverting.derived(context)}
    work = round_trips.work_of(context)
    try:
        for entity in context.fed_entities:
            if entity not in back.inverses:
                yield f"{entity} has no inverse" + (f": {why[entity]}" if why.get(entity) else "")
                continue
            putter(session(work), back, entity)
    finally:
        close_sessions(work.token)


def without_owner(context: Context) -> list[str]:
    """Return the tables whose new rows lead to no record."""
    return sorted(owning.without_owner(context.program, context.shapes, {t.name: t for t in context.schema.tables}))


def way_of(context: Context) -> Way:
    """Return how rows lead to records."""
    default = need(context.target.ddl, context.target, "be inspected").default_schema()
    tables: dict[str, str] = {}
    named_by: dict[str, tuple[str, ...]] = {}
    for table, columns in _owner_columns(context):
        name = table.table if table.schema in (None, "", default) else f"{table.schema}.{table.table}"
        tables[name], named_by[name] = table.name, columns
    return Way(context.feed_names.back, tables, named_by, round_trips.back_of(context))


def _owner_columns(context: Context) -> Iterator[tuple[TargetTable, tuple[str, ...]]]:
    """Yield each fed table with the columns by which its rows are named: the owner column, or the primary key."""
    tables = {t.name: t for t in context.schema.tables}
    by_entity: Mapping[str, Owners] = owners(context.program, context.shapes, tables)
    for table in context.tables(context.fed_tables):
        column = next((o.columns[table.name] for o in by_entity.values() if table.name in o.columns), None)
        yield table, tuple(table.primary_key) if column is None else (column,)


def feed_of(context: Context) -> ChangeFeed:
    way = way_of(context)
    changes = need(context.target.changes, context.target, "follow changes")
    return changes.feed(context.feed_names.back, sorted(way.tables), way.named_by)


def start_feed(context: Context) -> Started:
    with closing(feed_of(context)) as feed:
        return feed.start()


def remove(context: Context) -> None:
    """Remove all that was made for the way back, on both sides."""
    name = context.feed_names.back
    feed_names.remove(context.target, name)
    if context.source.record_writer is not None:
        context.source.record_writer.remove(name)
