"""What PostgreSQL refuses, and how it is reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import canonical_rows as canonical
import psycopg
import pyarrow as pa
import pytest

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.model.target import ColumnType
from crossfade.stores.contract import RowRejected
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.target import PostgresWriter
from target_sql import sql

_INT, _TEXT, _NICK = ColumnType("int4", "int4"), ColumnType("text", "text"), ColumnType("text", "varchar(3)")
PEOPLE = canonical.table("people", ("id", _INT), ("email", _TEXT), ("age", _INT), ("boss", _INT), ("nick", _NICK))
_DDL = """
CREATE TABLE people (
    id int4 PRIMARY KEY,
    email text NOT NULL CONSTRAINT people_email_key UNIQUE,
    age int4 CONSTRAINT grown CHECK (age > 0),
    boss int4 CONSTRAINT people_boss_fkey REFERENCES people, nick varchar(3))
"""


@pytest.fixture
def writer(pg_db: Any) -> Iterator[PostgresWriter]:
    pg_db.execute(_DDL)
    writer = PostgresWriter(pg_db.url)
    with writer.transaction() as loader:
        loader.load(PEOPLE, _people((1, "a", 1, None, None)))
    yield writer
    writer.close()


def _people(*rows: tuple[Any, ...]) -> Any:
    columns = zip(*rows, strict=True)
    return pa.table(
        [canonical.column(v, c.type) for v, c in zip(columns, PEOPLE.columns, strict=True)],
        names=[c.name for c in PEOPLE.columns],
    )


@pytest.mark.parametrize(
    ("row", "reason", "column", "constraint"),
    [
        ((1, "b", 1, None, None), "unique", None, "people_pkey"),
        ((2, "a", 1, None, None), "unique", None, "people_email_key"),
        ((2, "b", -1, None, None), "check", None, "grown"),
        ((2, "b", 1, 77, None), "foreign_key", None, "people_boss_fkey"),
        ((2, None, 1, None, None), "not_null", "email", None),
        ((2, "b", 1, None, "long"), "too_long", "nick", None),
        ((2, "b\0", 1, None, None), "nul_character", "email", None),
    ],
)
def test_a_refused_row_says_why(
    writer: PostgresWriter, pg_db: Any, row: tuple[Any, ...], reason: str, column: str | None, constraint: str | None
) -> None:
    with pytest.raises(RowRejected) as refused, writer.transaction() as loader:
        loader.load(PEOPLE, _people((9, "fine", 1, None, None), row))
    assert (refused.value.reason, refused.value.column, refused.value.constraint) == (reason, column, constraint)
    assert pg_db.execute("SELECT id FROM people") == [(1,)]


def test_after_a_savepoint_the_transaction_continues(writer: PostgresWriter, pg_db: Any) -> None:
    with writer.transaction() as loader:
        with pytest.raises(RowRejected), loader.savepoint():
            loader.load(PEOPLE, _people((1, "twice", 1, None, None)))
        loader.load(PEOPLE, _people((2, "b", 1, None, None)))
    assert pg_db.execute("SELECT id FROM people ORDER BY id") == [(1,), (2,)]


def test_a_deferred_constraint_speaks_at_the_commit(writer: PostgresWriter, pg_db: Any) -> None:
    pg_db.execute("ALTER TABLE people ALTER CONSTRAINT people_boss_fkey DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(RowRejected) as refused, writer.transaction() as loader:
        loader.load(PEOPLE, _people((2, "b", 1, 77, None)))
    assert refused.value.reason == "foreign_key"


def test_an_exception_takes_everything_back(writer: PostgresWriter, pg_db: Any) -> None:
    with pytest.raises(ZeroDivisionError), writer.transaction() as loader:  # noqa: PT012
        loader.load(PEOPLE, _people((2, "b", 1, None, None)))
        raise ZeroDivisionError
    assert pg_db.execute("SELECT count(*) FROM people") == [(1,)]


def test_parameters_have_names(writer: PostgresWriter) -> None:
    with writer.transaction() as loader:
        assert sql(loader, "SELECT :a::int, ':a', 7 % 4, 'x' LIKE '%'", {"a": 5}) == [(5, ":a", 3, True)]
        assert sql(loader, "SELECT 7 % 4") == [(3,)]
        assert sql(loader, "SET LOCAL work_mem TO '1MB'") == []


def test_a_lost_connection_is_unreachable_and_the_next_transaction_works(writer: PostgresWriter, pg_db: Any) -> None:
    with pytest.raises(Unreachable, match="was rolled back"), writer.transaction() as loader:  # noqa: PT012
        ((pid,),) = sql(loader, "SELECT pg_backend_pid()")
        pg_db.execute("SELECT pg_terminate_backend(%s)", [pid])
        loader.load(PEOPLE, _people((2, "b", 1, None, None)))
    with writer.transaction() as loader:
        assert sql(loader, "SELECT count(*) FROM people") == [(1,)]


def test_a_connection_that_is_lost_with_the_last_answer_does_not_end_as_if_all_were_written(
    writer: PostgresWriter, pg_db: Any
) -> None:
    """The driver notices it, and no statement follows in which it would say so."""
    with pytest.raises(Unreachable) as lost, writer.transaction() as loader:  # noqa: PT012
        loader.load(PEOPLE, _people((2, "b", 1, None, None)))
        connection = writer._connection()
        pg_db.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with suppress(psycopg.OperationalError):
            while not connection.broken:
                connection.pgconn.consume_input()
    assert lost.value.passing
    with writer.transaction() as loader:
        assert sql(loader, "SELECT count(*) FROM people") == [(1,)]


def test_a_target_that_takes_no_writes(writer: PostgresWriter) -> None:
    with pytest.raises(CrossfadeError, match="does not accept writes") as refused, writer.transaction() as loader:  # noqa: PT012
        sql(loader, "SET TRANSACTION READ ONLY")
        loader.load(PEOPLE, _people((2, "b", 1, None, None)))
    assert refused.value.hint


@pytest.mark.parametrize("opened", [PostgresWriter, PostgresRowReader])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/db", "no server is listening there"),
        ("postgresql+psycopg://me:hunter2@no-such-host.invalid/db", "the host is unknown"),
        ("postgres://me:hunter2@/db?host=/no/such/folder", "no server is listening there"),
    ],
)
def test_a_server_that_is_not_there(opened: Any, url: str, said: str) -> None:
    with pytest.raises(Unreachable, match=said) as unreachable:
        _touch(opened(url))
    assert "hunter2" not in str(unreachable.value)


@pytest.mark.parametrize("opened", [PostgresWriter, PostgresRowReader])
def test_a_database_that_is_not_there(opened: Any, pg_db: Any) -> None:
    with pytest.raises(Unreachable, match="the database does not exist"):
        _touch(opened(pg_db.url.replace(pg_db.name, "no_such_database")))


def _touch(part: PostgresWriter | PostgresRowReader) -> None:
    if isinstance(part, PostgresRowReader):
        list(part.scan(PEOPLE, ["id"]))
    else:
        with part.transaction():
            pass


def test_a_url_with_prismas_parameters_names_them() -> None:
    with pytest.raises(Misused, match="connection_limit") as misused:
        _touch(PostgresWriter("postgresql://me:hunter2@localhost/db?connection_limit=5"))
    assert "hunter2" not in str(misused.value)


def test_stores_open_by_url(pg_db: Any) -> None:
    with open_store(pg_db.url.replace("postgresql://", "postgresql+psycopg://")) as store:
        assert store.scheme == "postgresql"
        assert store.row_reader is not None
        assert store.row_reader.query("SELECT 1", limit=1)[2] == 1
    with pytest.raises(Misused, match="oracle") as misused:
        open_store("oracle://me:hunter2@host/db")
    assert "postgresql://" in (misused.value.hint or "")
    assert "hunter2" not in str(misused.value)


def test_a_table_that_is_gone_is_said_to_be_when_it_is_read(writer: PostgresWriter, pg_db: Any) -> None:
    pg_db.execute("DROP TABLE people")
    reader = PostgresRowReader(pg_db.url)
    with pytest.raises(CrossfadeError, match="the database has no such table") as caught:
        list(reader.scan(PEOPLE, ["id"]))
    assert "start over" in str(caught.value.hint)
    reader.close()
