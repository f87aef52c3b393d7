"""Rows found, changed and deleted by values under another equality than that of bytes (see also tests/conformance)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from crossfade.model.canonical import python_rows
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.stores.contract import RowRejected, Writer, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch

INT, TEXT, NUMBER = (
    ColumnType("int4", "integer"),
    ColumnType("text", "text"),
    ColumnType("numeric", "numeric(8,2)", None, 8, 2),
)
TABLE = TargetTable(
    "items",
    None,
    "items",
    (
        TargetColumn("owner", TEXT, nullable=False),
        TargetColumn("n", INT, nullable=False),
        TargetColumn("code", TEXT),
        TargetColumn("price", NUMBER),
    ),
    ("owner", "n"),
)
ROWS = [("a", 1, "x", "1.50"), ("a", 2, "y", None), ("A", 1, "z", "2.00"), ("b", 1, None, "3.00")]
CREATE = {
    "postgresql": "CREATE TABLE items (owner text NOT NULL, n int, code text, price numeric(8, 2),"
    " PRIMARY KEY (owner, n)); CREATE UNIQUE INDEX one_code ON items (lower(code))",
    "sqlite": "CREATE TABLE items (owner TEXT NOT NULL, n INTEGER, code TEXT COLLATE NOCASE UNIQUE, price NUMERIC,"
    " PRIMARY KEY (owner, n))",
}


@pytest.fixture(params=["postgresql", "sqlite"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Writer]:
    url = f"sqlite:///{tmp_path / 't.db'}"
    if request.param == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        url = scratch.url
    with open_store(url) as store:
        found = need(store.writer, store, "be written to")
        with found.transaction() as tx:
            for statement in CREATE[request.param].split(";"):
                tx.run(statement)
            tx.load(TABLE, rows(*ROWS))
        yield found


def rows(*values: tuple[Any, ...]) -> Any:
    owners, numbers, codes, prices = zip(*values, strict=True)
    arrays = [
        pa.array(owners),
        pa.array(numbers, pa.int32()),
        pa.array(codes, pa.string()),
        pa.array(prices, pa.string()),
    ]
    return pa.table(arrays, names=["owner", "n", "code", "price"])


def there(writer: Writer) -> set[tuple[Any, ...]]:
    everyone = pa.table({"owner": pa.array(["a", "A", "b"])})
    with writer.transaction() as tx:
        return set(python_rows(tx.owned(TABLE, everyone, [c.name for c in TABLE.columns])))


def test_text_is_told_apart_byte_by_byte(writer: Writer) -> None:
    """Of a column that takes `x` and `X` for the same another record's row is not meant."""
    with writer.transaction() as tx:
        assert tx.owned(TABLE, pa.table({"code": pa.array(["X"])}), ["n"]).num_rows == 0
        assert tx.delete(TABLE, pa.table({"code": pa.array(["X", "y"])})) == 1
    assert len(there(writer)) == 3


def test_an_update_that_clashes_is_refused(writer: Writer) -> None:
    with pytest.raises(RowRejected) as refused, writer.transaction() as tx:
        tx.update(TABLE, rows(("a", 1, "Z", None)))
    assert refused.value.reason == "unique"
    assert there(writer) == set(ROWS)
