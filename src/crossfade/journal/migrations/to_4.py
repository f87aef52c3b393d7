"""Version 4: what the move wrote is noted (of rows written before nothing is known: they count as others'), and every
table has a key.
"""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction

_LOADED = (
    "CREATE TABLE {crossfade}loaded (id TEXT PRIMARY KEY, table_name TEXT NOT NULL, gone INTEGER NOT NULL, mark BYTEA)"
)
_CLEARING = (
    "CREATE TABLE {crossfade}clearing (id INTEGER PRIMARY KEY, place BIGINT NOT NULL, parents TEXT NOT NULL,"
    " changed TEXT NOT NULL, doomed BYTEA)"
)
_INTO = (
    "INSERT INTO {crossfade}clearing (id, place, parents, changed, doomed)"
    " VALUES (1, :place, :parents, :changed, :doomed)"
)


def migrate(tx: TargetTransaction, in_schema: bool, has_unique_keys: bool) -> None:
    """`in_schema` and `has_unique_keys` are of no interest here."""
    tx.execute(_LOADED)
    kept = tx.execute("SELECT place, parents, changed, doomed FROM {crossfade}clearing")
    tx.execute("DROP TABLE {crossfade}clearing")
    tx.execute(_CLEARING)
    for row in kept:
        tx.execute(_INTO, dict(zip(("place", "parents", "changed", "doomed"), row, strict=True)))
