"""The values by which looked-up records were joined, for lookups whose records name their roots.

When such a record changes, the roots that it names now are found in the source; those that it named before are found
only here. A value is noted in the transaction that writes the rows of the roots.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from crossfade.journal.tables import USED
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is, OneOf

Use = tuple[str, str, str, str]
"""Entity and path of a lookup, the key of a looked-up record, and its value at the path."""

_COLUMNS = ("entity", "path", "record_key", "value")


def note(tx: TargetTransaction, uses: Iterable[Use]) -> None:
    tx.journal.insert(USED, [dict(zip(_COLUMNS, use, strict=True)) for use in sorted(set(uses))], keep=True)


def values(tx: TargetTransaction, entity: str, path: str, keys: Collection[str]) -> set[str]:
    """Return the values by which these records were joined."""
    where = (Is("entity", entity), Is("path", path), OneOf("record_key", sorted(keys)))
    return {value for (value,) in tx.journal.select(USED, ("value",), where)}


def forget(tx: TargetTransaction, entity: str, keys: Collection[str]) -> None:
    """Forget these records, because all roots that they concern are to be read again."""
    tx.journal.delete(USED, (Is("entity", entity), OneOf("record_key", sorted(keys))))
