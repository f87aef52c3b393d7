from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    db.places.create_index([("at", "2dsphere")])
    db.places.create_index([("name", "text")])
    db.places.create_index([("$**", 1)])
    db.places.create_index([("name", 1), ("tags", -1)])
    db.places.create_index("name", name="one_name", unique=True, sparse=True)
