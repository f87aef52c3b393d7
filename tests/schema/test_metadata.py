"""SQLAlchemy MetaData as a target schema, in both dialects."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from crossfade.errors import Misused
from crossfade.model.target import ForeignKey, TargetSchema
from crossfade.schema.metadata import from_metadata, load_metadata
from crossfade.stores.postgresql.ddl import PostgresDdl
from making import make


@pytest.fixture
def metadata() -> sa.MetaData:
    """Two tables that point at each other's keys, with most of what SQLAlchemy can say."""
    metadata = sa.MetaData()
    users = sa.Table(
        "users",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.String(20), unique=True, nullable=False, comment="it's theirs"),
        sa.Column("role", sa.Enum("a", "it's b", name="role_t"), server_default="a"),
        sa.Column("number", sa.Integer, sa.Identity()),
        sa.Column("boss", sa.ForeignKey("users.id")),
        sa.Column("Full", sa.String, sa.Computed("email || 'x'")),
        sa.Column("amount", sa.Numeric(10, 2)),
        sa.Index("by_lower", sa.text("lower(email)"), unique=True),
        comment="who",
    )
    sa.Index("one_each", users.c.number.desc(), unique=True, postgresql_where=users.c.number > 3)
    posts = sa.Table(
        "posts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user", sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.UniqueConstraint("user", "id"),
        sa.CheckConstraint("id > 0"),
    )
    sa.event.listen(posts, "after_create", sa.DDL("CREATE VIEW %(table)s_v AS SELECT * FROM %(table)s"))  # type: ignore[no-untyped-call]
    return metadata


def ids(schema: TargetSchema) -> list[str]:
    return [step.id for step in (*schema.pre, *schema.post)]


def test_postgresql_takes_every_step(metadata: sa.MetaData, pg_db: Any) -> None:
    schema = from_metadata(metadata, "postgresql")
    ddl = PostgresDdl(pg_db.url)
    make(pg_db.url, [*schema.pre, *schema.post])
    live = ddl.live_schema()
    assert [t.name for t in live.tables] == [t.name for t in schema.tables]
    for ours, theirs in zip(schema.tables, live.tables, strict=True):
        facts = [(c.name, c.type.kind, c.type.labels, c.nullable, c.has_default, c.generated) for c in ours.columns]
        assert facts == [
            (c.name, c.type.kind, c.type.labels, c.nullable, c.has_default, c.generated) for c in theirs.columns
        ]
        assert (ours.primary_key, ours.foreign_keys) == (theirs.primary_key, theirs.foreign_keys)
        assert [u.name for u in ours.uniques] == [u.name for u in theirs.uniques]
    assert ids(schema) == [
        "type role_t",
        "table posts",
        "table users",
        "unique posts.posts_user_id_key",
        "unique users.users_email_key",
        "index by_lower",
        "index one_each",
        "foreign key posts.posts_user_fkey",
        "foreign key users.users_boss_fkey",
        "validate posts.posts_user_fkey",
        "validate users.users_boss_fkey",
        "comment on table users",
        "comment on table column users.email",
        "ddl 1 of posts",
    ]


def test_sqlite_keeps_foreign_keys_in_the_table(metadata: sa.MetaData) -> None:
    schema = from_metadata(metadata, "sqlite")
    with closing(sqlite3.connect(":memory:")) as connection, connection:
        for step in (*schema.pre, *schema.post):
            connection.execute(step.sql)
        (row,) = connection.execute('SELECT "table", "from", "to" FROM pragma_foreign_key_list(\'posts\')')
    connection.close()
    assert row == ("users", "user", "id")
    assert ids(schema)[2:5] == ["index posts_user_id_key", "index users_email_key", "index by_lower"]
    posts = schema.table("posts")
    assert posts is not None
    assert posts.foreign_keys == (ForeignKey("posts_user_fkey", ("user",), "users", ("id",)),)
    assert [c.type.kind for c in schema.tables[1].columns][:3] == ["uuid", "text", "enum"]


def test_the_metadata_is_left_as_it_was(metadata: sa.MetaData) -> None:
    before = from_metadata(metadata, "postgresql").digest
    from_metadata(metadata, "sqlite")
    assert from_metadata(metadata, "postgresql").digest == before
    assert all(c.name is None for c in metadata.tables["posts"].foreign_key_constraints)
    assert len([c for c in metadata.tables["posts"].constraints if isinstance(c, sa.UniqueConstraint)]) == 1


def test_long_names_are_cut_and_stay_apart() -> None:
    metadata = sa.MetaData()
    name = "x" * 60
    columns = [sa.Column(f"{name}{i}", sa.Integer, unique=True) for i in range(3)]
    sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    names = [u.name for u in from_metadata(metadata, "postgresql").tables[0].uniques]
    assert len(set(names)) == 3
    assert max(map(len, names)) == 63


def test_schemas_and_circles() -> None:
    metadata = sa.MetaData()
    sa.Table(
        "a",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("b", sa.ForeignKey("s.b.id")),
        schema="s",
    )
    sa.Table(
        "b",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a", sa.ForeignKey("s.a.id")),
        schema="s",
    )
    schema = from_metadata(metadata, "postgresql")
    assert [t.name for t in schema.tables] == ["s.a", "s.b"]
    assert schema.pre[0].sql == "CREATE SCHEMA IF NOT EXISTS s"
    assert schema.tables[0].foreign_keys[0].parent == "s.b"
    assert [t.name for t in from_metadata(metadata, "sqlite").tables] == ["a", "b"]


def test_a_type_that_sqlite_cannot_spell() -> None:
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("tags", postgresql.ARRAY(sa.Text)))
    with pytest.raises(Misused, match="cannot be written for sqlite"):
        from_metadata(metadata, "sqlite")


def test_metadata_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "models_of_test.py").write_text(
        "import sqlalchemy as sa\nfrom sqlalchemy.orm import DeclarativeBase\n"
        "class Base(DeclarativeBase): ...\nmetadata = sa.MetaData()\nnumber = 1\n"
    )
    assert isinstance(load_metadata("models_of_test:metadata", tmp_path), sa.MetaData)
    assert isinstance(load_metadata("models_of_test:Base", tmp_path), sa.MetaData)
    with pytest.raises(Misused, match="is a int, not a MetaData"):
        load_metadata("models_of_test:number", tmp_path)
    with pytest.raises(Misused, match="no MetaData at 'nowhere_to_be_found:x'"):
        load_metadata("nowhere_to_be_found:x", tmp_path)
    with pytest.raises(Misused) as raised:
        load_metadata("app/models_of_test.py:metadata", tmp_path)
    assert raised.value.hint == '"app.models_of_test:metadata"'


def test_a_schema_is_the_same_in_every_process(tmp_path: Path) -> None:
    """A move that goes on in another process knows its target by the schema's digest; sets have no order."""
    (tmp_path / "shop.py").write_text(MANY_CONSTRAINTS)
    program = (
        "import sys; from pathlib import Path; from crossfade.schema.load import load_schema\n"
        "for dialect in ('postgresql', 'sqlite'):\n"
        "    print(load_schema('shop:metadata', Path(sys.argv[1]), dialect, None).digest)"
    )
    digests = {
        subprocess.run([sys.executable, "-c", program, tmp_path], check=True, capture_output=True, text=True).stdout
        for _ in range(4)
    }
    assert len(digests) == 1


MANY_CONSTRAINTS = """
import sqlalchemy as sa

metadata = sa.MetaData()
sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table(
    "posts",
    metadata,
    *(sa.Column(name, sa.ForeignKey("users.id"), primary_key=name == "a") for name in "abcd"),
    sa.Column("kind", sa.Enum("x", "y", name="kind", native_enum=False, create_constraint=True)),
    *(sa.CheckConstraint(f"{name} > 0", name=name == "a" and "first" or None) for name in "abcd"),
    *(sa.UniqueConstraint(name, "kind") for name in "abcd"),
    *(sa.Index(None, name, "kind") for name in "abcd"),
)
"""
