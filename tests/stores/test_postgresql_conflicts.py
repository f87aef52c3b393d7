"""What the server returns for conflicting rows if an expression fails for one of them."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest

from crossfade.errors import CrossfadeError
from crossfade.model.target import ColumnType, TargetColumn, TargetTable, Unique
from crossfade.stores.contract import Check
from crossfade.stores.postgresql.constraints.conflicts import PostgresConflicts
from scratch import PostgresScratch

TABLE = TargetTable(
    "deep", "public", "deep", (TargetColumn("n", ColumnType("int4", "integer"), nullable=False),), ("n",)
)
FAILS_OF_THREE = """
CREATE FUNCTION even(n integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF n = 3 THEN {}; END IF;
    RETURN n % 2 = 0;
END $$"""
RAISE = "RAISE EXCEPTION 'too much' USING ERRCODE = '{}'"
CHECK = Check("CHECK (even(n))", "even(n)", ("n",))
ROWS = pa.table({"n": pa.array(range(6), pa.int32())})


def make(db: PostgresScratch, statement: str) -> None:
    with psycopg.connect(db.url) as connection:
        connection.execute(FAILS_OF_THREE.format(statement).encode())
        connection.execute("CREATE TABLE deep (n integer PRIMARY KEY)")


@pytest.mark.parametrize("code", ["54000", "54001", "54023", "22012", "42704", "P0001", "53200", "57014"])
def test_a_limit_that_one_row_breaks_is_of_that_row(pg_db: PostgresScratch, code: str) -> None:
    """psycopg calls the errors of class 54 OperationalError, as it calls a connection that broke."""
    make(pg_db, RAISE.format(code))
    clashes = PostgresConflicts(pg_db.url)
    assert [c and dict(c.values) for c in clashes.breaking(TABLE, CHECK, ROWS)] == [
        None,
        {"n": "1"},
        None,
        None,  # it has no answer
        None,
        {"n": "5"},
    ]
    pg_db.execute("INSERT INTO deep VALUES (5)")
    held = clashes.holders(TABLE, Unique("by_even", ("even(n)",)), ROWS)
    assert [c and c.values for c in held][3] is None
    assert held[1] is not None
    assert held[1].holder == {"n": "5"}


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
def test_what_ends_the_statement_from_outside_is_of_no_row(pg_db: PostgresScratch, function: str) -> None:
    make(pg_db, f"PERFORM {function}(pg_backend_pid())")
    with pytest.raises(CrossfadeError):
        PostgresConflicts(pg_db.url).breaking(TABLE, CHECK, ROWS)
