"""What the source cannot store, as `status` groups it."""

from __future__ import annotations

from pathlib import Path

from crossfade.journal import journal, returned
from crossfade.journal.returned import SetAside
from crossfade.stores.contract import need
from crossfade.stores.open import open_store


def test_each_cause_says_where_it_is(tmp_path: Path) -> None:
    """A value for which the record has no place has a path in it, and neither table nor column."""
    aside = [
        SetAside("loans", "1", "precision", "d", path="back"),
        SetAside("loans", "2", "precision", "e", path="back"),
        SetAside("loans", "3", "no_way_back", "f", "loans", "fine"),
        SetAside("loans", "4", "no_way_back", "g", "loans"),
    ]
    with open_store(f"sqlite:///{tmp_path / 't.db'}") as store:
        journal.create(store)
        with need(store.writer, store, "be written to").transaction() as tx:
            returned.put_back(tx, {(one.entity, one.key): True for one in aside}, aside)
            found = returned.causes(tx)
    assert sorted(found) == [
        ("loans", "no_way_back", "loans", 1),
        ("loans", "no_way_back", "loans.fine", 1),
        ("loans", "precision", "back", 2),
    ]
