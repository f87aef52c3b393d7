"""Lists what a PostgreSQL database holds as a source, each thing with its class and what the move does with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.model.urls import hide_password
from crossfade.stores.contract import EntityInfo, Inspector
from crossfade.stores.postgresql.reading.relations import (
    FOREIGN,
    MATERIALIZED,
    PARTITIONED,
    TABLE,
    VIEW,
    Key,
    Relation,
    Relations,
    queries,
)
from crossfade.stores.postgresql.source import PostgresReader

JOURNAL = "crossfade"
"""The schema of a journal: of a move into this database."""

CLASSES = {
    TABLE: "table",
    PARTITIONED: "partitioned table",
    VIEW: "view",
    MATERIALIZED: "materialized view",
    FOREIGN: "foreign table",
}
PLANS = {
    TABLE: "copied",
    PARTITIONED: "copied, with all of its partitions as one table",
    VIEW: "not copied, because it is computed; create it as a view of the target",
    MATERIALIZED: "not copied, because it is computed; create it in the target, or name it in entities",
    FOREIGN: "not copied, because its rows are in another server: move them from there",
}


@dataclass(frozen=True)
class PostgresInspector:
    """Reads the catalogue; the right to connect is enough."""

    reader: PostgresReader
    url: str

    @property
    def relations(self) -> Relations:
        return self.reader.relations

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """List every table, view and foreign table, sorted by name. Raises Unreachable if there is none."""
        found = list(self._found())
        if not found:
            raise Unreachable(
                f"the database has no tables ({hide_password(self.url)}); nothing was read",
                hint="check the name of the database at the end of the URL",
            )
        return sorted(found, key=lambda info: info.name)

    def _found(self) -> Iterator[EntityInfo]:
        for name, relation in self.relations.by_name.items():
            yield self._described(name, relation)
        if count := self._large_objects():
            plan = "not copied: large objects are not rows; store them as bytea first, or move them with pg_dump"
            yield EntityInfo("pg_largeobject", "large objects", plan, False, count, 0)

    def _described(self, name: str, relation: Relation) -> EntityInfo:
        copied, plan = relation.kind in (TABLE, PARTITIONED), PLANS[relation.kind]
        kind = CLASSES[relation.kind]
        if relation.schema == JOURNAL:
            kind, copied, plan = "system", False, "not copied, because it is Crossfade's own journal"
        elif relation.extension:
            kind, copied = "system", False
            plan = f"not copied, because it belongs to the extension {relation.extension}"
        elif copied:
            plan += self._more(relation)
        return EntityInfo(name, kind, plan, copied, relation.estimate, relation.bytes, identity=relation.oid)

    def _more(self, relation: Relation) -> str:
        said = "; rows of tables that inherit from it are copied with those" if relation.has_children else ""
        said += _of_key(self.relations.key(relation))
        if relation.policies:
            said += "; it has row-level security: the role needs BYPASSRLS, or to own it"
        return said + ("" if relation.may_read else "; the role has no right to read it (GRANT SELECT)")

    def _large_objects(self) -> int:
        try:
            ((count,),) = self.reader.text_rows(queries()["large_objects"])
        except CrossfadeError:  # a right that not every server grants
            return 0
        return int(count or 0)

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the database's name, and the address and port of the server."""
        ((name, place, oid),) = self.reader.text_rows(queries()["place"])
        return str(name), (f"{place}/{oid}",)

    def version(self) -> str:
        ((version,),) = self.reader.text_rows("SELECT pg_catalog.current_setting('server_version')")
        return f"PostgreSQL {version}"


def _of_key(key: Key) -> str:
    if key.is_primary:
        return ""
    if key.columns:
        return f"; it has no primary key, so its rows are known by {', '.join(c.name for c in key.columns)}"
    return (
        "; it has no primary key and no unique columns that are not null, so its rows are known by their place (ctid):"
        " that holds within one run, while nobody writes"
    )


_: type[Inspector] = PostgresInspector
