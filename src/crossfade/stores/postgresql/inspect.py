"""Lists what a PostgreSQL database holds as a source, each thing with its class and what the move does with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.model.findings import Finding
from crossfade.model.shape import Shape
from crossfade.model.urls import hide_password
from crossfade.stores.contract import EntityInfo, Inspector, journal_in
from crossfade.stores.postgresql.reading.relations import (
    FOREIGN,
    MATERIALIZED,
    PARTITIONED,
    TABLE,
    VIEW,
    Relation,
    RelationKey,
    Relations,
    queries,
)
from crossfade.stores.postgresql.source import PostgresReader

JOURNAL = "crossfade."
"""The prefix of the tables of a journal, with their schema."""
FEED = "crossfade.crossfade_"
"""The prefix of the tables that triggers write to for a move out of this database: they are not reported."""
GUARDS = {
    "crossfade.fence": "it is the fence of a cutover",
    "crossfade.group_fence": "it is the fence of cutovers of groups",
    "crossfade.group_fence_table": "it is the fence of cutovers of groups",
    "crossfade.back": "it is the guard of what is written back",
}
"""The guards of fences and of writes back, which remain after the database was opened again."""

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
    FOREIGN: "not copied, because its rows are on another server: move them from there",
}
NO_PLACE = (
    "; a partition of it is a foreign table, so its rows have neither a key nor a place by which they could be read:"
    " discard it with a reason"
)


@dataclass(frozen=True)
class PostgresInspector:
    """Reads the catalog; the right to connect is enough."""

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
        full = {name: f"{relation.schema}.{relation.table}" for name, relation in self.relations.by_name.items()}
        shown = {name: of for name, of in full.items() if not of.startswith(FEED)}
        own, entries = journal_in(shown.values(), JOURNAL)
        for name, of in shown.items():
            if of not in own:
                yield self._described(name, self.relations.by_name[name])
        yield from entries
        if count := self._large_objects():
            plan = "not copied: large objects are not rows; store them as bytea first, or move them with pg_dump"
            yield EntityInfo("pg_largeobject", "large objects", plan, False, count, 0)

    def _described(self, name: str, relation: Relation) -> EntityInfo:
        copied, plan = relation.kind in (TABLE, PARTITIONED), PLANS[relation.kind]
        kind = CLASSES[relation.kind]
        if (why := GUARDS.get(f"{relation.schema}.{relation.table}")) is not None:
            kind, copied, plan = "system", False, f"not copied, because {why}"
        elif relation.extension:
            kind, copied = "system", False
            plan = f"not copied, because it belongs to the extension {relation.extension}"
        elif copied:
            plan += self._more(relation)
        return EntityInfo(name, kind, plan, copied, relation.estimate, relation.bytes, identity=relation.oid)

    def _more(self, relation: Relation) -> str:
        said = "; rows of tables that inherit from it are copied with those" if relation.has_children else ""
        said += NO_PLACE if relation.has_foreign else _of_key(self.relations.key(relation))
        if relation.policies:
            said += "; it has row-level security: the role needs BYPASSRLS, or to own it"
        return said + ("" if relation.may_read else "; the role has no right to read it (GRANT SELECT)")

    def _large_objects(self) -> int:
        try:
            ((count,),) = self.reader.text_rows(queries()["large_objects"])
        except CrossfadeError:  # a right that not every server grants
            return 0
        return int(count or 0)

    def altered(self, shapes: Collection[Shape]) -> Mapping[str, Sequence[str]]:
        found = {s.entity: self.reader.altered(s.entity, s) for s in shapes if s.entity in self.relations.by_name}
        return {entity: said for entity, said in found.items() if said}

    def doubtful(self, entities: Collection[str]) -> Sequence[Finding]:
        names = {one.oid: name for name, one in self.relations.by_name.items() if name in entities}
        unlogged, rules = (self._of_entities(names, queries()[name]) for name in ("unlogged", "rules"))
        return [
            *(_unlogged(name, table) for name, table in unlogged),
            *(_rule(name, table, rule, event, kind) for name, table, rule, event, kind in rules),
        ]

    def _of_entities(self, names: Mapping[str, str], query: str) -> list[tuple[str, ...]]:
        found = [[str(part) for part in row] for row in self.reader.text_rows(query)]
        return sorted((names[oid], *parts) for oid, *parts in found if oid in names)

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the database's name, and the address and port of the server."""
        ((name, place, oid),) = self.reader.text_rows(queries()["place"])
        return str(name), (f"{place}/{oid}",)

    def version(self) -> str:
        ((version,),) = self.reader.text_rows("SELECT pg_catalog.current_setting('server_version')")
        return f"PostgreSQL {version}"


def _unlogged(entity: str, table: str) -> Finding:
    said = f"{table} is unlogged: a crash of the server empties it, and no feed of changes says so"
    return Finding("note", "vanishes", entity, said, f"ALTER TABLE {table} SET LOGGED")


def _rule(entity: str, table: str, rule: str, event: str, kind: str) -> Finding:
    does = "runs instead, and the record is set aside" if kind == "INSTEAD" else "runs too (triggers do not)"
    said = f"{table} has the rule {rule} for {event}: when records are put back after a cutover, it {does}"
    return Finding("note", "rule", entity, said, f"after the cutover: ALTER TABLE {table} DISABLE RULE {rule}")


def _of_key(key: RelationKey) -> str:
    if key.is_primary:
        return ""
    if key.columns:
        return f"; it has no primary key, so its rows are known by {', '.join(c.name for c in key.columns)}"
    return (
        "; it has no primary key and no unique columns that are not null, so its rows are known by their place (ctid):"
        " this is valid within one run, while the table is not written"
    )


_: type[Inspector] = PostgresInspector
