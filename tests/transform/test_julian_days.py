"""Julian days, held against SQLite's own functions."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.transform.engine import Engine

ENGINE = Engine()
PRINTED = "SELECT strftime(timezone('UTC', cf_date_of_julian('julian_date', {}::DOUBLE)), '%Y-%m-%d %H:%M:%S.%g') AS at"


@settings(max_examples=30)
@given(st.integers(0, 253_402_300_799_000))
def test_as_sqlite_prints_them(millis: int) -> None:
    day = millis / 86_400_000 + 2_440_587.5
    with closing(sqlite3.connect(":memory:")) as connection:
        ((at,),) = connection.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', ?)", (day,))
    assert ENGINE.run(PRINTED.format(repr(day)), {}).to_pylist() == [{"at": at}]
