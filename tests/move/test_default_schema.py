"""Tables that name no schema: in the schema of the URL or of the login's search_path, for the whole move."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import shop
from crossfade.errors import Refused
from crossfade.move import Move
from crossfade.testing import as_user
from outcome import counts_of, open_move
from scratch import PostgresScratch

SQL = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, mood mood, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE posts (id integer PRIMARY KEY, "by" integer NOT NULL REFERENCES users, title text UNIQUE);
CREATE INDEX posts_by ON posts ("by");
CREATE VIEW titles AS SELECT title FROM posts;
"""
PRISMA = """
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
enum mood {
  good
  bad
}
model users {
  id    Int     @id
  name  String
  mood  mood?
  posts posts[]
}
model posts {
  id    Int    @id
  by    Int
  title String @unique
  user  users  @relation(fields: [by], references: [id])
  @@index([by])
}
"""
SQLALCHEMY = """
import sqlalchemy as sa
metadata = sa.MetaData()
sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
         sa.Column("name", sa.Text), sa.Column("mood", sa.Enum("good", "bad", name="mood")))
sa.Table("posts", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
         sa.Column("by", sa.ForeignKey("users.id"), nullable=False, index=True),
         sa.Column("title", sa.Text, unique=True))
"""
SCHEMAS = {"schema.sql": SQL, "schema.prisma": PRISMA, "models_of_a_test:metadata": SQLALCHEMY}
MAPPING = {
    "users": "SELECT u._id AS id, u.name AS name, u.mood AS mood FROM users AS u",
    "posts": 'SELECT p._id AS id, p."by" AS "by", p.title AS title FROM posts AS p',
}
USERS = [{"_id": 1, "name": "Ann", "mood": "good"}, {"_id": 2, "name": "Ben", "mood": "bad"}]
POSTS = [
    {"_id": 1, "by": 1, "title": "one"},
    {"_id": 2, "by": 9, "title": "two"},
    {"_id": 3, "by": 2, "title": "three"},
    {"_id": 4, "by": 2, "title": "three"},
]
COUNTS = {"users": (2, 2, 0, 0), "posts": (4, 2, 2, 0)}
WHERE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crossfade') ORDER BY 1, 2
"""


@pytest.fixture
def role(pg_db: PostgresScratch) -> Iterator[str]:
    """As managed databases have them: a login that may make nothing in the database, nor in public."""
    name = f"r_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {name} LOGIN")
    pg_db.execute(f"CREATE SCHEMA crossfade AUTHORIZATION {name}")
    try:
        yield name
    finally:
        pg_db.execute(f"DROP OWNED BY {name} CASCADE")
        pg_db.execute(f"DROP ROLE {name}")


Opened = Callable[..., Move]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    moves: list[Move] = []
    source = tmp_path / "source"
    source.mkdir()
    for name, documents in {"users": USERS, "posts": POSTS}.items():
        (source / f"{name}.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents))

    def open_(url: str, schema: str = "schema.sql") -> Move:
        while moves:
            moves.pop().close()
        folder = tmp_path / "p"
        if not folder.exists():
            shop.small_project(folder, SQL, MAPPING)
            file = schema.partition(":")[0] + (".py" if ":" in schema else "")
            (folder / file).write_text(SCHEMAS[schema])
            settings = folder / "crossfade.toml"
            settings.write_text(settings.read_text().replace('"schema.sql"', f'"{schema}"'))
        move = open_move(folder, f"dump:{source}", url)
        moves.append(move)
        return move

    yield open_
    while moves:
        moves.pop().close()
    sys.modules.pop("models_of_a_test", None)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_whose_search_path_says_it(pg_db: PostgresScratch, role: str, opened: Opened, schema: str) -> None:
    """Once the move has begun, what the login's settings say does not matter: no half here, half there."""
    pg_db.execute(f'CREATE SCHEMA "My App" AUTHORIZATION {role}')
    pg_db.execute(f"""ALTER ROLE {role} SET search_path = nowhere, pg_catalog, "My App", public""")
    url = as_user(pg_db.url, role, "")
    move = opened(url, schema)
    move.survey()
    assert not [f for f in move.check() if f.severity == "fault"]
    preview = move.preview("users")
    assert [record.refused for record in preview.records] == [None, None]
    assert preview.without_types is None
    move.apply_schema()
    assert pg_db.execute(WHERE) == [("My App", "posts"), ("My App", "users")]
    pg_db.execute(f"ALTER ROLE {role} SET search_path = public")
    move = opened(url, schema)
    assert counts_of(move.copy()) == COUNTS
    assert pg_db.execute(WHERE) == [("My App", "posts"), ("My App", "users")]
    assert {(e.table, e.reason, e.parent or "") for e in move.quarantine()} == {
        ("posts", "foreign_key", "missing"),
        ("posts", "unique", ""),
    }
    verdict = opened(url, schema).verify()
    assert verdict.equal
    assert verdict.schema is not None
    assert {d.thing for d in verdict.schema.differences if d.severity == "fault"} == {"setting"}  # it says so
    pg_db.execute("""INSERT INTO "My App".users (id, name) VALUES (9, 'Eve')""")
    assert {r.outcome for r in opened(url, schema).retry()} == {"copied", "quarantined"}
    pg_db.execute("""DELETE FROM "My App".posts WHERE id = 2""")
    pg_db.execute("""DELETE FROM "My App".users WHERE id = 9""")
    assert opened(url, schema).reset() is not None
    assert pg_db.execute(WHERE) == []
    assert pg_db.execute("SELECT to_regnamespace('\"My App\"') IS NOT NULL") == [(True,)]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_url_as_prisma_writes_it(pg_db: PostgresScratch, opened: Opened, schema: str) -> None:
    """The schema is made where it is not there; another one in mid-move is refused."""
    url = f"{pg_db.url}?schema={quote('My App')}&connect_timeout=9"
    move = opened(url, schema)
    move.survey()
    move.apply_schema()
    with pytest.raises(Refused, match=r"'other'.*'My App'"):
        opened(f"{pg_db.url}?schema=other", schema).copy()
    assert counts_of(opened(pg_db.url, schema).copy()) == COUNTS
    assert pg_db.execute(WHERE) == [("My App", "posts"), ("My App", "users")]
    assert opened(url, schema).verify().equal
    opened(url, schema).reset()
    assert pg_db.execute("SELECT to_regnamespace('\"My App\"') IS NULL") == [(True,)]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ('ALTER DATABASE {db} SET search_path = app', "app"),
        ('ALTER DATABASE {db} SET search_path = "$user", public', "public"),
        ('ALTER DATABASE {db} SET search_path = pg_temp, app', "app"),
        ("ALTER DATABASE {db} SET search_path = ''", "public"),
        ('CREATE SCHEMA postgres; ALTER DATABASE {db} SET search_path = "$user", public', "postgres"),
        ("ALTER DATABASE {db} SET search_path = nowhere", "public"),
    ],
)  # fmt: skip
def test_whatever_sets_it(pg_db: PostgresScratch, opened: Opened, setting: str, expected: str) -> None:
    pg_db.execute("CREATE SCHEMA app")
    for statement in setting.split("; "):
        pg_db.execute(statement.replace("{db}", pg_db.name))
    move = opened(pg_db.url, "schema.prisma")
    move.survey()
    move.apply_schema()
    assert pg_db.execute(WHERE) == [(expected, "posts"), (expected, "users")]


def test_options_of_the_url(pg_db: PostgresScratch, opened: Opened) -> None:
    pg_db.execute("CREATE SCHEMA app")
    move = opened(f"{pg_db.url}?options={quote('-c search_path=app')}")
    move.survey()
    assert counts_of(move.copy()) == COUNTS
    assert pg_db.execute(WHERE) == [("app", "posts"), ("app", "users")]


def test_tables_that_are_there(pg_db: PostgresScratch, opened: Opened) -> None:
    """Those of the default schema have their bare names; one of another schema is called with it."""
    pg_db.execute("CREATE SCHEMA app")
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET search_path = app")
    for statement in filter(str.strip, SQL.split(";")):
        pg_db.execute(statement)
    pg_db.execute("CREATE TABLE public.users (id integer PRIMARY KEY, more text)")
    move = opened(pg_db.url)
    settings = move.project.root / "crossfade.toml"
    settings.write_text(settings.read_text().replace('"schema.sql"', '"live"'))
    move = opened(pg_db.url)
    move.survey()
    assert [t.name for t in move.schema.tables] == ["posts", "public.users", "users"]
    assert counts_of(move.copy()) == COUNTS
    assert pg_db.execute("SELECT count(*) FROM app.users") == [(2,)]
    assert pg_db.execute("SELECT count(*) FROM public.users") == [(0,)]
    assert move.verify().equal
