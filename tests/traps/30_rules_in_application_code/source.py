from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    db.command("collMod", "users", validator={"role": {"$in": ["admin", "user"]}}, validationLevel="moderate")
