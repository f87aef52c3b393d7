"""Triggers do not fire for what Crossfade writes: the transaction that writes disables them, for itself alone.

The owner of a table may do that; session_replication_role would take a superuser, and would leave foreign keys
unchecked. Other sessions see a lock: who wants to write to the table waits until the transaction ends.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from crossfade.errors import Refused

_ENABLED = """
SELECT n.nspname, c.relname, g.tgname, g.tgenabled
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
  AND (g.tgrelid = %(table)s::regclass
       OR g.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(%(table)s::regclass)))
"""
_MODES = {"O": "ENABLE", "A": "ENABLE ALWAYS"}

Trigger = tuple[str, str, str, str]


class Suspended:
    """The triggers that one transaction has disabled."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._triggers: dict[Trigger, None] = {}

    def suspend(self, table: str) -> None:
        """Disables the triggers of a table (as SQL names it) and of its partitions. Asked each time: what was disabled
        in a savepoint is enabled again when that was rolled back.
        """
        for trigger in self._connection.execute(_ENABLED, {"table": table}).fetchall():
            try:
                self._alter(trigger, "DISABLE")
            except psycopg.errors.InsufficientPrivilege as error:
                raise _no_owner(table, trigger[2]) from error
            self._triggers[trigger] = None

    def resume(self) -> None:
        """Before the transaction commits: each as it was."""
        while self._triggers:
            trigger, _ = self._triggers.popitem()
            self._alter(trigger, _MODES[trigger[3]])

    def _alter(self, trigger: Trigger, how: str) -> None:
        schema, table, name, _ = trigger
        self._connection.execute(
            sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
                sql.Identifier(schema, table), sql.SQL(how), sql.Identifier(name)
            )
        )


def _no_owner(table: str, name: str) -> Refused:
    return Refused(
        f"the trigger {name} of {table} would fire for what crossfade writes, and this login may not disable it:"
        " it does not own the table; nothing was written",
        hint=f"use a login that owns the table, or as its owner: ALTER TABLE {table} DISABLE TRIGGER USER",
    )
