from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    """Elements that say where they stood; long lists and short ones, in turn."""
    for n in range(60):
        size = 2500 if n == 7 else n % 5
        items = [{"at": i, "parts": [f"{i}.{j}" for j in range(i % 3)]} for i in range(size)]
        db.lists.insert_one({"_id": n, "items": items})
