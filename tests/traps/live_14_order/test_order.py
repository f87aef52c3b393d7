"""Changes of one batch whose order would matter."""

from __future__ import annotations

from typing import Any

from following import running


def test_changes_that_depend_on_each_other(live: Any) -> None:
    with running(live.move):
        live.write(
            "UPDATE parents SET code = CASE code WHEN 'a' THEN 'b' ELSE 'a' END WHERE code IN ('a', 'b')",
            "DELETE FROM parents WHERE id = 3",
            "INSERT INTO parents VALUES (3, 'c again')",
            "UPDATE children SET parent = 5 WHERE id = 20",
            "INSERT INTO parents VALUES (5, 'e')",
            "UPDATE parents SET id = 6 WHERE id = 4",
            "UPDATE children SET parent = 6 WHERE id = 40",
        )
        codes = [(1, "b"), (2, "a"), (3, "c again"), (5, "e"), (6, "d")]
        live.becomes("SELECT id, code FROM parents ORDER BY 1", codes)
        live.becomes("SELECT id, parent_id FROM children ORDER BY 1", [(10, 1), (20, 5), (30, 3), (40, 6)])
    live.require_equal()
