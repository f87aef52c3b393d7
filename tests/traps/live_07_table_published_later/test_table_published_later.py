"""A mapping reads a second table from now on."""

from __future__ import annotations

from typing import Any

from following import running

BOTH = """
SELECT i.id AS id, i.name AS name FROM items AS i
UNION ALL
SELECT m.id AS id, m.name AS name FROM more AS m
"""
ROWS = "SELECT id, name FROM items ORDER BY 1"


def test_its_changes_are_followed(live: Any) -> None:
    with running(live.move):
        live.write("INSERT INTO more VALUES (3, 'c')")
    settings = live.root / "crossfade.toml"
    settings.write_text(settings.read_text().partition("[[discard]]")[0])
    (live.root / "mapping" / "items.sql").write_text(BOTH)
    with running(live.move):
        live.becomes(ROWS, [(1, "a"), (2, "b"), (3, "c")])
        live.write("UPDATE more SET name = 'd' WHERE id = 2", "INSERT INTO items VALUES (4, 'e')")
        live.becomes(ROWS, [(1, "a"), (2, "d"), (3, "c"), (4, "e")])
    live.require_equal()
