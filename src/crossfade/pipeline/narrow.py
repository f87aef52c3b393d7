"""Transformers that make only some columns of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossfade.model.program import Branch, Feed
from crossfade.model.shape import Path
from crossfade.runtime.session import Session
from crossfade.transform.transform import Transformer


def narrow_transformer(s: Session, feed: Feed, table: str, columns: Sequence[str]) -> Transformer:
    """Return a transformer for the rows of one table, with only some of their columns."""
    branches = [
        replace(
            b,
            sql=b.narrow.sql(*columns),
            outputs=tuple(columns),
            narrow=replace(b.narrow, outputs={name: b.narrow.outputs[name] for name in columns}),
            straight={},
            computed=None,
        )
        for b in feed.branches
        if b.table == table
    ]
    reduced = Feed(feed.entity, feed.columns, tuple(branches), valid_json=feed.valid_json)
    return Transformer(reduced, s.work.tables, s.engine, s.transformer(feed.entity).lookups)


def follows_from_key(branch: Branch, columns: Sequence[str], key_path: Path) -> bool:
    """Return whether these columns depend on the record's key only: then a scan of the keys finds the record."""
    steering = [u for u in branch.uses if u.output in ("", *columns)]
    return branch.one_row and not branch.lookups and all(u.path == key_path for u in steering)
