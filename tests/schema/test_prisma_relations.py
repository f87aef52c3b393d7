"""Relations: which columns refer where, what happens to them when the parent goes, and join tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from crossfade.errors import SchemaFault
from crossfade.schema.prisma import PrismaSchema

Prisma = Callable[..., PrismaSchema]


def keys(table: sa.Table) -> list[tuple[str, str, str | None, str | None]]:
    """(columns, parent columns, on delete, on update) of a table's foreign keys."""
    return sorted(
        (
            ",".join(f.column_keys),
            ",".join(e.target_fullname for e in f.elements),
            f.ondelete,
            f.onupdate,
        )
        for f in table.foreign_key_constraints
    )


def parent_and_child(relation: str, mark: str = "") -> str:
    return f"""
    model Parent {{
      id       Int @id
      children Child[]
    }}
    model Child {{
      id       Int @id
      parentId Int{mark}
      parent   Parent{mark} @relation(fields: [parentId], references: [id]{relation})
    }}"""


@pytest.mark.parametrize(
    ("relation", "mark", "delete", "update"),
    [
        ("", "", "RESTRICT", "CASCADE"),
        ("", "?", "SET NULL", "CASCADE"),
        (", onDelete: Cascade, onUpdate: Restrict", "", "CASCADE", "RESTRICT"),
        (", onDelete: NoAction, onUpdate: NoAction", "", "NO ACTION", "NO ACTION"),
        (", onDelete: SetDefault", "?", "SET DEFAULT", "CASCADE"),
    ],
)
def test_what_happens_when_the_parent_goes(prisma: Prisma, relation: str, mark: str, delete: str, update: str) -> None:
    child = prisma(parent_and_child(relation, mark)).metadata.tables["Child"]
    assert keys(child) == [("parentId", "Parent.id", delete, update)]


def test_set_null_on_a_required_column_is_noted(prisma: Prisma) -> None:
    notes = prisma(parent_and_child(", onDelete: SetNull")).notes
    assert notes == ("SetNull on a required column fails when the parent is deleted: Child.parent",)


def test_one_required_column_of_several_restricts(prisma: Prisma) -> None:
    text = """
    model P {
      a Int
      b Int
      c C[]
      @@id([a, b])
    }
    model C {
      id Int @id
      x  Int
      y  Int?
      p  P? @relation(fields: [x, y], references: [a, b])
    }"""
    assert keys(prisma(text).metadata.tables["C"]) == [("x,y", "P.a,P.b", "RESTRICT", "CASCADE")]


def test_relation_mode_prisma_makes_no_foreign_keys(prisma: Prisma) -> None:
    source = 'datasource db {\n provider = "postgresql"\n url = env("U")\n relationMode = "prisma"\n}\n'
    schema = prisma(
        source + parent_and_child("") + "\nmodel A {\n id Int @id\n b B[]\n}\nmodel B {\n id Int @id\n a A[]\n}"
    )
    assert all(not t.foreign_key_constraints for t in schema.metadata.tables.values())
    assert any("relationMode" in n for n in schema.notes)


MANY = 'model B {\n id Int @id\n a A[]\n}\nmodel A {\n id String @id @db.Uuid\n b B[]\n @@map("first")\n}'


def test_an_implicit_relation_gets_a_join_table(prisma: Prisma) -> None:
    table = prisma(MANY).metadata.tables["_AToB"]
    assert [(c.name, str(c.type), c.nullable) for c in table.columns] == [("A", "UUID", False), ("B", "INTEGER", False)]
    assert keys(table) == [("A", "first.id", "CASCADE", "CASCADE"), ("B", "B.id", "CASCADE", "CASCADE")]
    assert {f.name for f in table.foreign_key_constraints} == {"_AToB_A_fkey", "_AToB_B_fkey"}
    assert table.primary_key.name == "_AToB_AB_pkey"
    assert [(i.name, i.unique) for i in table.indexes] == [("_AToB_B_index", False)]


def test_a_join_table_in_sqlite_has_a_unique_index(prisma: Prisma) -> None:
    table = prisma(MANY, "sqlite").metadata.tables["_AToB"]
    assert {i.name: i.unique for i in table.indexes} == {"_AToB_AB_unique": True, "_AToB_B_index": False}
    assert not list(table.primary_key)


def test_a_named_relation_names_its_join_table(prisma: Prisma) -> None:
    text = 'model U {\n id Int @id\n a U[] @relation("Friends")\n b U[] @relation("Friends")\n}'
    assert keys(prisma(text).metadata.tables["_Friends"])[0] == ("A", "U.id", "CASCADE", "CASCADE")


def test_a_self_relation_on_a_unique_column_comes_after_its_index(prisma: Prisma) -> None:
    text = """
    model T {
      id    Int  @id
      k     Int  @unique
      up    Int?
      above T?   @relation("t", fields: [up], references: [k])
      below T[]  @relation("t")
    }"""
    (key,) = prisma(text).metadata.tables["T"].foreign_key_constraints
    assert key.use_alter


def test_schemas_are_kept_in_postgresql_and_dropped_in_sqlite(prisma: Prisma) -> None:
    text = """
    datasource db {
      provider = "postgresql"
      url      = env("U")
      schemas  = ["auth", "shop"]
    }
    model User {
      id     Int     @id
      orders Order[]
      @@schema("auth")
    }
    model Order {
      id     Int   @id
      userId Int
      state  State
      user   User  @relation(fields: [userId], references: [id])
      @@schema("shop")
    }
    enum State {
      OPEN
      @@schema("shop")
    }"""
    schema = prisma(text)
    assert sorted(schema.metadata.tables) == ["auth.User", "shop.Order"]
    state: Any = schema.metadata.tables["shop.Order"].c.state.type
    assert state.schema == "shop"
    assert schema.schemas == ("auth", "shop")
    assert keys(schema.metadata.tables["shop.Order"]) == [("userId", "auth.User.id", "RESTRICT", "CASCADE")]
    assert sorted(prisma(text, "sqlite").metadata.tables) == ["Order", "User"]


def test_views_are_reported_and_not_made(prisma: Prisma) -> None:
    text = """
    model U {
      id Int @id
      v  V?
    }
    /// Seen.
    view V {
      id Int     @unique
      n  String?
      u  U       @relation(fields: [id], references: [id])
      @@map("seen")
    }"""
    schema = prisma(text)
    (view,) = schema.views
    assert (view.name, view.prisma_name, view.comment) == ("seen", "V", "Seen.")
    assert [(c.name, c.nullable) for c in view.columns] == [("id", False), ("n", True)]
    assert list(schema.metadata.tables) == ["U"]


A = "model A {\n id Int @id\n %s\n}\n"


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        (
            A % "b B[]" + "model B {\n id Int @id\n}",
            "the relation field A.b has no other side in B",
            "add to model B: a A @relation(fields: [aId], references: [id]), with a column aId",
        ),
        (
            A % "bId Int\n b B @relation(fields: [bId], references: [id])" + "model B {\n id Int @id\n}",
            "the relation field A.b has no other side in B",
            "add to model B: as A[]",
        ),
        (
            A % "b B[]"
            + "model B {\n id Int @id\n aId Int\n bb Int\n a A @relation(fields: [aId, bb], references: [id])\n}",
            "2 fields for 1 reference: the numbers must be equal",
            "name as many fields as references",
        ),
        (
            A % "b B[]" + "model B {\n id Int @id\n aId String\n a A @relation(fields: [aId], references: [id])\n}",
            "type mismatch: aId is String, but id is Int",
            "make aId Int, as id is",
        ),
        (
            A % "b B[]" + "model B {\n id Int @id\n aId Int\n a A @relation(fields: [a_id], references: [id])\n}",
            "field of B in fields 'a_id' is not known; the nearest is 'aId'",
            None,
        ),
        (
            A % "n Int\n b B[]" + "model B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [n])\n}",
            "references names A.n, which is neither an id nor unique",
            "add @unique to A.n",
        ),
        (
            A % "b B?" + "model B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [id])\n}",
            "A.b is not a list, but aId is not unique in B",
            "add @unique to aId, or make b a list",
        ),
        (
            A % "b B" + "model B {\n id Int @id\n aId Int @unique\n a A @relation(fields: [aId], references: [id])\n}",
            "A.b is required, but no column holds it",
            None,
        ),
        (
            A % "b B[]" + "model B {\n id Int @id\n aId Int?\n a A @relation(fields: [aId], references: [id])\n}",
            "a is required, but its columns are optional: aId",
            None,
        ),
        (
            A % "b B[]" + "model B {\n id Int @id\n a A\n}",
            "neither A.b nor B.a says which columns hold the relation",
            "add @relation(fields: [...], references: [...]) to the end that holds the id",
        ),
        (
            A % "b B[]" + "model B {\n x Int\n y Int\n a A[]\n @@id([x, y])\n}",
            "an implicit many-to-many relation needs a single @id on B",
            "write the join table as a model with two relations",
        ),
        (
            A % "b B[]"
            + "model B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [id], onDelete: Cascad)\n}",
            "onDelete 'Cascad' is not known; the nearest is 'Cascade'",
            None,
        ),
        (
            A % 'n Int @relation("x")',
            "n is a Int, not a model; it cannot have @relation",
            "put it on the field whose type is the model",
        ),
        (
            "model A {\n id String @id @db.Uuid\n b B[]\n}\n"
            "model B {\n id Int @id\n aId String\n a A @relation(fields: [aId], references: [id])\n}",
            "aId and id have different types in the database; a foreign key cannot join them",
            "give both @db.Uuid",
        ),
        (
            A % "b B[]"
            + "model B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [id])\n @@unique([a])\n}",
            "a is a relation, not a column; @@unique cannot use it",
            "use its columns: aId",
        ),
    ],
)
def test_relations_that_do_not_stand(prisma: Prisma, text: str, reason: str, hint: str | None) -> None:
    with pytest.raises(SchemaFault) as caught:
        prisma(text)
    assert [(f.reason, f.hint) for f in caught.value.faults] == [(reason, hint)]
    assert hint or caught.value.faults[0].suggestion


def test_relations_between_the_same_models_need_names(prisma: Prisma) -> None:
    text = """
    model U {
      id Int @id
      a  P[]
      b  P[]
    }
    model P {
      id Int @id
      x  Int
      y  Int
      u  U @relation(fields: [x], references: [id])
      v  U @relation(fields: [y], references: [id])
    }"""
    with pytest.raises(SchemaFault, match=r"U\.a may belong to more than one relation: U\.a, U\.b, P\.u, P\.v"):
        prisma(text)
    named = text.replace("P[]\n      b  P[]", 'P[] @relation("a")\n      b  P[] @relation("b")')
    named = named.replace("@relation(fields: [x]", '@relation("a", fields: [x]').replace(
        "@relation(fields: [y]", '@relation("b", fields: [y]'
    )
    assert len(prisma(named).metadata.tables["P"].foreign_key_constraints) == 2
