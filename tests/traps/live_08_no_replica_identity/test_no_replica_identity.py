"""The application's own writes must not fail."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from crossfade.errors import Refused
from following import Run, running

MADE = "SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)"


def test_a_table_without_a_key_is_not_published(live: Any) -> None:
    with pytest.raises(Refused) as refused:
        Run(live.move).ended()
    assert "items" in refused.value.message
    assert "--poll" in (refused.value.hint or "")
    live.write("UPDATE items SET name = 'c' WHERE id = 1", "DELETE FROM items WHERE id = 2")
    with psycopg.connect(live.source) as connection:
        assert connection.execute(MADE).fetchall() == [(0,)]


def test_it_can_be_polled(live: Any) -> None:
    live.write("DELETE FROM items WHERE id = 2")
    with running(live.move, poll=True):
        live.write("INSERT INTO items VALUES (3, 'c')")
        live.becomes("SELECT id, name FROM items ORDER BY 1", [(1, "a"), (3, "c")])
