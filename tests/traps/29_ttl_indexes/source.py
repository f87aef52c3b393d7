from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    db.tokens.create_index("expires", expireAfterSeconds=0)
    db.tokens.create_index([("seen", 1)], name="idle", expireAfterSeconds=3600)
    db.other.create_index("n")
