"""Version 4: the journal records what the move wrote (earlier rows are unknown and count as those of others), and every
table has a key.
"""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_LOADED = JournalTable(
    "loaded", (C("id"), C("table_name"), C("gone", "integer"), C("mark", "bytes", nullable=True)), ("id",)
)
_CLEARING = JournalTable(
    "clearing",
    (C("id", "integer"), C("place", "bigint"), C("parents"), C("changed"), C("doomed", "bytes", nullable=True)),
    ("id",),
)


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    """Migrate. `has_unique_keys` is not used."""
    names = ("place", "parents", "changed", "doomed")
    tx.journal.create(_LOADED)
    rows = tx.journal.select(_CLEARING, names)
    tx.journal.drop(_CLEARING)
    tx.journal.create(_CLEARING)
    tx.journal.insert(_CLEARING, [{"id": 1, **dict(zip(names, row, strict=True))} for row in rows])
