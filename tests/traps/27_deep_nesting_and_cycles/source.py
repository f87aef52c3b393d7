from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    """Ninety objects and arrays in one another."""
    deep: Any = "the bottom"
    for level in range(90):
        deep = {"d": deep} if level % 2 else [deep]
    db.people.insert_one({"_id": 6, "team": 1, "deep": deep})
