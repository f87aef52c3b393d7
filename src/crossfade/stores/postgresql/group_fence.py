"""The fence of a group of tables: the triggers are on these alone, and its guard is a row of its own.

Applications may write to all other tables meanwhile. A statement fires only the triggers of the table that it names: so
a table must be closed together with its parents, through which its rows can be written too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg

from crossfade.model.quoting import literal
from crossfade.model.sql_files import named_queries
from crossfade.stores.contract import Fence, Group
from crossfade.stores.postgresql.fence import PostgresFence, array


@cache
def _queries() -> dict[str, str]:
    return named_queries(__package__, "group_fence.sql")


class GroupFence(PostgresFence):
    _open_by_hand = "ALTER TABLE ... DISABLE TRIGGER crossfade_fence, for each of its tables"

    def __init__(self, url: str, of: Group) -> None:
        super().__init__(url)
        self._of = of
        self._session = f"fence-{of.name}"

    def _text(self, name: str, **parts: object) -> str:
        own = _queries()
        if name not in own:
            return super()._text(name, **parts)
        return own[name].format(group=literal(self._of.name), names=array(self._of.tables), **parts)

    def check(self) -> Sequence[str]:
        with self._connected(0) as connection:
            tables = array([name for name, *_ in self._tables(connection)])
            found = [f"there is no table {name}" for (name,) in self._rows(connection, "missing")]
            found += [
                f"{name} is a part of {above}, by which its rows are written too: name {above} in the group"
                for above, name in self._rows(connection, "above", tables=tables)
            ]
            found += [
                f"{name} inherits from a table of the group, by which its rows are written too: name it in the group"
                for (name,) in self._rows(connection, "unnamed")
            ]
            if self._one(connection, "exists"):
                found += [
                    f"{name} is closed by the group {group}: open it first"
                    for name, group in self._rows(connection, "elsewhere", tables=tables)
                ]
        return [*found, *super().check()]

    def _note_closed(self, connection: psycopg.Connection[Any], tables: Sequence[str]) -> None:
        self._run(connection, "closed", tables=array(tables))

    def _closed_tables(self, connection: psycopg.Connection[Any]) -> list[str]:
        return super()._closed_tables(connection) if self._one(connection, "exists") else []


_: type[Fence] = GroupFence
