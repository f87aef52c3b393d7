"""`crossfade schema diff`: two schemas, each live or in files, table by table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from test_json_documented import differences, documented

from calling import Ended, call
from scratch import PostgresScratch

OLD = """
CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, display_name text, created_at timestamptz);
CREATE TABLE chats (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id), title varchar(80));
CREATE TABLE sessions (id int PRIMARY KEY);
CREATE INDEX chats_user ON chats (user_id);
"""
NEW = """
CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL,
                    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE chats (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE, title text);
CREATE TABLE agents (id uuid PRIMARY KEY);
CREATE TABLE media_assets (id uuid PRIMARY KEY);
CREATE TYPE mood AS ENUM ('a');
"""
SUMMARY = """Schema Comparison Summary:
- Missing tables in destination: 1
- New tables in destination: 2
- Tables with differences: 2
"""
PRISMA = """
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
model users {
  id           String    @id @db.Uuid
  email        String    @unique(map: "users_email_key")
  display_name String?
  created_at   DateTime? @db.Timestamptz
}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No project is needed, and files are named relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("old.sql").write_text(OLD)
    Path("new.sql").write_text(NEW)


def diff(one: str, other: str, *more: str) -> Ended:
    return call("schema", "diff", one, other, *more)


def test_two_databases(pg_db: PostgresScratch, new_target: Callable[[], PostgresScratch]) -> None:
    other_db = new_target()
    pg_db.execute(OLD)
    other_db.execute(NEW)
    ended = diff(pg_db.url, other_db.url)
    assert ended.status == 1
    assert ended.out.endswith(SUMMARY)
    tables = {line.partition(" ")[0] for line in ended.out.splitlines()}
    assert {"sessions", "agents", "media_assets", "users", "chats"} <= tables
    found = diff(pg_db.url, other_db.url, "--json").json
    assert found["summary"] == {"missing_tables": 1, "new_tables": 2, "tables_with_differences": 2}
    assert (found["missing_tables"], found["new_tables"]) == (["sessions"], ["agents", "media_assets"])
    assert list(differences(documented()["schema diff"], found)) == []
    chats, users = found["tables"]
    assert users["missing_columns"] == [{"column": "display_name", "type": "text", "nullable": True}]
    assert users["new_columns"] == [{"column": "name", "type": "text", "nullable": False}]
    assert users["changed_columns"] == [
        {
            "column": "created_at",
            "source_type": "timestamp with time zone",
            "destination_type": "timestamp with time zone",
            "source_nullable": True,
            "destination_nullable": False,
        }
    ]
    assert kinds(users) >= {("changed", "column", "default"), ("changed", "column", "not null")}
    assert kinds(chats) == {
        ("changed", "column", "type"),
        ("changed", "foreign key", "definition"),
        ("missing", "index", None),
    }
    assert kinds({"differences": found["others"]}) == {("new", "enum", None)}


def kinds(table: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    return {(d["kind"], d["what"], d["fact"]) for d in table["differences"]}


@pytest.mark.parametrize("file", ["old.sql", "old_models:metadata"])
def test_a_database_is_equal_to_the_file_that_made_it(pg_db: PostgresScratch, file: str) -> None:
    Path("old_models.py").write_text(MODELS)
    pg_db.execute(OLD)
    pg_db.execute(f'ALTER DATABASE "{pg_db.name}" SET statement_timeout = 10000')  # files do not declare settings
    for sides in ((pg_db.url, file), (file, pg_db.url)):
        ended = diff(*sides, "--json")
        assert (ended.status, ended.json["equal"], ended.json["tables"]) == (0, True, [])


def test_a_prisma_schema(pg_db: PostgresScratch) -> None:
    Path("schema.prisma").write_text(PRISMA)
    pg_db.execute(OLD)
    found = diff(pg_db.url, "schema.prisma", "--json").json
    assert (found["missing_tables"], found["new_tables"]) == (["chats", "sessions"], [])
    (users,) = found["tables"]
    assert users["missing_columns"] == users["new_columns"] == []
    assert kinds(users) == {("missing", "unique constraint", None), ("new", "unique index", None)}


def test_two_files_are_created_on_the_server_that_is_named(pg_db: PostgresScratch) -> None:
    ended = diff("old.sql", "new.sql", "--server", pg_db.url)
    assert (ended.status, ended.out.endswith(SUMMARY)) == (1, True)
    assert pg_db.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]
    assert diff("new.sql", "new.sql", "--server", pg_db.url).status == 0


def test_two_files_without_a_server() -> None:
    ended = diff("old.sql", "new.sql", "--json")
    assert (ended.status, ended.json["error"]["kind"]) == (2, "misused")
    assert "--server" in ended.json["error"]["hint"]


def sqlite(name: str, text: str) -> str:
    with closing(sqlite3.connect(name)) as connection:
        connection.executescript(text)
    return f"sqlite:///{name}"


def test_sqlite_files_are_only_read() -> None:
    plain = "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    one = sqlite("one.db", plain)
    other = sqlite("other.db", plain.replace("TEXT NOT NULL", "VARCHAR(5)") + "CREATE INDEX i ON a (name);")
    Path("plain.sql").write_text(plain)
    before = Path("one.db").read_bytes()
    assert diff(one, "plain.sql").status == 0
    found = diff(one, other, "--json").json
    assert found["summary"] == {"missing_tables": 0, "new_tables": 0, "tables_with_differences": 1}
    assert found["tables"][0]["changed_columns"] == [
        {
            "column": "name",
            "source_type": "TEXT",
            "destination_type": "VARCHAR ( 5 )",
            "source_nullable": False,
            "destination_nullable": True,
        }
    ]
    assert Path("one.db").read_bytes() == before
    assert sorted(path.name for path in Path().glob("one.db*")) == ["one.db"]


@pytest.mark.parametrize("other", ["sqlite:///absent.db", "absent.sql"])
def test_what_is_absent_is_no_empty_schema(other: str) -> None:
    ended = diff(sqlite("empty.db", ""), other, "--json")
    assert (ended.status, ended.json["error"]["kind"]) == (3, "unreachable")
    assert not Path("absent.db").exists()


def test_databases_of_two_kinds_are_refused(pg_db: PostgresScratch) -> None:
    ended = diff(pg_db.url, sqlite("a.db", ""), "--json")
    assert (ended.status, ended.json["error"]["kind"]) == (2, "misused")


def test_passwords_are_hidden(pg_db: PostgresScratch) -> None:
    url = pg_db.url.replace("postgres@", "postgres:open-sesame@")
    ended = diff(url, url)
    assert (ended.status, "open-sesame" in ended.out + ended.err) == (0, False)


MODELS = """
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID, TIMESTAMP

metadata = sa.MetaData()
sa.Table("users", metadata, sa.Column("id", UUID, primary_key=True), sa.Column("email", sa.Text, nullable=False),
         sa.Column("display_name", sa.Text), sa.Column("created_at", TIMESTAMP(timezone=True)),
         sa.UniqueConstraint("email", name="users_email_key"))
sa.Table("chats", metadata, sa.Column("id", UUID, primary_key=True),
         sa.Column("user_id", UUID, sa.ForeignKey("users.id", name="chats_user_id_fkey"), nullable=False),
         sa.Column("title", sa.String(80)), sa.Index("chats_user", "user_id"))
sa.Table("sessions", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False))
"""
