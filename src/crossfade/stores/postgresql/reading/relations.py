"""What a PostgreSQL database holds, as a source: relations, their columns, and the key that their rows are known by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from crossfade.errors import Refused
from crossfade.model.quoting import identifier
from crossfade.model.sql_files import statements
from crossfade.stores.postgresql.meaning.types import ARRAY, PgType, TypeCatalog

Ask = Callable[[str], Sequence[Sequence[str | None]]]
"""Runs a SELECT whose columns are all text."""

_MODIFIER = re.compile(r"\([0-9, ]*\)")

TABLE, PARTITIONED, VIEW, MATERIALIZED, FOREIGN = "r", "p", "v", "m", "f"

_CASTS = {"character": "bpchar", "bit": '"bit"'}
"""Types whose bare name would mean a length of 1."""
_WIDER = {"smallint": "bigint", "integer": "bigint"}


@cache
def queries() -> dict[str, str]:
    return {name: body.strip().rstrip(";") for name, body in statements(__package__, "relations.sql").items()}


@dataclass(frozen=True)
class SourceColumn:
    """`type` is the name of its type without a modifier, of a domain that of its base type; "array" of an array, whose
    elements are of the type `element`. `spelled` is how the column is declared. `cast` is a type to which the text of a
    value is cast to be compared with the column's: it takes every value of the kind, and the column's index serves it.
    """

    name: str
    type: str
    element: str | None
    spelled: str
    cast: str
    nullable: bool

    @property
    def sql(self) -> str:
        return f"t.{identifier(self.name)}"


@dataclass(frozen=True)
class Relation:
    """`estimate` and `bytes` are the server's own. `policies`: row-level security is on."""

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

    @property
    def qualified(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.table)}"

    @property
    def rows(self) -> str:
        """Return what to read from: rows of inheriting tables are not the table's own, rows of partitions are."""
        return f"ONLY {self.qualified}" if self.kind == TABLE else self.qualified


@dataclass(frozen=True)
class Key:
    """The columns of the key, in order; none where a row is known by its place (`ctid`), which holds for one snapshot.

    `is_primary`: it is the primary key, not another unique index.
    """

    columns: tuple[SourceColumn, ...]
    is_primary: bool = False


class Relations:
    """Looks into one database; what it found is kept."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._types = TypeCatalog(ask)
        self._columns: dict[str, tuple[SourceColumn, ...]] = {}
        self._keys: dict[str, Key] = {}

    @cached_property
    def default_schema(self) -> str:
        query = "SELECT (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]"
        ((name,),) = self._ask(query)
        return name or "public"

    @cached_property
    def by_name(self) -> dict[str, Relation]:
        """Every relation by the name of its entity: with its schema, unless that is the default one."""
        found = {}
        for row in self._ask(queries()["relations"]):
            relation = _relation([value or "" for value in row])
            found[self.name_of(relation)] = relation
        return found

    def name_of(self, relation: Relation) -> str:
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

    def columns(self, relation: Relation) -> tuple[SourceColumn, ...]:
        if relation.oid not in self._columns:
            rows = self._ask(queries()["columns"].replace("{oid}", relation.oid))
            self._columns[relation.oid] = tuple(
                _column(str(name), self._types.type(str(oid), str(modifier)), nullable == "true")
                for name, oid, modifier, nullable in rows
            )
        return self._columns[relation.oid]

    def key(self, relation: Relation) -> Key:
        if relation.oid not in self._keys:
            columns = {column.name: column for column in self.columns(relation)}
            rows = self._ask(queries()["keys"].replace("{oid}", relation.oid))
            self._keys[relation.oid] = Key(())
            for is_primary, names in rows:
                named = tuple(columns[name] for name in json.loads(names or "[]"))
                self._keys[relation.oid] = Key(named, is_primary == "true")
        return self._keys[relation.oid]


def _relation(row: Sequence[str]) -> Relation:
    oid, schema, table, kind, estimate, size, policies, children, extension, may_read = row
    flags = policies == "true", children == "true"
    return Relation(oid, schema, table, kind, int(estimate), int(size), *flags, extension, may_read == "true")


def _column(name: str, of: PgType, nullable: bool) -> SourceColumn:
    if of.form == ARRAY:
        element = word(of.parts[0])
        return SourceColumn(name, "array", element, of.spelled, _CASTS.get(element, element) + "[]", nullable)
    own = word(of)
    return SourceColumn(name, own, None, of.spelled, _WIDER.get(own) or _CASTS.get(own, own), nullable)


def word(of: PgType) -> str:
    """Return the name of a type without its modifier: `numeric` of numeric(10,2)."""
    return _MODIFIER.sub("", of.sql) if of.form != ARRAY else "array"
