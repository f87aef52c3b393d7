"""Constraints and indexes are called what Prisma Migrate calls them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.errors import SchemaFault
from crossfade.schema.prisma import PrismaSchema, names

Prisma = Callable[..., PrismaSchema]

BLOG = """
model User {
  id    Int     @id
  email String  @unique @map("mail")
  first String
  last  String
  posts Post[]
  @@unique([first, last])
  @@index([last, email])
  @@map("people")
}
model Post {
  blog     Int
  number   Int
  authorId Int
  author   User @relation(fields: [authorId], references: [id])
  @@id([blog, number])
}
"""


def test_names_come_from_stored_names(prisma: Prisma) -> None:
    tables = prisma(BLOG).metadata.tables
    people, post = tables["people"], tables["Post"]
    assert people.primary_key.name == "people_pkey"
    assert {i.name: i.unique for i in people.indexes} == {
        "people_mail_key": True,
        "people_first_last_key": True,
        "people_last_mail_idx": False,
    }
    assert post.primary_key.name == "Post_pkey"
    assert [c.name for c in post.primary_key] == ["blog", "number"]
    assert [f.name for f in post.foreign_key_constraints] == ["Post_authorId_fkey"]


def test_map_gives_another_name(prisma: Prisma) -> None:
    text = """
    model A {
      a Int @id(map: "pk")
      b Int @unique(map: "ub")
      c Int
      d Int
      up Int?
      above A? @relation("r", fields: [up], references: [a], map: "fk")
      below A[] @relation("r")
      @@unique([c, d], map: "ucd", name: "forTheClient")
      @@index([c], map: "ic")
      @@index([d], name: "id")
    }"""
    table = prisma(text).metadata.tables["A"]
    assert table.primary_key.name == "pk"
    assert {i.name for i in table.indexes} == {"ub", "ucd", "ic", "id"}
    assert {f.name for f in table.foreign_key_constraints} == {"fk"}


def test_sqlite_leaves_the_primary_key_unnamed(prisma: Prisma) -> None:
    assert prisma(BLOG, "sqlite").metadata.tables["people"].primary_key.name is None


def test_long_names_are_cut_before_the_suffix() -> None:
    assert names.primary_key("t" * 60, "postgresql") == "t" * 58 + "_pkey"
    assert names.unique("t" * 40, ["c" * 40], "postgresql") == "t" * 40 + "_" + "c" * 18 + "_key"
    assert names.unique("t" * 40, ["c" * 40], "sqlite") == "t" * 40 + "_" + "c" * 40 + "_key"
    assert names.join_part("_" + "t" * 62, "_B_index", "postgresql") == "_" + "t" * 54 + "_B_index"


@given(st.text(min_size=1, max_size=80), st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3))
def test_a_name_fits_and_keeps_its_suffix(table: str, columns: list[str]) -> None:
    for make, suffix in ((names.unique, "_key"), (names.index, "_idx"), (names.foreign_key, "_fkey")):
        name = make(table, columns, "postgresql")
        assert name.endswith(suffix)
        assert len(name.encode()) <= 63
        assert "_".join([table, *columns]).startswith(name.removesuffix(suffix))


def test_two_indexes_with_one_name_are_a_fault(prisma: Prisma) -> None:
    with pytest.raises(SchemaFault, match="both called 'same' in the database"):
        prisma('model A {\n a Int @id\n b Int\n @@index([a], map: "same")\n @@index([b], map: "same")\n}')


def test_names_that_are_equal_once_cut_are_a_fault(prisma: Prisma) -> None:
    long = "x" * 60
    with pytest.raises(SchemaFault, match="are both called"):
        prisma(f"model A {{\n id Int @id\n {long}a Int @unique\n {long}b Int @unique\n}}")


def test_a_table_and_an_enum_with_one_name_are_a_fault_in_postgresql(prisma: Prisma) -> None:
    text = 'model A {\n a Int @id\n r R\n @@map("same")\n}\nenum R {\n X\n @@map("same")\n}'
    with pytest.raises(SchemaFault, match="both called 'same'"):
        prisma(text)
    assert prisma(text, "sqlite").metadata.tables["same"] is not None


def test_an_index_name_longer_than_the_database_keeps_is_a_fault(prisma: Prisma) -> None:
    with pytest.raises(SchemaFault, match="64 bytes, and the database allows 63"):
        prisma(f'model A {{\n a Int @id\n @@index([a], map: "{"ü" * 32}")\n}}')


def test_names_of_tables_columns_and_enums_are_cut_as_postgresql_cuts_them(prisma: Prisma) -> None:
    long = "x" + "ü" * 40
    schema = prisma(f'model {long} {{\n {long} Int @id\n e E\n}}\nenum E {{\n a\n @@map("e{long}")\n}}')
    (table,) = schema.metadata.tables.values()
    assert (table.name, table.c[0].name, getattr(table.c.e.type, "name", None)) == (
        "x" + "ü" * 31,
        "x" + "ü" * 31,
        "ex" + "ü" * 30,
    )
    assert sum(long in note for note in schema.notes) == 2
    assert prisma(f"model {long} {{\n a Int @id\n}}", "sqlite").metadata.tables[long] is not None
