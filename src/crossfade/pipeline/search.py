"""Find the records of rows that lead back to no record, by mapping all records.

This is needed only if the journal is older than its ledger.
"""

from __future__ import annotations

from typing import Any

from crossfade.journal.ledger import row_texts
from crossfade.model.owners import Owners
from crossfade.model.target import TargetTable
from crossfade.pipeline.narrow import narrow_transformer
from crossfade.runtime.records import record_key
from crossfade.runtime.session import Session


def records_of_rows(s: Session, owners: Owners, table: TargetTable, keys: Any) -> dict[str, tuple[str, str]]:
    """Return entity and key of the record that makes each row now, by the text of the row's primary key."""
    wanted, found = set(row_texts(table, keys)), dict[str, tuple[str, str]]()
    carrier = narrow_transformer(s, s.work.program.feeds[owners.entity], table.name, table.primary_key)
    for raw in s.reader.scan(owners.entity):
        batch = s.batch_of(owners.entity, raw)
        for part in carrier.map(batch).tables:
            for root, text in zip(part.roots.to_pylist(), row_texts(table, part.rows), strict=True):
                if text in wanted:
                    found[text] = owners.entity, record_key(batch, root)
    return found
