"""Types and their comments: Prisma Migrate's for PostgreSQL, SQLAlchemy's for SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from crossfade.errors import SchemaFault
from crossfade.schema.prisma import PrismaSchema

Prisma = Callable[..., PrismaSchema]
SPELL: dict[str, sa.Dialect] = {
    "postgresql": sa.make_url("postgresql+psycopg://").get_dialect()(),
    "sqlite": sa.make_url("sqlite://").get_dialect()(),
}


def spelled(prisma: Prisma, field: str, dialect: str = "postgresql") -> str:
    """How the type of `f <field>` is spelled in DDL."""
    schema = prisma(f"model A {{\n id Int @id\n f {field}\n}}\nenum Role {{\n X\n Y\n}}", dialect)
    return str(schema.metadata.tables["A"].c.f.type.compile(SPELL[dialect]))


@pytest.mark.parametrize(
    ("field", "sql"),
    [
        ("String", "TEXT"),
        ("Boolean", "BOOLEAN"),
        ("Int", "INTEGER"),
        ("BigInt", "BIGINT"),
        ("Float", "DOUBLE PRECISION"),
        ("Decimal", "DECIMAL(65, 30)"),
        ("DateTime", "TIMESTAMP(3) WITHOUT TIME ZONE"),
        ("Json", "JSONB"),
        ("Bytes", "BYTEA"),
        ("Role", '"Role"'),
        ("Role[]", '"Role"[]'),
        ("String[]", "TEXT[]"),
        ('Unsupported("circle")?', "circle"),
        ("String @db.VarChar(5)", "VARCHAR(5)"),
        ("String @db.VarChar", "VARCHAR"),
        ("String[] @db.VarChar(5)", "VARCHAR(5)[]"),
        ("String @db.Char(5)", "CHAR(5)"),
        ("String @db.Text", "TEXT"),
        ("String @db.Uuid", "UUID"),
        ("String @db.Citext", "CITEXT"),
        ("String @db.Inet", "INET"),
        ("String @db.Xml", "XML"),
        ("String @db.Bit(3)", "BIT(3)"),
        ("String @db.VarBit(3)", "BIT VARYING(3)"),
        ("String @db.VarBit", "BIT VARYING"),
        ("Boolean @db.Boolean", "BOOLEAN"),
        ("Int @db.SmallInt", "SMALLINT"),
        ("Int @db.Integer", "INTEGER"),
        ("Int @db.Oid", "OID"),
        ("BigInt @db.BigInt", "BIGINT"),
        ("Float @db.Real", "REAL"),
        ("Float @db.DoublePrecision", "DOUBLE PRECISION"),
        ("Decimal @db.Decimal(10, 2)", "DECIMAL(10, 2)"),
        ("Decimal @db.Decimal", "DECIMAL"),
        ("Decimal @db.Money", "MONEY"),
        ("DateTime @db.Timestamp", "TIMESTAMP WITHOUT TIME ZONE"),
        ("DateTime @db.Timestamptz(6)", "TIMESTAMP(6) WITH TIME ZONE"),
        ("DateTime @db.Date", "DATE"),
        ("DateTime @db.Time(0)", "TIME(0) WITHOUT TIME ZONE"),
        ("DateTime @db.Timetz(3)", "TIME(3) WITH TIME ZONE"),
        ("Json @db.Json", "JSON"),
        ("Json @db.JsonB", "JSONB"),
        ("Bytes @db.ByteA", "BYTEA"),
    ],
)
def test_postgresql(prisma: Prisma, field: str, sql: str) -> None:
    assert spelled(prisma, field) == sql


@pytest.mark.parametrize(
    ("field", "sql"),
    [
        ("String @db.Uuid", "TEXT"),
        ("Boolean", "BOOLEAN"),
        ("Int @db.SmallInt", "INTEGER"),
        ("BigInt", "INTEGER"),
        ("Float", "REAL"),
        ("Decimal @db.Decimal(10, 2)", "NUMERIC(10, 2)"),
        ("DateTime", "DATETIME"),
        ("DateTime @db.Date", "DATE"),
        ("DateTime @db.Timetz", "TEXT"),
        ("Json", "JSON"),
        ("Bytes", "BLOB"),
        ("Role", "TEXT"),
        ("Role[]", "JSON"),
        ("String[]", "JSON"),
        ('Unsupported("circle")?', "TEXT"),
    ],
)
def test_sqlite(prisma: Prisma, field: str, sql: str) -> None:
    assert spelled(prisma, field, "sqlite") == sql


def test_what_may_be_null(prisma: Prisma) -> None:
    columns = prisma("model A {\n id Int @id\n a Int?\n b Int\n c Int[]\n}").metadata.tables["A"].c
    assert {c.name: c.nullable for c in columns} == {"id": False, "a": True, "b": False, "c": True}


def test_an_enum_is_a_type_in_postgresql_and_a_check_in_sqlite(prisma: Prisma) -> None:
    enum = 'enum Role {\n ADMIN\n OTHER @map("it\'s")\n @@map("roles")\n}'
    text = 'model A {\n id Int @id\n r Role @map("the_role")\n}\n' + enum
    kind: Any = prisma(text).metadata.tables["A"].c.the_role.type
    assert (kind.name, kind.enums) == ("roles", ["ADMIN", "it's"])
    checks = {
        c.name: str(c.sqltext) for c in prisma(text, "sqlite").metadata.tables["A"].constraints if hasattr(c, "sqltext")
    }
    assert checks == {"A_the_role_check": "\"the_role\" IN ('ADMIN', 'it''s')"}


def test_a_timestamp_without_zone_is_noted_once(prisma: Prisma) -> None:
    text = (
        "model A {\n id Int @id\n" + "".join(f" t{i} DateTime\n" for i in range(7)) + " z DateTime @db.Timestamptz\n}"
    )
    (note,) = prisma(text).notes
    assert note == "TIMESTAMP(3) has no time zone; by convention it holds UTC: A.t0, A.t1, A.t2, A.t3, A.t4 and 2 more"


def test_documentation_becomes_comments_where_asked(prisma: Prisma) -> None:
    text = "/// A thing.\nmodel A {\n /// Its key.\n id Int @id\n r R\n}\n/// Kinds.\nenum R {\n X /// the one\n}"
    table = prisma(text).metadata.tables["A"]
    assert (table.comment, table.c.id.comment) == (None, None)  # Prisma makes none
    schema = prisma(text, comments=True)
    table = schema.metadata.tables["A"]
    assert (table.comment, table.c.id.comment, table.c.r.comment) == ("A thing.", "Its key.", None)
    assert schema.documentation == {"A": "A thing.", "A.id": "Its key.", "R": "Kinds.", "R.X": "the one"}


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("String @db.VarChr(3)", "the nearest is 'VarChar'"),
        ("Int @db.Text", "@db.Text is a type for String fields; f is Int"),
        ("String @db.VarChar(1, 2)", "@db.VarChar takes at most 1 numbers; 2 given"),
        ("String @db.VarChar(0)", "@db.VarChar takes integers from 1"),
        ("String @db.Text(1)", "@db.Text takes no arguments; 1 given"),
        ("DateTime @db.Timestamp(7)", "@db.Timestamp takes integers from 0 to 6"),
        ("Decimal @db.Decimal(3, 5)", "the scale must not exceed the precision"),
        ("String @pg.Text", "@pg.Text does not name the datasource, which is 'db'"),
        ("Role @db.Text", "an enum cannot have a native type"),
        ("Int[]?", "a list cannot be optional"),
    ],
)
def test_types_that_do_not_stand(prisma: Prisma, field: str, reason: str) -> None:
    with pytest.raises(SchemaFault) as caught:
        spelled(prisma, field)
    assert [reason in f.reason for f in caught.value.faults] == [True]


def test_native_types_go_by_the_datasources_name(prisma: Prisma) -> None:
    source = 'datasource pg {\n provider = "postgresql"\n url = env("U")\n}\n'
    schema = prisma(source + "model A {\n id Int @id @pg.SmallInt\n}")
    assert str(schema.metadata.tables["A"].c.id.type) == "SMALLINT"
