"""Version 4: what the move wrote is noted. Of rows written before nothing is known: they count as others'."""

from __future__ import annotations

from crossfade.stores.contract import Loader

_STATEMENT = "CREATE TABLE {crossfade}loaded (table_name TEXT NOT NULL, gone INTEGER NOT NULL, mark BYTEA)"


def migrate(tx: Loader, in_schema: bool, has_unique_keys: bool) -> None:
    """`in_schema` and `has_unique_keys` are of no interest here."""
    tx.execute(_STATEMENT)
