"""Children that the source's own foreign key deletes."""

from __future__ import annotations

from typing import Any

from following import running


def test_children_that_a_cascade_deletes_are_followed(live: Any) -> None:
    with running(live.move):
        live.write("DELETE FROM parents WHERE id = 1")
        live.becomes("SELECT id FROM children", [(20,)])
    live.require_equal()
