"""All faults are reported together: where, the line, why, and the correction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crossfade.errors import SchemaFault, Unreachable
from crossfade.schema.prisma import PrismaSchema, read_prisma

Prisma = Callable[..., PrismaSchema]
SCHEMAS = Path(__file__).parent / "prisma"


def test_a_fault_has_place_statement_reason_and_correction(prisma: Prisma) -> None:
    with pytest.raises(SchemaFault) as caught:
        prisma("model User {\n  id    Int   @id\n  name  Strng @uniqe\n}")
    one, two = caught.value.faults
    assert (one.line, one.column, one.statement) == (3, 9, "name  Strng @uniqe")
    assert (one.reason, one.suggestion) == ("type 'Strng' is not known; the nearest is 'String'", "name  String @uniqe")
    assert (two.line, two.column) == (3, 15)
    assert two.suggestion == "name  Strng @unique"
    assert one.file.endswith("s.prisma")


def test_all_faults_are_named_in_order(prisma: Prisma) -> None:
    text = """model A {
  id Int @id
  b  Strin
  c  Int @default("x")
  d  =
  e  B[]
}
model B {
  f Int
}
model A {
  id Int @id
}
enum E {
}
"""
    with pytest.raises(SchemaFault) as caught:
        prisma(text)
    assert [f.line for f in caught.value.faults] == [3, 4, 5, 6, 8, 11, 14]
    assert "7 faults; nothing was written" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model A {\n a Int\n}", "A has no @id, @@id, @unique or @@unique of required fields"),
        ("model A {\n a Int? @unique\n}", "A has no @id, @@id, @unique or @@unique of required fields"),
        ("model A {\n a Int? @id\n}", "a is optional; the fields of an id must be required"),
        ("model A {\n a Int @id\n b Int @id\n}", "A has a second id"),
        ("model A {\n a Int @id @id\n}", "@id is given twice"),
        ("model A {\n a Int @id\n a Int\n}", "A has the field a twice"),
        ("model A {\n a Int @id\n @id([a])\n}", "unexpected '@'"),
        ("model A {\n a Int @id\n @@idx([a])\n}", "attribute '@@idx' is not known; the nearest is '@@id'"),
        ("model A {\n a Int @id\n @@index([b])\n}", "field of A in @@index 'b' is not known"),
        ("model A {\n a Int @id\n @@index\n}", "@@index needs a list of fields"),
        (
            "model A {\n a Int @id\n @@index([a], type: Gim)\n}",
            "type of index 'Gim' is not known; the nearest is 'Gin'",
        ),
        ("model A {\n a Int @id\n @@index([a(sort: Down)])\n}", "sort must be Asc or Desc"),
        ("model A {\n a Int @id\n @@index([a, a])\n}", "@@index names a twice"),
        ("model A {\n a Json @id\n @@index([a(ops: JsonPathOps)], type: Gin)\n}", "the nearest is 'JsonbPathOps'"),
        ("model A {\n a Int @id\n @@index([a], where: 1)\n}", "where must be a condition"),
        ("model A {\n a Int @id\n @@index([a], where: { b: 1 })\n}", "field of A in where 'b' is not known"),
        ('model A {\n a Int @id\n @@index([a], where: { a: "x" })\n}', "a cannot be compared with this"),
        ("model A {\n a Int @id @map\n}", "@map needs a name"),
        ('model A {\n a Int @id @map("")\n}', "the argument 'name' of @map must be a non-empty string"),
        ("model A {\n a Int @id(nmae: 1)\n}", "argument of @id 'nmae' is not known"),
        ("model A {\n a Int @id @updatedAt(1)\n}", "@updatedAt takes no arguments"),
        ('model A {\n a Int @id\n b Int @map("a")\n}', "the column of A.b and the column of A.a are both called 'a'"),
        ('model A {\n a Int @id\n}\nmodel B {\n b Int @id\n @@map("A")\n}', "are both called 'A' in the database"),
        ("model String {\n a Int @id\n}", "String is the name of a built-in scalar type"),
        ("model A {\n}", "model A has no fields"),
        ("enum E {\n}", "the enum E has no values"),
        ("enum E {\n A\n A\n}", "the enum E has the value A twice"),
        ('enum E {\n A\n B @map("A")\n}', "two values of the enum E are stored as 'A'"),
        ("type T {\n a Int\n}\nmodel A {\n a Int @id\n t T\n}", "the composite type T exists only in MongoDB"),
        ('model A {\n a Int @id\n @@schema("x")\n}', "schema 'x' is not known"),
        ('datasource db {\n provider = "postgres1"\n}', "provider 'postgres1' is not known; the nearest is 'postgres'"),
        ('datasource db {\n url = "x"\n}', "the datasource has no provider"),
        ('datasource db {\n provider = "sqlite"\n ulr = "x"\n}', "setting of a datasource 'ulr' is not known"),
    ],
)
def test_faults(prisma: Prisma, text: str, reason: str) -> None:
    with pytest.raises(SchemaFault) as caught:
        prisma(text)
    assert any(reason in f.reason for f in caught.value.faults), [f.reason for f in caught.value.faults]
    assert all(f.line and f.column and f.statement for f in caught.value.faults)


def test_a_field_attribute_on_the_model_is_told_its_place(prisma: Prisma) -> None:
    with pytest.raises(SchemaFault, match="@@index belongs to the block, on its own line"):
        prisma("model A {\n a Int @id @index\n}")


def test_what_did_not_parse_is_not_reported_as_missing_too(prisma: Prisma) -> None:
    text = "model A {\n id Int @id(\n b B\n @@index([id])\n}\nmodle B {\n id Int @id\n}"
    with pytest.raises(SchemaFault) as caught:
        prisma(text)
    assert [f.line for f in caught.value.faults] == [2, 6]


def test_hack_the_world_lacks_two_models() -> None:
    with pytest.raises(SchemaFault) as caught:
        read_prisma([SCHEMAS / "hack-the-world.prisma"], "postgresql")
    assert [f.reason for f in caught.value.faults] == [
        "type 'UserStats' is not known",
        "type 'UserSecurity' is not known",
    ]
    assert caught.value.faults[0].hint == (
        "define model UserStats with userId String @unique and user User "
        "@relation(fields: [userId], references: [id]); or define enum UserStats; or remove the field stats"
    )


def test_scribe_tree_user_lacks_all_it_relates_to() -> None:
    with pytest.raises(SchemaFault) as caught:
        read_prisma([SCHEMAS / "scribe-tree-user.prisma"], "postgresql")
    missing = [f.reason.split("'")[1] for f in caught.value.faults]
    assert missing == [
        "Course", "CourseEnrollment", "AssignmentTemplate", "Assignment", "AssignmentSubmission", "Document",
        "DocumentVersion", "WritingSession", "SubmissionComment", "Notification",
    ]  # fmt: skip
    assert "(2 fields: " in caught.value.faults[-1].reason
    assert caught.value.faults[-1].hint == "define model Notification or enum Notification"


def test_a_missing_model_gets_the_name_of_its_relation(prisma: Prisma) -> None:
    with pytest.raises(SchemaFault) as caught:
        prisma('model User {\n id String @id\n sent Notification[] @relation("NotificationSender")\n}')
    assert '@relation("NotificationSender", fields: [notificationSenderId], references: [id])' in (
        caught.value.faults[0].hint or ""
    )


def test_several_files_are_one_schema(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.prisma").write_text("model A {\n id Int @id\n b B[]\n}\n")
    (tmp_path / "deep" / "b.prisma").write_text(
        "model B {\n id Int @id\n aId Int\n a A @relation(fields: [aId], references: [id])\n}\n"
    )
    assert sorted(read_prisma([tmp_path], "sqlite").metadata.tables) == ["A", "B"]
    assert sorted(read_prisma([tmp_path, tmp_path / "a.prisma"], "sqlite").metadata.tables) == ["A", "B"]
    with pytest.raises(SchemaFault, match=r"a\.prisma:3:4: type 'B' is not known"):
        read_prisma([tmp_path / "a.prisma"], "sqlite")


def test_a_duplicate_names_the_first_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.prisma").write_text("model A {\n id Int @id\n}\n")
    with pytest.raises(SchemaFault, match=r"duplicate model: A is already defined at .*a\.prisma:1"):
        read_prisma([tmp_path], "sqlite")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot read"):
        read_prisma([tmp_path / "no.prisma"], "sqlite")
    with pytest.raises(SchemaFault, match=r"holds no \.prisma file"):
        read_prisma([tmp_path], "sqlite")
    (tmp_path / "latin.prisma").write_bytes(b"// caf\xe9")
    with pytest.raises(SchemaFault, match="the file is not UTF-8"):
        read_prisma([tmp_path], "sqlite")


def test_a_model_that_is_missing_is_one_fault(prisma: Prisma) -> None:
    text = "".join(
        f"model User{n} {{\n id Int @id\n history UserHistory[]\n team Team? @relation(fields: [t], references: [id])\n"
        " t Int?\n}\n"
        for n in range(7)
    )
    with pytest.raises(SchemaFault) as caught:
        prisma(text)
    history, team = caught.value.faults
    assert ("'UserHistory'" in history.reason, "'Team'" in team.reason) == (True, True)
    assert "(7 fields: User0.history, User1.history, " in history.reason
    assert history.suggestion is None  # no model is a misspelling of it
