from __future__ import annotations

from typing import Any


def fill(db: Any) -> None:
    db.people.insert_many([{"_id": 1, "age": 17}, {"_id": 2, "age": 18}])
    db.create_collection("adults", viewOn="people", pipeline=[{"$match": {"age": {"$gte": 18}}}])
