"""One result, whatever describes the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import Misused, SchemaFault, Unreachable
from crossfade.schema.load import load_schema
from crossfade.stores.postgresql.ddl import PostgresDdl
from making import make

PRISMA = """
datasource db {
  provider = "postgresql"
}
enum Role {
  A
  B
}
model User {
  id    String @id @default(uuid()) @db.Uuid
  email String @unique
  role  Role   @default(A)
  posts Post[]
}
model Post {
  id     Int    @id @default(autoincrement())
  userId String @db.Uuid
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
}
"""


def test_prisma_becomes_steps_that_postgresql_takes(tmp_path: Path, pg_db: Any) -> None:
    (tmp_path / "schema.prisma").write_text(PRISMA)
    ddl = PostgresDdl(pg_db.url)
    schema = load_schema("schema.prisma", tmp_path, "postgresql", None)
    make(pg_db.url, [*schema.pre, *schema.post])
    live = load_schema("live", tmp_path, "postgresql", ddl)
    assert [t.name for t in live.tables] == [t.name for t in schema.tables] == ["Post", "User"]
    assert live.tables[0].foreign_keys == schema.tables[0].foreign_keys
    assert [u.name for u in live.tables[1].uniques] == ["User_email_key"]


def test_sql_files_in_order(tmp_path: Path, pg_db: Any) -> None:
    (tmp_path / "2_b.sql").write_text("CREATE TABLE b (a int REFERENCES a);")
    (tmp_path / "1_a.sql").write_text("CREATE TABLE a (id int PRIMARY KEY)\r\n;  -- no end of line")
    ddl = PostgresDdl(pg_db.url)
    for spec in ("*.sql", "1_a.sql, 2_b.sql"):
        assert [t.name for t in load_schema(spec, tmp_path, "postgresql", ddl).tables] == ["a", "b"]


def test_a_fault_is_placed_in_its_own_file(tmp_path: Path, pg_db: Any) -> None:
    (tmp_path / "1.sql").write_text("CREATE TABLE a (\n  id int PRIMARY KEY\n);\n\n")
    (tmp_path / "2.sql").write_text("\nCREATE TABLE b (\n  x nosuch\n);")
    with pytest.raises(SchemaFault) as raised:
        load_schema("*.sql", tmp_path, "postgresql", PostgresDdl(pg_db.url))
    (fault,) = raised.value.faults
    assert (fault.file, fault.line, fault.column) == ("2.sql", 3, 5)


def test_what_is_no_schema(tmp_path: Path) -> None:
    (tmp_path / "schema.txt").write_text("")
    (tmp_path / "schema.sql").write_text("")
    with pytest.raises(Misused, match="no schema can be read from"):
        load_schema("schema.txt", tmp_path, "postgresql", None)
    with pytest.raises(Misused, match="needs the target"):
        load_schema("schema.sql", tmp_path, "postgresql", None)
    with pytest.raises(Unreachable, match=r"the schema '.*' does not exist"):
        load_schema("other.sql", tmp_path, "postgresql", None)
    with pytest.raises(Unreachable, match="no file matches"):
        load_schema("ddl/*.sql", tmp_path, "postgresql", None)
