"""What was written while the slot was gone is found by comparing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from crossfade.stores.contract import PositionLost
from following import running, wait_for

DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
READ = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active"


def test_what_was_written_without_a_slot_is_found(live: Any) -> None:
    with running(live.move):
        live.write("UPDATE items SET name = 'seen' WHERE id = 1")
        live.becomes("SELECT name FROM items WHERE id = 1", [("seen",)])
    with psycopg.connect(live.source, autocommit=True) as connection:  # the server still has to notice the run's end
        wait_for(lambda: connection.execute(READ).fetchone() == (0,))
    live.write(DROP, "UPDATE items SET name = 'unseen' WHERE id = 2", "DELETE FROM items WHERE id = 3")
    with pytest.raises(PositionLost), running(live.move):
        pass
    with running(live.move):
        live.write("INSERT INTO items VALUES (99, 'after')")
        live.becomes("SELECT id, name FROM items WHERE id IN (2, 3, 99) ORDER BY 1", [(2, "unseen"), (99, "after")])
    live.require_equal()
