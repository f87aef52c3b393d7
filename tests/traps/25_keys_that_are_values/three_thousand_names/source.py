from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    for n in range(30):
        db.stats.insert_one({"_id": n, "months": {f"{n}-{m}": {"sold": m} for m in range(100)}})
