"""pg_dump prints the same for a database created by psql and for one created by our steps."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from crossfade.model.target import Step
from crossfade.schema.compare import compare
from crossfade.schema.undo import undo_of
from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.testing import with_database
from crossfade.testing.postgres import installation
from making import make
from scratch import PostgresScratch, create_database, drop_database

BIN = installation() / "bin"
SCHEMA = "".join((Path(__file__).parent / f"{name}.sql").read_text("utf-8") for name in ("everything", "rarer"))


@pytest.fixture
def by_psql(postgresql_url: str) -> Iterator[str]:
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(postgresql_url, autocommit=True) as admin:
        if admin.info.server_version < 180000:
            pytest.skip("rarer.sql has what came with PostgreSQL 18")
        create_database(admin, name)
        url = with_database(postgresql_url, name)
        try:
            psql = [str(BIN / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", url]
            subprocess.run(psql, input=SCHEMA, text=True, check=True, capture_output=True)
            yield url
        finally:
            drop_database(admin, name)


def dumped(url: str) -> list[str]:
    dump = [str(BIN / "pg_dump"), "--schema-only", "--no-owner", "-d", url]
    text = subprocess.run(dump, text=True, check=True, capture_output=True).stdout
    return [line for line in text.splitlines() if not re.match(r"\\(un)?restrict ", line)]


def test_pg_dump_finds_no_difference(by_psql: str, pg_db: PostgresScratch) -> None:
    ddl = PostgresDdl(pg_db.url)
    before = ddl.describe()
    schema = ddl.scratch_schema(SCHEMA, "schema.sql")
    make(pg_db.url, [*schema.pre, *schema.post])
    assert dumped(pg_db.url) == dumped(by_psql)
    assert ddl.describe() == PostgresDdl(by_psql).describe() == schema.described
    assert schema.notes == ()
    ids = [step.id for step in (*schema.pre, *schema.post)]
    assert len(ids) == len(set(ids))
    again = ddl.live_schema()
    assert (again.pre, again.post, again.digest) == (schema.pre, schema.post, schema.digest)
    for sql in drops((*schema.pre, *schema.post)):
        pg_db.execute(sql)
    assert compare(before, ddl.describe()) == []


def drops(steps: Sequence[Step]) -> list[str]:
    """What undoes the steps, foreign keys first, as a reset does it."""
    found = [undo for step in reversed(steps) if (undo := undo_of(step)) is not None]
    return list(dict.fromkeys(undo.sql for undo in sorted(found, key=lambda undo: undo.kind != "CONSTRAINT")))


LEFT_OUT = """
CREATE TABLE parts (id int, n int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE INDEX ON parts (n);
COMMENT ON INDEX part_n_idx IS 'of a part';
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION f() DEPENDS ON EXTENSION plpgsql;
CREATE CONVERSION to_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
COMMENT ON CONVERSION to_latin IS 'why';
"""


def test_what_is_not_created_is_named(pg_db: PostgresScratch) -> None:
    found = PostgresDdl(pg_db.url).scratch_schema(LEFT_OUT, "schema.sql").notes
    assert sorted(note.removeprefix("not created in the target: ") for note in found) == [
        "conversion to_latin",
        "that function public.f() depends on the extension plpgsql",
        "the comment on conversion public.to_latin",
        "the comment on index of a partition public.part_n_idx",
    ]


def test_an_extension_keeps_its_comment(pg_db: PostgresScratch) -> None:
    if not pg_db.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("the server has no extension vector")
    schema = PostgresDdl(pg_db.url).scratch_schema("CREATE EXTENSION vector", "schema.sql")
    assert [step.id for step in schema.pre] == ["extension vector"]
    sql = "CREATE EXTENSION vector; COMMENT ON EXTENSION vector IS 'near'; COMMENT ON EXTENSION plpgsql IS 'ours'"
    schema = PostgresDdl(pg_db.url).scratch_schema(sql, "schema.sql")
    make(pg_db.url, schema.pre)
    query = "SELECT obj_description(oid, 'pg_extension') FROM pg_extension ORDER BY 1"
    assert pg_db.execute(query) == [("near",), ("ours",)]
