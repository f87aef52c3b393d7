"""A move from MongoDB to MongoDB, with another model: what its tests share."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pymongo
from bson import Binary, Decimal128, Int64, ObjectId

SCHEMA = """
datasource db {
  provider = "mongodb"
  url      = env("TARGET_URL")
}
enum Role {
  ADMIN
  USER @map("user")
}
type Address {
  street String
  zip    String?
  geo    Float[]
}
type Line {
  sku   String
  n     Int
  price Decimal
}
model Person {
  id        String    @id @map("_id") @db.ObjectId
  email     String    @unique
  nick      String?   @unique
  role      Role
  home      Address?
  born      DateTime?
  visits    BigInt
  tags      String[]
  token     Bytes?
  extra     Json?
  friendIds String[]  @db.ObjectId
  orders    Order[]
  @@map("people")
}
model Order {
  id      String   @id @map("_id") @db.ObjectId
  buyerId String   @db.ObjectId
  buyer   Person   @relation(fields: [buyerId], references: [id])
  lines   Line[]
  paid    Boolean
  at      DateTime
  @@index([buyerId, at(sort: Desc)])
  @@map("orders")
}
model Line2 {
  order String
  n     Int
  sku   String
  @@id([order, n])
  @@map("lines")
}
"""
MAPPING = {
    "people": """
        SELECT u._id AS _id, u.email AS email, u.nick AS nick,
               CASE WHEN u.admin THEN 'ADMIN' ELSE 'user' END AS role,
               CASE WHEN present(u.address) THEN
                   {'street': u.address.street, 'zip': u.address.zip, 'geo': [u.address.lat, u.address.lon]}
               END AS home,
               u.born AS born, u.visits AS visits, list_of(u.tags) AS tags, u.token AS token,
               ejson_of(u.extra) AS extra, list_of(u.friends) AS "friendIds"
        FROM users AS u""",
    "orders": """
        SELECT o._id AS _id, o.user AS "buyerId", o.paid AS paid, o.at AS at,
               list_transform(o.lines, lambda l: {'sku': l.sku, 'n': l.n, 'price': l.price}) AS lines
        FROM orders AS o""",
    "lines": """
        SELECT oid_text(o._id) AS "order", l.line.n AS n, l.line.sku AS sku
        FROM orders AS o, unnest(o.lines) AS l(line)""",
}
SETTINGS = """
name = "people"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "schema.prisma"
limits.quarantine = 1.0
limits.chunk_mb = 0.01

[[discard]]
entity = "users"
path = "admin"
reason = "the role says it"
"""
USERS, ORDERS = 60, 120


def key(number: int) -> ObjectId:
    return ObjectId(number.to_bytes(12, "big"))


def user(i: int) -> dict[str, Any]:
    """User 7 has the e-mail of user 6, user 9 a nickname that is a number."""
    found: dict[str, Any] = {
        "_id": key(i),
        "email": f"u{6 if i == 7 else i}@x.org",
        "admin": i % 10 == 0,
        "born": dt.datetime(1990, 1, 1, 1, 2, 3, 456000) + dt.timedelta(days=i),
        "visits": Int64(i * 10**10),
        "tags": ["a", "b"][: i % 3],
        "token": Binary(bytes([0, i]), 0),
        "extra": {"k": i, "d": Decimal128("1.10"), "deep": [1, {"x": None}]},
        "friends": [key((i + 1) % USERS)],
    }
    if i % 3:
        found["nick"] = f"n{i}"
    if i % 4:
        found["address"] = {"street": f"S {i}", "zip": "1", "lat": 1.5, "lon": -0.0}
    if i % 5 == 0:
        found.pop("tags")
        found["tags"] = []
    return found


def order(i: int) -> dict[str, Any]:
    """Order 11 is of a user that never was."""
    lines = [{"sku": f"s{n}", "n": n, "price": Decimal128(f"{n}.{i:03d}")} for n in range(i % 4)]
    return {
        "_id": key(1000 + i),
        "user": key(999 if i == 11 else i % USERS),
        "paid": i % 2 == 0,
        "at": dt.datetime(2024, 1, 1) + dt.timedelta(milliseconds=i),
        "lines": lines,
    }


def fill(url: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        db = client.get_default_database()
        db.users.insert_many([user(i) for i in range(USERS)])
        db.orders.insert_many([order(i) for i in range(ORDERS)])


def project(folder: Path, schema: str = SCHEMA) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mapping").mkdir(parents=True)
    (folder / "schema.prisma").write_text(schema)
    (folder / "crossfade.toml").write_text(SETTINGS)
    for table, sql in MAPPING.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql)
    return folder


def everything(url: str, *, journal: bool = False) -> dict[str, list[Any]]:
    """Every document of the target, by collection; of the journal only what is the same for every run."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        db = client.get_default_database()
        names = [n for n in sorted(db.list_collection_names()) if not n.startswith("crossfade.")]
        found: dict[str, list[Any]] = {name: list(db[name].find().sort("_id")) for name in names}
        if journal:
            kept = {"entity": 1, "record_key": 1, "reason": 1, "target_column": 1, "state": 1, "raw": 1}
            found["quarantine"] = list(db["crossfade.quarantine"].find({}, {**kept, "_id": 0}).sort("record_key"))
        return found
