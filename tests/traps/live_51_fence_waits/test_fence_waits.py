"""A transaction that only reads stays open. It needs a server of its own."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from pymongo.errors import WriteError

from crossfade.errors import Busy
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb


def test_a_fence_that_is_not_closed_in_time_is_gone() -> None:
    with mongodb() as server:
        url = with_database(server, "app")
        with pymongo.MongoClient[Any](url) as client, open_store(url) as store:
            items, fence = client.app.items, need(store.fence, store, "refuse writes")
            items.insert_one({"_id": 1})
            fence.take_over(1)
            with client.start_session() as session:
                session.start_transaction()
                assert items.find_one({"_id": 1}, session=session)
                with pytest.raises(Busy):
                    fence.close(1, seconds=1)
                assert not fence.state().closed
                items.insert_one({"_id": 2})
                session.abort_transaction()
            fence.close(1, seconds=120)
            with pytest.raises(WriteError):
                items.insert_one({"_id": 3})
            fence.remove()
