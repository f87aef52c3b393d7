"""Find the record that has a primary key which others want, in the target and the ledger, without mapping any again.

Of the records that want a key, the first by its own key gets it. For a record that was refused it is sufficient to know
one row that it wanted (`Entry.row_key`): if that row is of an earlier record, the record stays refused, whatever
happens to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa

from crossfade.journal import journal
from crossfade.journal.journal import OWN
from crossfade.journal.ledger import row_keys, row_texts
from crossfade.journal.refused import RefusedEntry
from crossfade.model.canonical import python_values
from crossfade.model.keys import in_order
from crossfade.model.owners import Owners
from crossfade.model.target import TargetTable
from crossfade.runtime.records import NO_KEY, OwnerValues, pieces, read
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction

Record = tuple[str, str]
"""The entity and the key of a record, as in the ledger."""


def undecided(s: Session, found: Sequence[RefusedEntry]) -> list[RefusedEntry]:
    """Return the entries whose records may have to be copied: no row that they wanted is known to be of an earlier
    record.
    """
    out = [h for h in found if h.row_key is None]
    wanting = [h for h in found if h.row_key not in (None, OWN)]
    for name, group in groupby(sorted(wanting, key=_table), key=_table):
        own = list(group)
        if (table := s.work.tables.get(name)) is None:
            out += own
        else:
            out += _not_later(s, own, keepers_of(s, table, [str(h.row_key) for h in own]))
    return out


def _table(entry: RefusedEntry) -> str:
    return entry.table or ""


def _not_later(s: Session, found: Sequence[RefusedEntry], keepers: Mapping[str, Record]) -> Iterator[RefusedEntry]:
    same: list[RefusedEntry] = []
    for entry in found:
        keeper, own = keepers.get(str(entry.row_key)), _order(entry.entity, _key(entry))
        if keeper is None or _order(*keeper) > own:
            yield entry
        elif _order(*keeper) == own and entry.key is not None:
            same.append(entry)
    for entity, group in groupby(same, key=lambda h: h.entity):
        yield from _not_later_by_digest(s, entity, list(group))


def _key(entry: RefusedEntry) -> str:
    return NO_KEY + entry.digest if entry.key is None else entry.key


def _order(entity: str, key: str) -> tuple[Any, ...]:
    return (entity, *in_order(None), key) if key.startswith(NO_KEY) else (entity, *in_order(key))


def _not_later_by_digest(s: Session, entity: str, found: Sequence[RefusedEntry]) -> Iterator[RefusedEntry]:
    """Decide between records with the same key: the digests are their order."""
    for piece in pieces(sorted({str(h.key) for h in found})):
        documents = read(s, entity, piece)
        with s.transaction() as tx:
            inside = {key: _inside(tx, entity, key, documents[key]) for key in piece}
        for entry in found:
            digests = inside.get(str(entry.key))
            if digests is not None and not (digests and max(digests) <= entry.digest):
                yield entry


def _inside(tx: TargetTransaction, entity: str, key: str, documents: Sequence[bytes]) -> Collection[str]:
    """Return the digests of the records with this key that are in the target."""
    return Counter(map(journal.digest_of, documents)) - journal.digests_outside(tx, entity, key)


def keepers_of(s: Session, table: TargetTable, texts: Sequence[str], *, search: bool = True) -> dict[str, Record]:
    """Return the records that made the rows with these primary keys, by the text of each, if they are known.

    Without `search` the keys of the source are not searched for owner values that do not lead to a key by themselves.
    """
    rows, found = row_keys(table, list(dict.fromkeys(texts))), dict[str, Record]()
    for owners in s.owners.values():
        if table.name in owners.ledger:
            with s.transaction() as tx:
                found |= s.ledger.records(tx, table, rows)
        elif table.name in owners.columns and (search or owners.tells_key):
            found |= _by_owner(s, owners, table, rows)
    return found


def _by_owner(s: Session, owners: Owners, table: TargetTable, rows: pa.Table) -> dict[str, Record]:
    column, key = owners.columns[table.name], list(table.primary_key)
    with s.transaction() as tx:
        there = tx.owned(table, rows, list(dict.fromkeys([*key, column])))
    if not there.num_rows:
        return {}
    keys = OwnerValues(s, owners).keys(there.column(column).combine_chunks())
    own = python_values(there.column(column))
    texts = row_texts(table, there.select(key))
    return {text: (owners.entity, keys[value]) for text, value in zip(texts, own, strict=True) if value in keys}
