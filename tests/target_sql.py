"""Statements of a test in a transaction of an SQL target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from crossfade.stores.contract import TargetTransaction


def sql(tx: TargetTransaction, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run one statement with `:name` parameters, and return its rows. `{crossfade}` begins the journal's tables."""
    store = cast(Any, tx)
    prefix = "crossfade." if "postgresql" in type(tx).__module__ else "crossfade_"
    rows: list[tuple[Any, ...]] = store.execute(statement.replace("{crossfade}", prefix), values)
    return rows
