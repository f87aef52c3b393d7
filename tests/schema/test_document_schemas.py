"""Schemas of document stores: from Prisma, from a JSON file; what each says of fields, indexes and references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import SchemaFault
from crossfade.model.target import ColumnType, TargetSchema
from crossfade.schema.documents import commands
from crossfade.schema.load import load_schema

HEAD = 'datasource db {\n  provider = "mongodb"\n  url = env("X")\n}\n'
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def prisma(tmp_path: Path, text: str, head: str = HEAD) -> TargetSchema:
    (tmp_path / "schema.prisma").write_text(head + text)
    return load_schema("schema.prisma", tmp_path, "mongodb", None)


def from_json(tmp_path: Path, collections: Any) -> TargetSchema:
    (tmp_path / "schema.json").write_text(json.dumps({"collections": collections}))
    return load_schema("schema.json", tmp_path, "mongodb", None)


def kinds(schema: TargetSchema, table: str) -> dict[str, str]:
    found = schema.table(table)
    assert found is not None
    return {c.name: _kind(c.type) + ("" if not c.nullable else "?" if c.absent else " or null") for c in found.columns}


def _kind(kind: ColumnType) -> str:
    if kind.kind == "array" and kind.of is not None:
        return f"{_kind(kind.of)}[]"
    if kind.kind == "struct":
        return "{" + ", ".join(f"{f.name}: {_kind(f.type)}{'?' if f.absent else ''}" for f in kind.fields) + "}"
    return kind.kind + (f":{kind.subtype}" if kind.subtype else "")


TYPES = """
type Place { street String
  zip String? }
enum Role { ADMIN
  USER @map("user") }
model Person {
  id   String @id @default(auto()) @map("_id") @db.ObjectId
  role Role
  i    Int
  l    BigInt?
  f    Float
  d    Decimal
  b    Boolean
  t    DateTime @db.Date
  y    Bytes
  j    Json?
  home Place
  all  Place[]
  tags String[]
  team String @db.ObjectId
}
"""


def test_prismas_types(tmp_path: Path) -> None:
    assert kinds(prisma(tmp_path, TYPES), "Person") == {
        "_id": "objectid", "role": "enum", "i": "int4", "l": "int8?", "f": "float8", "d": "decimal128", "b": "bool",
        "t": "timestamptz", "y": "bytea", "j": "ejson?", "home": "{street: string, zip: string?}",
        "all": "{street: string, zip: string?}[]", "tags": "string[]", "team": "objectid",
    }  # fmt: skip


def test_prismas_validator_says_the_types(tmp_path: Path) -> None:
    schema = prisma(tmp_path, TYPES)
    validator = commands.parsed(schema.pre[0].sql)["validator"]["$jsonSchema"]
    assert validator["properties"]["home"] == {
        "bsonType": "object",
        "required": ["street"],
        "properties": {"street": {"bsonType": "string"}, "zip": {"bsonType": ["string", "null"]}},
    }
    assert validator["properties"]["role"] == {"bsonType": "string", "enum": ["ADMIN", "user"]}
    assert "j" not in validator["required"]


RELATIONS = """
model User {
  id      String  @id @map("_id") @db.ObjectId
  email   String  @unique
  nick    String? @unique
  posts   Post[]
  groupIds String[] @db.ObjectId
  groups  Group[] @relation(fields: [groupIds], references: [id])
}
model Post {
  id     String @id @map("_id") @db.ObjectId
  userId String @db.ObjectId
  user   User   @relation(fields: [userId], references: [id])
  at     DateTime
  @@index([userId, at(sort: Desc)])
}
model Group {
  id      String @id @map("_id") @db.ObjectId
  userIds String[] @db.ObjectId
  users   User[] @relation(fields: [userIds], references: [id])
}
"""


def test_prismas_indexes_and_relations(tmp_path: Path) -> None:
    schema = prisma(tmp_path, RELATIONS)
    found = {i["name"]: i for step in schema.post if (i := commands.index_of(step.sql)) is not None}
    assert found["User_email_key"] == {"key": {"email": 1}, "name": "User_email_key", "unique": True}
    assert found["User_nick_key"]["partialFilterExpression"] == {"nick": {"$exists": True}}
    assert found["Post_userId_at_idx"]["key"] == {"userId": 1, "at": -1}
    keys = {(t.name, k.columns, k.parent, k.stored) for t in schema.tables for k in t.foreign_keys}
    assert keys == {
        ("Post", ("userId",), "User", ("_id",)),
        ("User", ("groupIds",), "Group", ("_id",)),
        ("Group", ("userIds",), "User", ("_id",)),
    }
    assert len(schema.notes) == 1, "the optional unique field"


def test_hack_the_worlds_schema_is_read_with_its_deviations_told() -> None:
    schema = load_schema("schema.prisma", EXAMPLES / "hack-the-world", "mongodb", None)
    assert {t.primary_key for t in schema.tables} == {("id",)}
    assert len(schema.tables) == 11
    written, ids = schema.notes
    assert "written for postgresql" in written
    assert "_id" in ids
    assert "and 6 more" in ids, "five are named, eleven there are"


def test_a_compound_id(tmp_path: Path) -> None:
    schema = prisma(tmp_path, "model Line {\n  order String\n  n Int\n  @@id([order, n])\n}\n")
    assert schema.tables[0].primary_key == ("order", "n")
    assert any("_id: {order, n}" in note for note in schema.notes)


SQL_HEAD = HEAD.replace("mongodb", "postgresql")


def test_types_of_sql_are_told(tmp_path: Path) -> None:
    text = "model A {\n  id String @id @db.Uuid\n  name String @db.VarChar(10)\n  at DateTime @db.Timestamptz(6)\n}\n"
    schema = prisma(tmp_path, text, SQL_HEAD)
    assert kinds(schema, "A") == {"id": "uuid", "name": "string", "at": "timestamptz"}
    assert sum("MongoDB has no type @db." in note for note in schema.notes) == 3


@pytest.mark.parametrize("text", ["model A {\n  n Int\n}\n", "model A {\n  id String @id\n  x Nope\n}\n"])
def test_prismas_faults(tmp_path: Path, text: str) -> None:
    with pytest.raises(SchemaFault):
        prisma(tmp_path, text)


PEOPLE = {
    "validator": {
        "$jsonSchema": {
            "required": ["_id", "email", "seen"],
            "additionalProperties": False,
            "properties": {
                "_id": {"bsonType": "objectId"},
                "email": {"bsonType": "string"},
                "seen": {"bsonType": ["date", "null"]},
                "n": {"bsonType": ["long", "int"]},
                "kind": {"enum": ["a", "b"]},
                "home": {"bsonType": "object", "properties": {"zip": {"bsonType": "string"}}},
                "rest": {"bsonType": "object"},
                "any": {},
                "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
                "photo": {"bsonType": "binData"},
                "token": {"bsonType": "binData"},
            },
        }
    },
    "types": {"photo": "binData:5", "token": "uuid"},
    "indexes": [{"key": {"email": 1}, "unique": True}, {"key": {"home.zip": 1}, "name": "zip", "sparse": True}],
    "references": [{"fields": ["kind"], "collection": "zips"}],
}


def test_a_file_of_validators(tmp_path: Path) -> None:
    schema = from_json(tmp_path, {"people": PEOPLE, "zips": {}})
    assert kinds(schema, "people") == {
        "_id": "objectid", "email": "string", "seen": "timestamptz or null", "n": "int8?", "kind": "enum?",
        "home": "{zip: string?}?", "rest": "ejson?", "any": "ejson?", "tags": "string[]?", "photo": "bytea:5?",
        "token": "uuid?",
    }  # fmt: skip
    assert kinds(schema, "zips") == {"_id": "ejson"}
    people, zips = schema.table("people"), schema.table("zips")
    assert people is not None
    assert zips is not None
    assert (people.is_open, zips.is_open) == (False, True)
    assert [(u.name, u.expressions) for u in people.uniques] == [("email_1", ("email",))]
    assert [(k.columns, k.parent, k.parent_columns) for k in people.foreign_keys] == [(("kind",), "zips", ("_id",))]
    assert [step.id for step in schema.post] == ["index people.email_1", "index people.zip"]


@pytest.mark.parametrize(
    "collections",
    [
        {"a": {"validators": {}}},
        {"a": {"validator": {"$jsonSchema": {"properties": {"x": {"bsonType": "wort"}}}}}},
        {"a": {"indexes": [{"unique": True}]}},
        {"a": {"references": [{"fields": ["x"], "collection": "nowhere"}]}},
        {"a": {"references": [{"fields": ["x.y"], "collection": "a"}]}},
        [],
    ],
)
def test_a_file_with_faults(tmp_path: Path, collections: Any) -> None:
    with pytest.raises(SchemaFault):
        from_json(tmp_path, collections)
