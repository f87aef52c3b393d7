"""The names that Prisma Migrate gives to constraints and indexes: the stored names of tables and columns,
joined by underscores, truncated so that the suffix fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Dialect = Literal["postgresql", "sqlite"]

# Bytes in an identifier, as Prisma has them; SQLite has no limit of its own.
LIMIT: dict[Dialect, int] = {"postgresql": 63, "sqlite": 10_000}


def primary_key(table: str, dialect: Dialect) -> str:
    return _name([table], "_pkey", dialect)


def unique(table: str, columns: Sequence[str], dialect: Dialect) -> str:
    return _name([table, *columns], "_key", dialect)


def index(table: str, columns: Sequence[str], dialect: Dialect) -> str:
    return _name([table, *columns], "_idx", dialect)


def foreign_key(table: str, columns: Sequence[str], dialect: Dialect) -> str:
    return _name([table, *columns], "_fkey", dialect)


def join_table(relation: str, dialect: Dialect) -> str:
    """Return the table name of an implicit many-to-many relation: `_AToB`, or `_` and the relation's own name."""
    return cut(f"_{relation}", LIMIT[dialect])


def join_part(table: str, suffix: str, dialect: Dialect) -> str:
    """Name a constraint of a join table; `suffix` is `_AB_pkey`, `_AB_unique`, `_B_index`, `_A_fkey` or `_B_fkey`."""
    return _name([table], suffix, dialect)


def cut(text: str, size: int) -> str:
    """Return the longest prefix of `text` of at most `size` bytes that does not split a character.

    >>> cut("größe", 3)
    'gr'
    """
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def _name(parts: Sequence[str], suffix: str, dialect: Dialect) -> str:
    return cut("_".join(parts), LIMIT[dialect] - len(suffix)) + suffix
