"""The recipe of docs/howto/mixed-types.md."""

from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    db.users.insert_many({"_id": n, "city": city} for n, city in enumerate(["Bern", "Aarau", "Bern", None]))
    is_text = {"$match": {"city": {"$type": "string"}}}
    list(db.users.aggregate([is_text, {"$group": {"_id": "$city"}}, {"$out": "cities"}]))
