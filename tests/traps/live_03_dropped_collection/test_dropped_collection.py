"""A dropped collection halts its entity, not the others."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.errors import Stale
from following import running, state, wait_for


def test_a_dropped_collection_halts_its_entity_alone(live: Any) -> None:
    with running(live.move):
        live.db.items.drop()
        live.db.others.update_one({"_id": 2}, {"$set": {"name": "goes on"}})
        live.becomes("SELECT name FROM others WHERE id = 2", [("goes on",)])
        wait_for(lambda: (found := state(live.move)) is not None and found.halted)
        assert [one.entity for one in halted(live)] == ["items"]
        assert len(live.rows("SELECT id FROM items")) == 3
    with pytest.raises(Stale), running(live.move):
        pass


def halted(live: Any) -> Any:
    found = state(live.move)
    assert found is not None
    return found.halted
