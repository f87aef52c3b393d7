"""PostgreSQL's native types as Prisma spells them after `@db.`, and Prisma's own choice where none is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine, UserDefinedType

Made = TypeEngine[Any]


class Verbatim(UserDefinedType[str]):
    """A type that SQLAlchemy has no class for, spelled as the database spells it; its values are passed as text."""

    cache_ok = True

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def get_col_spec(self, **_: object) -> str:
        return self.spec


@dataclass(frozen=True, slots=True)
class Native:
    """A native type: the scalar it belongs to, how many numbers it takes, their limits, and how it is made.

    `family` groups the types that a foreign key may join.
    """

    scalar: str
    make: Callable[..., Made]
    least: int = 0
    most: int = 0
    limits: tuple[int, int] = (1, 10_485_760)
    family: str = ""


def _timestamp(zone: bool) -> Callable[..., Made]:
    return lambda precision=None: pg.TIMESTAMP(timezone=zone, precision=precision)


def _time(zone: bool) -> Callable[..., Made]:
    return lambda precision=None: pg.TIME(timezone=zone, precision=precision)


_SECONDS = (0, 6)

NATIVE: dict[str, Native] = {
    "Text": Native("String", sa.TEXT, family="text"),
    "VarChar": Native("String", sa.VARCHAR, 0, 1, family="text"),
    "Char": Native("String", sa.CHAR, 0, 1, family="text"),
    "Uuid": Native("String", lambda: pg.UUID(as_uuid=True), family="uuid"),
    "Citext": Native("String", pg.CITEXT, family="text"),
    "Inet": Native("String", pg.INET, family="inet"),
    "Xml": Native("String", lambda: Verbatim("XML"), family="xml"),
    "Bit": Native("String", lambda length=1: pg.BIT(length), 0, 1, family="bit"),
    "VarBit": Native("String", lambda length=None: pg.BIT(length, varying=True), 0, 1, family="bit"),
    "Boolean": Native("Boolean", sa.BOOLEAN),
    "SmallInt": Native("Int", sa.SMALLINT, family="int"),
    "Integer": Native("Int", sa.INTEGER, family="int"),
    "Oid": Native("Int", pg.OID, family="oid"),
    "BigInt": Native("BigInt", sa.BIGINT, family="int"),
    "Real": Native("Float", sa.REAL),
    "DoublePrecision": Native("Float", pg.DOUBLE_PRECISION),
    "Decimal": Native("Decimal", sa.DECIMAL, 0, 2, (0, 1000)),
    "Money": Native("Decimal", pg.MONEY, family="money"),
    "Timestamp": Native("DateTime", _timestamp(False), 0, 1, _SECONDS),
    "Timestamptz": Native("DateTime", _timestamp(True), 0, 1, _SECONDS),
    "Date": Native("DateTime", sa.DATE, family="date"),
    "Time": Native("DateTime", _time(False), 0, 1, _SECONDS, family="time"),
    "Timetz": Native("DateTime", _time(True), 0, 1, _SECONDS, family="timetz"),
    "Json": Native("Json", pg.JSON),
    "JsonB": Native("Json", pg.JSONB),
    "ByteA": Native("Bytes", pg.BYTEA),
}

# What Prisma Migrate uses for each scalar if the schema names no native type.
DEFAULT: dict[str, tuple[str, tuple[int, ...]]] = {
    "String": ("Text", ()),
    "Boolean": ("Boolean", ()),
    "Int": ("Integer", ()),
    "BigInt": ("BigInt", ()),
    "Float": ("DoublePrecision", ()),
    "Decimal": ("Decimal", (65, 30)),
    "DateTime": ("Timestamp", (3,)),
    "Json": ("JsonB", ()),
    "Bytes": ("ByteA", ()),
}


# Times and dates have their own formats in SQLite; SQLAlchemy's Time would drop the zone of a Timetz.
_SQLITE_OWN: dict[str, Callable[[], Made]] = {"Date": sa.Date, "Time": sa.Time, "Timetz": sa.Text}


def sqlite_type(scalar: str, native: str, numbers: tuple[int, ...]) -> Made:
    """Return the SQLite type of a scalar: what SQLAlchemy uses there.

    Every integer is INTEGER, because only that can be the row id, and it holds 64 bits anyway.
    """
    if native in _SQLITE_OWN:
        return _SQLITE_OWN[native]()
    if scalar == "Decimal":
        precision, scale = (*numbers, None, None)[:2] if native == "Decimal" else (19, 2)
        return sa.Numeric(precision, scale)
    plain: dict[str, Callable[[], Made]] = {
        "String": sa.Text,
        "Boolean": sa.Boolean,
        "Int": sa.Integer,
        "BigInt": sa.Integer,
        "Float": sa.REAL,
        "DateTime": sa.DateTime,
        "Json": sa.JSON,
        "Bytes": sa.LargeBinary,
    }
    return plain[scalar]()
