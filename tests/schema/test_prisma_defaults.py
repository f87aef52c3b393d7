"""Defaults: what the database fills in, what Prisma's client did, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.errors import SchemaFault
from crossfade.schema.prisma import PrismaSchema
from crossfade.schema.prisma.defaults import raw_sql

Prisma = Callable[..., PrismaSchema]
ENUM = '\nenum Role {\n X\n Y @map("why")\n}'


def column(prisma: Prisma, field: str, dialect: str = "postgresql") -> sa.Column[Any]:
    return prisma(f"model A {{\n id Int @id\n f {field}\n}}{ENUM}", dialect).metadata.tables["A"].c.f


def server(column: sa.Column[Any]) -> str | None:
    """The server default as it is kept: literal text, or the text of an expression."""
    if column.server_default is None:
        return None
    kept = column.server_default.arg  # type: ignore[attr-defined]
    return kept if isinstance(kept, str) else str(kept.compile())


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ('String @default("it\'s")', "it's"),
        ("Int @default(-3)", "-3"),
        ("BigInt @default(9223372036854775807)", "9223372036854775807"),
        ("Float @default(0.10)", "0.10"),
        ("Decimal @default(1.10)", "1.10"),
        ('Decimal @default("12345678901234567890.5")', "12345678901234567890.5"),
        ("Boolean @default(false)", "false"),
        ("Role @default(X)", "X"),
        ("Role @default(Y)", "why"),
        ('Json @default("{}")', "{}"),
        ('Bytes @default("AQI=")', "'\\x0102'"),
        ('DateTime @default("2020-01-01T01:00:00.5+01:00")', "2020-01-01 01:00:00.5 +01:00"),
        ('DateTime @db.Timestamptz @default("2020-01-01T00:00:00Z")', "2020-01-01 00:00:00 +00:00"),
        ("DateTime @default(now())", "CURRENT_TIMESTAMP"),
        ("String @default(dbgenerated(\"md5(':x'::text)\"))", "md5(':x'::text)"),
        ("String @default(dbgenerated(\"f('a:b :c \\\\:d ::e')\"))", "f('a:b :c \\:d ::e')"),
        ("String[] @default([])", "ARRAY[]::TEXT[]"),
        ('String[] @default(["a", "b\'c"])', "ARRAY['a','b''c']::TEXT[]"),
        ("Int[] @default([1, 2])", "ARRAY[1,2]::INTEGER[]"),
        ("Role[] @default([X, Y])", "ARRAY['X','why']::\"Role\"[]"),
    ],
)
def test_postgresql_fills_in(prisma: Prisma, field: str, default: str) -> None:
    found = server(column(prisma, field))
    assert found == default


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("Boolean @default(true)", "true"),
        ("Role @default(Y)", "why"),
        ('Bytes @default("AQI=")', "X'0102'"),
        ('String[] @default(["a", "é"])', '["a", "é"]'),
        ("Role[] @default([Y])", '["why"]'),
        ("DateTime @default(now())", "CURRENT_TIMESTAMP"),
        ('Int @default(dbgenerated("1 + 1"))', "(1 + 1)"),
    ],
)
def test_sqlite_fills_in(prisma: Prisma, field: str, default: str) -> None:
    assert server(column(prisma, field, "sqlite")) == default


@pytest.mark.parametrize(
    ("field", "function"),
    [
        ("String @default(cuid())", "cuid"),
        ("String @default(cuid(2))", "cuid(2)"),
        ("String @default(uuid())", "uuid"),
        ("String @default(uuid(7)) @db.Uuid", "uuid(7)"),
        ("String @default(ulid())", "ulid"),
        ("String @default(nanoid(12))", "nanoid(12)"),
        ("String @default(auto())", "auto"),
        ("DateTime @updatedAt", "updatedAt"),
        ("String @default(dbgenerated())", "dbgenerated"),
    ],
)
def test_what_the_client_made_has_no_server_default(prisma: Prisma, field: str, function: str) -> None:
    made = column(prisma, field)
    assert made.server_default is None
    assert made.info == {"prisma_name": "f", "prisma_default": function} | (
        {"prisma_updated_at": True} if function == "updatedAt" else {}
    )


def test_now_and_updated_at_together(prisma: Prisma) -> None:
    made = column(prisma, "DateTime @default(now()) @updatedAt")
    assert (server(made), made.info["prisma_default"], made.info["prisma_updated_at"]) == (
        "CURRENT_TIMESTAMP",
        "now",
        True,
    )


def test_autoincrement_of_an_id_is_serial(prisma: Prisma) -> None:
    text = "model A {\n id Int @id @default(autoincrement())\n}\nmodel B {\n id Int @id\n}"
    tables = prisma(text).metadata.tables
    assert tables["A"].c.id.autoincrement is True
    assert tables["B"].c.id.autoincrement is False
    assert prisma(text, "sqlite").metadata.tables["A"].dialect_options["sqlite"]["autoincrement"] is True


def test_autoincrement_elsewhere_counts_by_a_sequence(prisma: Prisma) -> None:
    made = column(prisma, "Int @default(autoincrement())")
    assert made.server_default is not None
    assert made.server_default.arg.sequence.name == "A_f_seq"  # type: ignore[attr-defined]
    assert column(prisma, "Int @default(autoincrement())", "sqlite").server_default is None


def test_a_sequence_keeps_its_options(prisma: Prisma) -> None:
    schema = prisma("model A {\n id Int @id @default(sequence(start: 5, increment: 2, maxValue: 99))\n}")
    sequence = schema.metadata._sequences["prisma_sequence_A_id"]
    assert (sequence.start, sequence.increment, sequence.maxvalue) == (5, 2, 99)


def test_sql_of_another_database_is_left_out_and_noted(prisma: Prisma) -> None:
    source = 'datasource db {\n provider = "postgresql"\n url = env("U")\n}\n'
    schema = prisma(source + 'model A {\n id String @id @default(dbgenerated("gen_random_uuid()"))\n}', "sqlite")
    assert schema.metadata.tables["A"].c.id.server_default is None
    assert any("gen_random_uuid()" in n and "A.id" in n for n in schema.notes)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ('Int @default("1")', 'the default of f does not fit Int: "1"'),
        ("Int @default(1.5)", "the default of f does not fit Int: 1.5"),
        ("Int @default(2147483648)", "the default of f does not fit Int: 2147483648"),
        ("String @default(1)", "the default of f does not fit String: 1"),
        ("Boolean @default(yes)", "the default of f does not fit Boolean: yes"),
        ('DateTime @default("yesterday")', 'the default of f does not fit DateTime: "yesterday"'),
        ('Json @default("{")', 'the default of f does not fit Json: "{"'),
        ('Bytes @default("?")', 'the default of f does not fit Bytes: "?"'),
        ("Role @default(Z)", "Z is not a value of the enum Role"),
        ('Role @default("X")', '"X" is not a value of the enum Role'),
        ("Int[] @default(1)", "f is a list, so its default must be one: [...]"),
        ("Int @default([1])", "f is not a list, but its default is"),
        ("Int @default(cuid())", "cuid() is a default for String fields; f is Int"),
        ("String @default(now())", "now() is a default for DateTime fields; f is String"),
        ("String @default(cuid(3))", "cuid() takes 1 or 2"),
        ("String @default(ciud())", "default function 'ciud' is not known; the nearest is 'cuid'"),
        ("DateTime @default(now(3))", "now() takes no argument"),
        ("String @default(dbgenerated(1))", "dbgenerated() takes one string, the expression"),
        ("String @default()", "@default needs a value"),
        ("String @updatedAt", "@updatedAt requires a DateTime; f is not one"),
        ('Unsupported("point") @default("x")', 'f accepts only dbgenerated("...")'),
        ("Int @default(sequence(strat: 1))", "option of sequence() 'strat' is not known; the nearest is 'start'"),
    ],
)
def test_defaults_that_do_not_fit(prisma: Prisma, field: str, reason: str) -> None:
    with pytest.raises(SchemaFault) as caught:
        column(prisma, field)
    assert [f.reason for f in caught.value.faults] == [reason]
    assert caught.value.faults[0].line == 3


@example("\\:$:")
@example(":a$ \\:a \\\\:b::c :d: :e")
@given(st.text(alphabet="ab1:\\%' $_", max_size=12))
def test_raw_sql_is_used_unchanged(text: str) -> None:
    compiled = raw_sql(text).compile(dialect=sa.make_url("sqlite://").get_dialect()())
    assert (str(compiled), dict(compiled.params)) == (text, {})
