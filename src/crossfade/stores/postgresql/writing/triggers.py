"""Triggers do not fire for what Crossfade writes: the writing transaction disables them, only for itself.

The owner of a table may do that; session_replication_role would require a superuser, and would not check foreign keys.
Other sessions see a lock: writers of the table wait until the transaction ends.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from crossfade.errors import Refused

_FOUND = """
WITH part AS (
    SELECT %(table)s::regclass::oid AS oid
    UNION SELECT relid::oid FROM pg_catalog.pg_partition_tree(%(table)s::regclass))
SELECT r.relkind = 'p',
       EXISTS (SELECT FROM pg_catalog.pg_trigger d WHERE d.tgdeferrable AND d.tgrelid IN (SELECT oid FROM part)),
       n.nspname, c.relname, g.tgname, g.tgenabled
FROM pg_catalog.pg_class r
LEFT JOIN pg_catalog.pg_trigger g
       ON g.tgrelid IN (SELECT oid FROM part) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
      AND g.tgname !~ '^crossfade_'
LEFT JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.oid = %(table)s::regclass
"""
_MODES = {"O": "ENABLE", "A": "ENABLE ALWAYS"}

Trigger = tuple[str, str, str, str]


class DisabledTriggers:
    """The triggers that one transaction has disabled, and whether a table that it writes to has deferrable checks.

    A table is looked up once: the writer's lock prevents others from creating a trigger. It does not prevent them from
    attaching a partition that has some, so a partitioned table is looked up each time.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._triggers: dict[Trigger, None] = {}
        self._known: set[str] = set()
        self.defers = False

    def suspend(self, table: str) -> None:
        """Disable the triggers of a table (by its SQL name) and of its partitions."""
        if table in self._known:
            return
        found = self._connection.execute(_FOUND, {"table": table}).fetchall()
        for _, defers, *trigger in found:
            self.defers |= defers  # every deferrable constraint has a deferrable trigger
            if trigger[2] is not None:
                self._disable(table, (trigger[0], trigger[1], trigger[2], trigger[3]))
        if not found[0][0]:
            self._known.add(table)

    def forget(self) -> None:
        """Forget triggers disabled since a savepoint: the rollback has enabled them and released the locks."""
        self._known.clear()

    def resume(self) -> None:
        """Restore each trigger before the transaction commits."""
        self._known.clear()
        while self._triggers:
            trigger, _ = self._triggers.popitem()
            self._alter(trigger, _MODES[trigger[3]])

    def _disable(self, table: str, trigger: Trigger) -> None:
        try:
            self._alter(trigger, "DISABLE")
        except psycopg.errors.InsufficientPrivilege as error:
            raise _no_owner(table, trigger[2]) from error
        self._triggers[trigger] = None

    def _alter(self, trigger: Trigger, how: str) -> None:
        schema, table, name, _ = trigger
        self._connection.execute(
            sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
                sql.Identifier(schema, table), sql.SQL(how), sql.Identifier(name)
            )
        )


def _no_owner(table: str, name: str) -> Refused:
    return Refused(
        f"the trigger {name} of {table} would fire for rows that crossfade writes, and this role may not disable it:"
        " it does not own the table; nothing was written",
        hint=f"use a role that owns the table, or as its owner: ALTER TABLE {table} DISABLE TRIGGER USER",
    )
