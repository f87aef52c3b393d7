"""The references of a table, and how many of its rows refer to a missing row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from crossfade.model.quoting import identifier
from crossfade.model.references import Keyed, Reference, guessed
from crossfade.stores.postgresql.reading.relations import Ask, Relation, Relations, queries

_COMPARED = {"smallint": "bigint", "integer": "bigint", "character varying": "text"}
"""Types whose values are compared as those of another type."""


def references(relations: Relations, relation: Relation, ask: Ask) -> tuple[Reference, ...]:
    """Return the foreign keys of a table, and the references that the names of its columns suggest, each with its
    orphans. Tables that the role may not read are left out.
    """
    by_oid = {other.oid: other for other in relations.by_name.values() if other.may_read}
    declared = list(_declared(relations, relation, by_oid, ask))
    columns = {c.name: _COMPARED.get(c.type, c.type) for c in relations.columns(relation)}
    key = relations.key(relation).columns
    taken = {name for one in declared for name in one.columns} | ({key[0].name} if len(key) == 1 else set())
    others = list(_keyed(relations, by_oid, ask))
    found = [*declared, *sorted(guessed(relations.name_of(relation), columns, others, taken), key=str)]
    return tuple(replace(one, orphans=_orphans(relations, relation, one, ask)) for one in found)


def _declared(relations: Relations, relation: Relation, by_oid: dict[str, Relation], ask: Ask) -> Iterator[Reference]:
    for columns, oid, there in ask(queries()["references"].replace("{oid}", relation.oid)):
        if oid in by_oid:
            names = tuple(json.loads(columns or "[]")), tuple(json.loads(there or "[]"))
            yield Reference(names[0], relations.name_of(by_oid[oid]), names[1])


def _keyed(relations: Relations, by_oid: dict[str, Relation], ask: Ask) -> Iterator[Keyed]:
    for oid, column, kind in ask(queries()["keyed"]):
        if oid in by_oid:
            other = by_oid[oid]
            yield Keyed(relations.name_of(other), other.table, str(column), _COMPARED.get(str(kind), str(kind)))


def _orphans(relations: Relations, relation: Relation, one: Reference, ask: Ask) -> int:
    ((count,),) = ask(_statement(relation, relations.relation(one.to), one.columns, one.there))
    return int(count or 0)


def _statement(child: Relation, parent: Relation, columns: Sequence[str], there: Sequence[str]) -> str:
    whole = " AND ".join(f"t.{identifier(name)} IS NOT NULL" for name in columns)
    pairs = zip(columns, there, strict=True)
    same = " AND ".join(f"p.{identifier(to)} = t.{identifier(name)}" for name, to in pairs)
    missing = f"NOT EXISTS (SELECT FROM {parent.rows} AS p WHERE {same})"
    return f"SELECT count(*)::text FROM {child.rows} AS t WHERE {whole} AND {missing}"
