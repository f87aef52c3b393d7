"""Find what a server and its tables lack for a feed, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossfade.model.quoting import literal
from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.tables import existing

OLDEST = 140000


def lacking(control: Control, entities: Sequence[str], slot: str = "") -> Iterator[str]:
    """Yield what is missing. `slot` is not counted among those in use."""
    ((*row,),) = control.rows(queries()["server"].format(slot=literal(slot)))
    version = int(row[0])
    yield from of_server(row)
    tables, missing = existing(control.rows, entities, version)
    yield from (f"the database has no table {entity!r}" for entity in missing)
    yield from (fault for table in tables for fault in table.faults())


def server(control: Control, slot: str = "") -> list[str]:
    """Return what the server and the role lack."""
    ((*row,),) = control.rows(queries()["server"].format(slot=literal(slot)))
    return list(of_server(row))


def of_server(row: Sequence[str]) -> Iterator[str]:
    """Yield what the server and the role lack, from a row of the query `server`."""
    version, level, standby, _, replicates, creates, most_slots, slots, most_senders, senders, names = row
    if int(version) < OLDEST:
        yield f"the server is PostgreSQL {int(version) // 10000}: a feed needs version {OLDEST // 10000} or later"
    if standby == "true":
        yield "the server is a standby, where nothing can be created: name the primary in the URL"
        return
    if level != "logical":
        yield (
            f"wal_level is {level}: ALTER SYSTEM SET wal_level = 'logical', then restart the server (managed servers"
            " have a parameter of their own for it, such as rds.logical_replication)"
        )
    if replicates != "true":
        yield "the role may not replicate: ALTER ROLE ... REPLICATION (on Amazon RDS: GRANT rds_replication TO ...)"
    if creates != "true":
        yield "the role may not create a publication: GRANT CREATE ON DATABASE ... TO ..."
    if int(slots) >= int(most_slots):
        yield f"all {most_slots} replication slots are in use: raise max_replication_slots, or drop an unused one"
    if int(senders) >= int(most_senders):
        yield f"all {most_senders} WAL senders are in use: raise max_wal_senders"
    if "*" in names:
        yield (
            f"synchronous_standby_names is {names!r}, so that the application's commits would wait for this feed as for"
            " a standby: name the standbys instead of *"
        )
