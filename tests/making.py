"""Create a schema in a database as a move does, but without a journal."""

from __future__ import annotations

from collections.abc import Iterable

from crossfade.model.target import Step
from crossfade.stores.contract import need
from crossfade.stores.open import open_store


def make(url: str, steps: Iterable[Step]) -> None:
    """Runs each step in its own transaction."""
    with open_store(url) as store:
        for step in steps:
            with need(store.writer, store, "be written to").transaction() as tx:
                tx.run(step.sql)
