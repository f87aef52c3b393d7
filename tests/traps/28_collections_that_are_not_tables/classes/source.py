from __future__ import annotations

import datetime
from typing import Any

import gridfs


def fill(db: Any) -> None:
    db.create_collection("log", capped=True, size=100_000)
    db.log.insert_many({"_id": n, "line": text} for n, text in ((3, "first"), (1, "second"), (2, "third")))
    db.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
    db.clustered.insert_many({"_id": n} for n in (2, 1))
    db.create_collection("weather", timeseries={"timeField": "at", "metaField": "place"})
    day = datetime.datetime(2024, 1, 1)
    db.weather.insert_many({"_id": n, "at": day, "place": "here", "t": n / 2} for n in (1, 2))
    db.people.insert_many([{"_id": 1, "age": 17}, {"_id": 2, "age": 18}])
    db.create_collection("adults", viewOn="people", pipeline=[{"$match": {"age": {"$gte": 18}}}])
    db.create_collection("empty")
    gridfs.GridFS(db, "photos").put(b"bytes", _id=1, filename="a.jpg")
    db["lonely.files"].insert_one({"_id": 1})
