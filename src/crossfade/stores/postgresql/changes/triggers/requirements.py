"""Find what a server and its tables lack for a feed by triggers, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossfade.stores.contract.changes import BY_KEY, NamedBy
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.requirements import OLDEST
from crossfade.stores.postgresql.changes.tables import existing
from crossfade.stores.postgresql.changes.triggers.names import queries
from crossfade.stores.postgresql.changes.triggers.state import faults


def lacking(control: Control, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> Iterator[str]:
    ((version, standby, creates),) = control.rows(queries()["server"])
    if int(version) < OLDEST:
        yield f"the server is PostgreSQL {int(version) // 10000}: a feed needs version {OLDEST // 10000} or later"
    if standby == "true":
        yield "the server is a standby, where nothing can be created: name the primary in the URL"
    elif creates != "true":
        yield "the role may not create a schema: GRANT CREATE ON DATABASE ... TO ..."
    tables, missing = existing(control.rows, entities, int(version), named_by)
    yield from (f"the database has no table {entity!r}" for entity in missing)
    yield from (fault for table in tables for fault in faults(table))
