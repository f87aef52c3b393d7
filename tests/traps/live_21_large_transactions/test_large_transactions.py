"""One transaction of very many rows."""

from __future__ import annotations

from typing import Any

from following import running


def test_one_transaction_of_four_thousand_rows(live: Any) -> None:
    with running(live.move):
        live.write("UPDATE items SET name = name || '!'", "DELETE FROM items WHERE id % 10 = 0")
        live.becomes("SELECT count(*), count(*) FILTER (WHERE name = 'n' || id || '!') FROM items", [(3600, 3600)])
    live.require_equal()
