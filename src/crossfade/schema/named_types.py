"""The enums and domains of a MetaData. Each stays in the schema that it names, whatever table uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.named_types import CreateDomainType

from crossfade.errors import Misused
from crossfade.model.quoting import literal

NamedType = sa.Enum | DOMAIN


def named_types(metadata: sa.MetaData, dialect: sa.Dialect) -> list[NamedType]:
    """Return the types of columns and those only registered with the MetaData, each once, domains after their bases.

    Raises Misused if one name means two types.
    """
    used = (kind for t in metadata.tables.values() for c in t.columns for kind in _inside(c.type, dialect))
    found: dict[tuple[str, str], NamedType] = {}
    for kind in (*used, *(k for own in _registered(metadata) for k in _inside(own, dialect))):
        key = (kind.schema or str(dialect.default_schema_name), str(kind.name))
        first = found.setdefault(key, kind)
        one, other = create_type_sql(first, dialect), create_type_sql(kind, dialect)
        if one.partition(" AS ")[2] != other.partition(" AS ")[2]:
            raise Misused(
                f"the schema has two types named {'.'.join(key)}; nothing was written\n  {one}\n  {other}",
                hint="give one of them another name, or a schema of its own",
            )
    return sorted(found.values(), key=lambda k: (len(list(_inside(k, dialect))), k.schema or "", str(k.name)))


def create_type_sql(kind: NamedType, dialect: sa.Dialect) -> str:
    """Return the CREATE TYPE or CREATE DOMAIN statement."""
    if isinstance(kind, DOMAIN):
        return str(CreateDomainType(kind).compile(dialect=dialect, compile_kwargs={"literal_binds": True})).strip()
    spelled = dialect.type_compiler_instance.process(kind)
    return f"CREATE TYPE {spelled} AS ENUM ({', '.join(map(literal, kind.enums))})"


def keep_types(table: sa.Table, copy: sa.Table) -> None:
    """Give a copied table the types of its original: copying a table moves its types into the table's schema."""
    for column in table.columns:
        copy.columns[column.key].type = column.type


def _inside(kind: Any, dialect: sa.Dialect) -> Iterator[NamedType]:
    """Return the named types within a column's type: elements of arrays, variants for the dialect, bases of domains."""
    kind = getattr(kind, "_variant_mapping", {}).get(dialect.name, kind)
    if isinstance(kind, sa.types.TypeDecorator):
        yield from _inside(kind.load_dialect_impl(dialect), dialect)
    elif isinstance(kind, sa.ARRAY):
        yield from _inside(kind.item_type, dialect)
    elif isinstance(kind, DOMAIN):
        yield from _inside(kind.data_type, dialect)
        yield kind
    elif isinstance(kind, sa.Enum) and kind.native_enum and kind.name:
        yield kind


def _registered(metadata: sa.MetaData) -> list[Any]:
    """Return the types that create_all creates because they were given the MetaData, used or not."""
    owners = (_owner(listener) for listener in metadata.dispatch.before_create)
    found = [owner for owner in owners if isinstance(owner, (sa.Enum, DOMAIN))]
    return sorted(found, key=lambda each: (each.schema or "", str(each.name)))


def _owner(listener: Any) -> Any:
    """Return the object whose method listens; SQLAlchemy releases wrap the method in different ways."""
    method = getattr(listener, "func", listener)
    return getattr(method, "__self__", None) or getattr(method, "target", None)
