"""Creates and removes the triggers of a feed, without blocking writers.

CREATE TRIGGER waits for transactions that have written to the table, and new writers queue behind it. So it waits for
at most a fifth of a second, and tries again later.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from crossfade.errors import Busy, CrossfadeError
from crossfade.model.quoting import literal
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.tables import Followed
from crossfade.stores.postgresql.changes.triggers.names import SCHEMA, changes, head, parts, pattern, queries
from crossfade.stores.postgresql.session.own_schema import DROP_IF_EMPTY

LOCK_TIMEOUT = b"SET LOCAL lock_timeout TO '200ms'"
ATTEMPTS = 120
PAUSE_SECONDS = 1.0


def create(control: Control, name: str) -> None:
    """Create the schema, if it does not exist, and the head: the objects that a feed has once."""
    if not control.rows(f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = '{SCHEMA}'"):
        control.rows(queries()["create_schema"])
    control.rows(queries()["create_head"].format(head=head(name)))
    control.rows(queries()["begin_head"].format(head=head(name)))
    control.rows(queries()["create_keeper"].format(head=head(name)))


def install(control: Control, name: str, number: int, table: Followed) -> None:
    """Create the table of changes of an entity, its function and its triggers. Raises Busy if writers never pause."""
    named = {**parts(table, changes(name, number)), "trigger": f"{name}_{number}"}
    named |= {"head": head(name), "kept": f"{name}_kept"}
    made = ("create_changes", "create_default", "create_index", "create_function")
    briefly(control, [queries()[each].format(**named) for each in made], table.entity)
    if control.rows(queries()["has_keeper"].format(name=literal(name))):
        briefly(control, [queries()[each].format(**named) for each in ("create_kept", "always_kept")], table.entity)
    triggers = ("create_row_trigger", "create_table_trigger", "always")
    briefly(control, [queries()[each].format(**named) for each in triggers], table.entity)


def remove(control: Control, name: str) -> None:
    """Remove everything: the triggers first, so that no trigger writes to a table that is gone."""
    _remove(control, pattern(name))
    _drop_schema(control)


def remove_one(control: Control, name: str, number: int) -> None:
    """Remove the objects of one entity."""
    _remove(control, pattern(f"{name}_{number}"))


def _remove(control: Control, names: str) -> None:
    found = control.rows(queries()["made"].format(pattern=names))
    for trigger, table, kind in found:
        if kind == "trigger":
            briefly(control, [f'DROP TRIGGER IF EXISTS "{trigger}" ON {table}'], table)
    for kind, marks in (("table", ""), ("function", "()")):
        for thing, _, of in found:
            if of == kind:
                control.rows(f"DROP {kind.upper()} IF EXISTS {SCHEMA}.{thing}{marks}")


def _drop_schema(control: Control) -> None:
    """Drop the schema if it is empty and belongs to this role."""
    control.rows(DROP_IF_EMPTY)


def briefly(control: Control, statements: Sequence[str], what: str) -> None:
    """Run statements in one transaction that never makes writers wait for long. Repeat it until it succeeds."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            with control.speaking() as connection, connection.transaction():
                connection.execute(LOCK_TIMEOUT)
                for statement in statements:
                    connection.execute(statement.encode())
            return
        except CrossfadeError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
    raise Busy(
        f"long transactions write to {what}, so that its triggers could not be changed",
        hint="see pg_stat_activity for transactions that stay open; then run the same command again",
    )
