"""A long value that an UPDATE leaves as it is stays as it is."""

from __future__ import annotations

from typing import Any

from following import running


def test_a_long_value_survives_the_update_of_another_column(live: Any) -> None:
    with running(live.move):
        live.write("UPDATE items SET name = 'other' WHERE id < 3", "UPDATE items SET id = 30 WHERE id = 3")
        whole = "SELECT id, name, body = repeat(md5((id % 27)::text), 4000) FROM items ORDER BY 1"
        live.becomes(whole, [(1, "other", True), (2, "other", True), (30, "n3", True)])
    live.require_equal()
