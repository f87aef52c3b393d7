"""A schema is kept exactly: percent signs, white space, braces, and the schemas of types."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from crossfade.errors import Misused
from crossfade.model.target import TargetSchema
from crossfade.schema.load import load_schema
from crossfade.schema.metadata import from_metadata
from making import make

ODD = "100% of  \n y \t\r\n\f\v\u2028\u0085 'q' {crossfade}{share} :name \\: \\n %(table)s %% "
"""Text that some step of the way might take for its own."""

PRISMA = """
datasource db {
  provider = "postgresql"
  schemas  = ["public", "auth", "only_types"]
}

enum Level {
  half @map("50%")
  full @map("{crossfade}  x")

  @@schema("auth")
  @@map("level")
}

enum Unused {
  a

  @@schema("only_types")
}

model Rate {
  id     String  @id @default(dbgenerated("to_char(now(), 'FM%YY')"))
  rate   String  @default("100%  \\n{share}") @map("rate%")
  level  Level   @default(half)
  levels Level[] @default([full])

  @@index([rate], map: "by%rate")
  @@map("rates%")
  @@schema("public")
}
"""


def _made(schema: TargetSchema, url: str) -> psycopg.Connection[Any]:
    make(url, (*schema.pre, *schema.post))
    return psycopg.connect(url, autocommit=True)


def test_text_of_models_arrives_as_it_is(pg_db: Any) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "t%",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rate%", sa.Text, server_default=ODD, comment=ODD),
        sa.Column("kind", sa.Enum("50%", ODD[:30], name="kind%"), server_default="50%"),
        sa.Column("half", sa.Computed("id % 2", persisted=True), type_=sa.Integer),
        sa.CheckConstraint("\"rate%\" NOT LIKE '%@%'", name="no%at"),
        sa.Index("ix%", "rate%", postgresql_where=sa.text("\"rate%\" LIKE 'a%'")),
        comment=ODD,
    )
    with _made(from_metadata(metadata, "postgresql"), pg_db.url) as db:
        db.execute('INSERT INTO "t%" (id) VALUES (5)')
        assert db.execute('SELECT "rate%", kind::text, half FROM "t%"').fetchall() == [(ODD, "50%", 1)]
        comments = db.execute("SELECT description FROM pg_description WHERE objoid = '\"t%\"'::regclass").fetchall()
        assert comments == [(ODD,), (ODD,)]
        assert db.execute("SELECT enumlabel FROM pg_enum ORDER BY enumsortorder").fetchall() == [("50%",), (ODD[:30],)]
        ((check,),) = db.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'no%at'"
        ).fetchall()
        assert "'%@%'" in check
        ((index,),) = db.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix%'").fetchall()
        assert "'a%'" in index


def test_text_of_a_prisma_schema_arrives_as_it_is(pg_db: Any, tmp_path: Path) -> None:
    (tmp_path / "schema.prisma").write_text(PRISMA)
    schema = load_schema("schema.prisma", tmp_path, "postgresql", None)
    with _made(schema, pg_db.url) as db:
        row = db.execute(
            'INSERT INTO "rates%" DEFAULT VALUES RETURNING id, "rate%", level::text, levels::text[]'
        ).fetchone()
        assert row is not None
        assert row[0].startswith("%")
        assert row[1:] == ("100%  \n{share}", "50%", ["{crossfade}  x"])
        types = "SELECT typnamespace::regnamespace::text, typname FROM pg_type WHERE typtype = 'e' ORDER BY 1"
        assert db.execute(types).fetchall() == [("auth", "level"), ("only_types", "Unused")]


def test_types_live_in_their_own_schemas(pg_db: Any) -> None:
    metadata = sa.MetaData()
    auth, app, plain = (
        sa.Enum("a", "b", name="role", schema="auth"),
        pg.ENUM("c", "d", name="role", schema="app"),
        sa.Enum("e", name="role"),
    )
    positive = pg.DOMAIN("positive", sa.Integer, check=sa.text("VALUE > 0"), schema="numbers")
    small = pg.DOMAIN("a_small", positive, check=sa.text("VALUE < 9 % 5"), schema="numbers")
    for schema in (None, "app"):
        sa.Table(
            "users",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("auth", auth, server_default="a"),
            sa.Column("app", app, server_default="c"),
            sa.Column("plain", plain, server_default="e"),
            sa.Column("auths", sa.ARRAY(auth)),
            sa.Column("variant", sa.Text().with_variant(auth, "postgresql")),
            sa.Column("small", small),
            sa.Column("smalls", pg.ARRAY(small)),
            schema=schema,
        )
    sa.Enum("x", name="lonely", schema="only_types", metadata=metadata)
    with _made(from_metadata(metadata, "postgresql"), pg_db.url) as db:
        columns = """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = %s::regclass AND attnum > 1 ORDER BY attnum"""
        expected = {
            "auth": "auth.role",
            "app": "app.role",
            "plain": "role",
            "auths": "auth.role[]",
            "variant": "auth.role",
            "small": "numbers.a_small",
            "smalls": "numbers.a_small[]",
        }
        for table in ("public.users", "app.users"):
            assert dict(db.execute(columns, [table]).fetchall()) == expected
        labels = "SELECT enumtypid::regtype::text, array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum GROUP BY 1"
        assert dict(db.execute(labels).fetchall()) == {
            "auth.role": ["a", "b"],
            "app.role": ["c", "d"],
            "role": ["e"],
            "only_types.lonely": ["x"],
        }


def test_two_types_of_one_name_are_refused() -> None:
    metadata = sa.MetaData()
    sa.Table(
        "t",
        metadata,
        sa.Column("a", sa.Enum("x", name="kind")),
        sa.Column("b", sa.Enum("y", name="kind", schema="public")),
    )
    with pytest.raises(Misused, match="kind"):
        from_metadata(metadata, "postgresql")


def test_braces_of_an_sql_schema_arrive_as_they_are(pg_db: Any, tmp_path: Path) -> None:
    sql = "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT '{crossfade}{share}', CHECK (a <> '{share} :x %s'));"
    (tmp_path / "schema.sql").write_text(sql)
    from crossfade.stores.postgresql.ddl import PostgresDdl

    schema = load_schema("schema.sql", tmp_path, "postgresql", PostgresDdl(pg_db.url))
    with _made(schema, pg_db.url) as db:
        assert db.execute("INSERT INTO t VALUES (1) RETURNING a").fetchone() == ("{crossfade}{share}",)
        with pytest.raises(psycopg.errors.CheckViolation):
            db.execute("INSERT INTO t VALUES (2, '{share} :x %s')")


def test_braces_of_a_sqlite_schema_arrive_as_they_are(tmp_path: Path) -> None:
    import sqlite3

    metadata = sa.MetaData()
    sa.Table("t%", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("a", sa.Text, server_default=ODD))
    schema = from_metadata(metadata, "sqlite")
    make(f"sqlite:///{tmp_path}/t.sqlite", (*schema.pre, *schema.post))
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as db, db:
        db.execute('INSERT INTO "t%" (id) VALUES (1)')
        assert db.execute('SELECT a FROM "t%"').fetchone() == (ODD,)
    db.close()


def test_a_type_that_names_no_schema_is_in_the_default_one(pg_db: Any) -> None:
    """Beside one of the same name in `public`, if that is not the default."""
    metadata = sa.MetaData()
    sa.Table(
        "users",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("own", pg.ENUM("a", "b", name="kind")),
        sa.Column("public", pg.ENUM("c", "d", name="kind", schema="public")),
        sa.Column("same", pg.ENUM("a", "b", name="kind", schema="app")),
    )
    schema = from_metadata(metadata, "postgresql", default_schema="app")
    make(f"{pg_db.url}?schema=app", (*schema.pre, *schema.post))
    found = pg_db.execute(
        "SELECT n.nspname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e"
        " JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace GROUP BY 1 ORDER BY 1"
    )
    assert found == [("app", ["a", "b"]), ("public", ["c", "d"])]
