"""A thousand changes of one record."""

from __future__ import annotations

from typing import Any

import psycopg
import pymongo

from crossfade.model.events import RecordsApplied
from following import running


def test_a_thousand_changes_of_one_record(live: Any) -> None:
    with running(live.move) as run:
        with psycopg.connect(live.target.url) as hanging:  # so that it is always behind, however fast it is
            hanging.execute("LOCK TABLE items IN EXCLUSIVE MODE")
            live.db.items.bulk_write([pymongo.UpdateOne({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(1000)])
        live.becomes("SELECT id, n FROM items ORDER BY 1", [(1, 1000), (2, 0)])
        applied = sum(event.records for event in run.events if isinstance(event, RecordsApplied))
    assert applied < 100
    live.require_equal()
