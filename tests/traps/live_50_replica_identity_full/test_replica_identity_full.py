"""The application's own UPDATE must not fail."""

from __future__ import annotations

from typing import Any

from following import running


def test_the_application_writes_on(live: Any) -> None:
    with running(live.move):
        live.write("UPDATE items SET name = 'c' WHERE id = 1", "DELETE FROM items WHERE id = 2")
        live.becomes("SELECT id, name FROM items", [(1, "c")])
    live.require_equal()
