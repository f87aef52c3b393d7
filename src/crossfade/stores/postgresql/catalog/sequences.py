"""The options of a sequence that differ from PostgreSQL's defaults."""

from __future__ import annotations

from typing import Any

_GREATEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def sequence_options(row: Any, *, typed: bool = True) -> list[str]:
    """Return the options for a row of the query `sequences`. With `typed` false (identity columns) omit the type."""
    greatest, rises = _GREATEST[row.type], row.increment > 0
    minimum, maximum = (1, greatest) if rises else (-greatest - 1, -1)
    options = [f"AS {row.type}"] if typed and row.type != "bigint" else []
    options += [f"INCREMENT BY {row.increment}"] if row.increment != 1 else []
    options += [f"MINVALUE {row.minimum}"] if row.minimum != minimum else []
    options += [f"MAXVALUE {row.maximum}"] if row.maximum != maximum else []
    options += [f"START WITH {row.start}"] if row.start != (row.minimum if rises else row.maximum) else []
    options += [f"CACHE {row.cache}"] if row.cache != 1 else []
    return options + (["CYCLE"] if row.cycle else [])
