"""The source refuses writes; the lag is proven all the same. It needs a server of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure
from trap import Trap, move_of, project_of

from crossfade.model.events import LagProven
from crossfade.testing import launch_mongodb, with_database
from following import running, wait_for


def test_the_lag_is_proven_while_writes_are_refused(trap: Trap, tmp_path: Path, pg_db: Any) -> None:
    server = launch_mongodb(tmp_path / "fenced")
    try:
        url = with_database(server.url, "app")
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.app.items.insert_many([{"_id": n, "n": 0} for n in range(3)])
            root = project_of(trap, tmp_path)
            with move_of(root, url, pg_db.url) as move:
                move.survey()
            with running(lambda: move_of(root, url, pg_db.url)) as run:
                client.app.items.update_one({"_id": 1}, {"$inc": {"n": 7}})
                client.admin.command({"setUserWriteBlockMode": 1, "global": True})
                with pytest.raises(OperationFailure):
                    client.app.items.update_one({"_id": 1}, {"$inc": {"n": 1}})
                proven = len(run.saw(LagProven))
                wait_for(lambda: len(run.saw(LagProven)) >= proven + 2)
                assert pg_db.execute("SELECT id, n FROM items ORDER BY 1") == [(0, 0), (1, 7), (2, 0)]
    finally:
        server.stop()
