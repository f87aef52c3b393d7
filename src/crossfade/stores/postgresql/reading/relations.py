"""The relations of a PostgreSQL database as a source, with their columns and the keys that identify their rows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from crossfade.errors import Refused
from crossfade.model.quoting import identifier
from crossfade.model.sql_files import named_queries
from crossfade.schema.column_types import postgresql_type
from crossfade.stores.postgresql.meaning.types import ARRAY, PgType, TypeCatalog
from crossfade.stores.postgresql.reading.canonical import AS_TEXT

Ask = Callable[[str], Sequence[Sequence[str | None]]]
"""Runs a SELECT whose columns are all text."""

_MODIFIER = re.compile(r"\([0-9, ]*\)")

TABLE, PARTITIONED, VIEW, MATERIALIZED, FOREIGN = "r", "p", "v", "m", "f"

_CASTS = {"character": "bpchar", "bit": '"bit"'}
"""Types whose bare name would mean a length of 1."""
_WIDER = {"smallint": "bigint", "integer": "bigint"}


@cache
def queries() -> dict[str, str]:
    return named_queries(__package__, "relations.sql")


@dataclass(frozen=True)
class SourceColumn:
    """`type`: the name of its type without a modifier; for a domain, of its base type; for an array "array", with
    elements of the type `element`. `spelled`: its declaration. `cast`: the type to which the text of a value is cast to
    be compared with the column; it accepts every value of the kind, and the column's index can be used. `equates`:
    different texts may be equal, by the collation or the type (citext). `delimiter`: the sign between the elements of
    an array, as the server prints it.
    """

    name: str
    type: str
    element: str | None
    spelled: str
    cast: str
    nullable: bool
    equates: bool = False
    delimiter: str = ","

    @property
    def sql(self) -> str:
        return f"t.{identifier(self.name)}"

    @property
    def text(self) -> str:
        """Return the SQL of its value as text."""
        return self.as_text.format(self.sql)

    @property
    def as_text(self) -> str:
        """Return how SQL becomes text. Elements that arrive as text have the text of their own cast in an array, too:
        printed, an inet has no length of its network there, and boxes are not separated by commas.
        """
        is_cast = self.element is not None and postgresql_type(self.element).kind in AS_TEXT
        return "{}::text[]::text" if is_cast else "{}::text"

    @property
    def of_text(self) -> str:
        """Return how that text becomes a value again."""
        return "{}" if self.delimiter == "," else f"{{}}::text[]::{self.cast}"


_CTID = SourceColumn("ctid", "tid", None, "tid", "tid", False)
_TABLE_OID = SourceColumn("tableoid", "oid", None, "oid", "oid", False)


@dataclass(frozen=True)
class Relation:
    """`estimate` and `bytes` are the server's own. `policies`: row-level security is on. `has_foreign`: a partition of
    it is a foreign table, of which all rows may have one ctid.
    """

    oid: str
    schema: str
    table: str
    kind: str
    estimate: int
    bytes: int
    policies: bool
    has_children: bool
    extension: str
    may_read: bool
    has_foreign: bool = False

    @property
    def qualified(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.table)}"

    @property
    def rows(self) -> str:
        """Return what to read from: without the rows of inheriting tables, and with those of partitions."""
        return f"ONLY {self.qualified}" if self.kind == TABLE else self.qualified


@dataclass(frozen=True)
class RelationKey:
    """The columns of the key, in order; none if rows are identified by place (`ctid`), which is valid in one snapshot.

    `is_primary`: it is the primary key, not another unique index.
    """

    columns: tuple[SourceColumn, ...]
    is_primary: bool = False


class Relations:
    """The relations of one database, each read once."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._types = TypeCatalog(ask)
        self._columns: dict[str, tuple[SourceColumn, ...]] = {}
        self._keys: dict[str, RelationKey] = {}
        self._digests: dict[str, str] = {}

    @cached_property
    def default_schema(self) -> str:
        query = "SELECT (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]"
        ((name,),) = self._ask(query)
        return name or "public"

    @cached_property
    def by_name(self) -> dict[str, Relation]:
        """Every relation by the name of its entity: with its schema, unless that is the default one. Relations of which
        the names would be the same (a table "a.b", and a table b in the schema a) have both parts in quotes.
        """
        found = [_relation([value or "" for value in row]) for row in self._ask(queries()["relations"])]
        times = Counter(map(self._usual_name, found))
        return {one.qualified if times[name := self._usual_name(one)] > 1 else name: one for one in found}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {relation.oid: name for name, relation in self.by_name.items()}

    def name_of(self, relation: Relation) -> str:
        return self._names[relation.oid]

    def _usual_name(self, relation: Relation) -> str:
        is_default = relation.schema == self.default_schema
        return relation.table if is_default else f"{relation.schema}.{relation.table}"

    def relation(self, entity: str) -> Relation:
        """Return the relation of an entity. Raises Refused if there is none."""
        found = self.by_name.get(entity)
        if found is None:
            raise Refused(
                f"the database has no table {entity!r}; nothing was read",
                hint="compare the entities in crossfade.toml with what the source holds (crossfade survey)",
            )
        return found

    def have_changed(self) -> bool:
        """Return whether the definition of a table has changed since its columns were read."""
        return bool(self._digests) and self._definitions(self._digests) != self._digests

    def _definitions(self, oids: Iterable[str]) -> dict[str, str]:
        rows = self._ask(queries()["definitions"].replace("{oids}", ", ".join(oids)))
        return {str(oid): str(digest) for oid, digest in rows}

    def columns(self, relation: Relation) -> tuple[SourceColumn, ...]:
        """Return the columns of a relation, including the place of a row if rows are identified by it."""
        return (*self._own_columns(relation), *self.place(relation))

    def place(self, relation: Relation) -> tuple[SourceColumn, ...]:
        """Return the expressions for the place of a row, if rows have no key and are identified by it, or nothing."""
        if relation.kind in (VIEW, FOREIGN) or relation.has_foreign or self.key(relation).columns:
            return ()
        return (*((_TABLE_OID,) if relation.kind == PARTITIONED else ()), _CTID)

    def _own_columns(self, relation: Relation) -> tuple[SourceColumn, ...]:
        if relation.oid not in self._columns:
            self._digests.update(self._definitions([relation.oid]))
            rows = self._ask(queries()["columns"].replace("{oid}", relation.oid))
            self._columns[relation.oid] = tuple(
                _column(str(name), self._types.type(str(oid), str(modifier)), nullable == "true", equates == "true")
                for name, oid, modifier, nullable, equates in rows
            )
        return self._columns[relation.oid]

    def key(self, relation: Relation) -> RelationKey:
        if relation.oid not in self._keys:
            columns = {column.name: column for column in self._own_columns(relation)}
            rows = self._ask(queries()["keys"].replace("{oid}", relation.oid))
            self._keys[relation.oid] = RelationKey(())
            for is_primary, names in rows:
                named = tuple(columns[name] for name in json.loads(names or "[]"))
                self._keys[relation.oid] = RelationKey(named, is_primary == "true")
        return self._keys[relation.oid]


def _relation(row: Sequence[str]) -> Relation:
    oid, schema, table, kind, estimate, size, policies, children, extension, may_read, foreign = row
    flags = policies == "true", children == "true"
    rest = may_read == "true", foreign == "true"
    return Relation(oid, schema, table, kind, int(estimate), int(size), *flags, extension, *rest)


def _column(name: str, of: PgType, nullable: bool, equates: bool) -> SourceColumn:
    if of.form == ARRAY:
        element = word(of.parts[0])
        cast = _CASTS.get(element, element) + "[]"
        return SourceColumn(name, "array", element, of.spelled, cast, nullable, delimiter=of.delimiter)
    own = word(of)
    cast = _WIDER.get(own) or _CASTS.get(own, own)
    return SourceColumn(name, own, None, of.spelled, cast, nullable, equates or own.endswith("citext"))


def word(of: PgType) -> str:
    """Return the name of a type without its modifier: `numeric` of numeric(10,2)."""
    return _MODIFIER.sub("", of.sql) if of.form != ARRAY else "array"
