"""The documents that are measured: made from a seed, the same on every machine, and fast enough to make a million.

    writingsessions  Scribe Tree's, about 300 bytes: ids, times, an object of counts, a short array
    users            Hack The World's, about 650 bytes: profile, stats and security settings nested
    reports          large ones, about 11 kB: a list of 60 entries, each with an object and a list in it

Run as a script it fills a database: `data.py URL ENTITY SCALE`. It is a process of its own so that the memory it
takes is not the bench's.
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pymongo
from bson import Int64, ObjectId, encode
from bson.raw_bson import RawBSONDocument

SEED = 20_240_607
SIZES = {"writingsessions": 1_000_000, "users": 200_000, "reports": 20_000}
PAGES = 60
BORN = datetime(2023, 9, 1)
AN_INSERT = 20_000

FIRST = "Ana Ben Chloé Dmitri Eun-ji Fatima Göran Hiro Inês Jürgen Kwame Lucía Miłosz Ngozi Óscar Priya 王伟".split()
LAST = "Smith García Müller Ivanov 김 Okafor Svensson Tanaka Silva Nguyễn O'Brien Kowalski Çelik 李 Dubois".split()
TOWNS = ("Lyon", "Kraków", "Nairobi", "São Paulo", "Busan", "Zürich", "Reykjavík", "Austin")
LEVELS = ("beginner", "intermediate", "advanced", "expert")
BIOS = (
    'Writes "small" tools; breaks bigger ones.',
    "Night owl — reverse engineering, networks, coffee. Learning Rust, slowly.",
    "Student of computer science, second year.\nPlays capture the flag on weekends with a team of four.",
    "Café, naïve cryptography and a back\\slash.",
)

Document = dict[str, Any]


def size_of(entity: str, scale: float) -> int:
    return max(1, int(SIZES[entity] * scale))


def documents(entity: str, scale: float) -> Iterator[bytes]:
    """Every document of an entity as BSON, in the order of its key."""
    rng = random.Random(f"{SEED} {entity}")
    make = MAKERS[entity]
    for number in range(size_of(entity, scale)):
        yield encode(make(number, rng.random))


def oid(kind: int, number: int) -> ObjectId:
    """As an application's are: the second, the process, a counter."""
    second = 1_693_526_400 + number // 3
    return ObjectId(struct.pack(">IIBBH", second, 0x5EED0000 + kind, 0, number >> 16, number & 0xFFFF))


def session(number: int, chance: Callable[[], float]) -> Document:
    start, seconds, added = _moment(chance), 60 + int(chance() * 5340), int(chance() * 600)
    made: Document = {
        "_id": oid(1, number),
        "document": oid(2, int(chance() * 100_000)),
        "user": oid(3, int(chance() * 50_000)),
        "startTime": start,
        "duration": seconds,
        "activity": {
            "wordsAdded": added,
            "wordsDeleted": added // 5,
            "charactersTyped": added * 6,
            "pastes": int(chance() * 3),
        },
        "snapshots": [{"wordCount": 20 * k, "stage": "draft"} for k in range(int(chance() * 2))],
        "productivity": {"wordsPerMinute": round(added * 60 / seconds, 2), "focusScore": int(chance() * 100)},
        "createdAt": start,
        "updatedAt": start + timedelta(seconds=seconds),
        "__v": 0,
    }
    if chance() < 0.95:
        made["endTime"] = made["updatedAt"]
    return made


def user(number: int, chance: Callable[[], float]) -> Document:
    first, last, longest = _one(FIRST, chance), _one(LAST, chance), int(chance() * 60)
    made = _moment(chance)
    return {
        "_id": oid(3, number),
        "username": f"{first.lower()}_{number}",
        "email": f"hacker.{number}@mail.example",
        "password": f"$2b$12${int(chance() * 2**53):022d}{int(chance() * 2**53):031d}",
        "role": "admin" if number % 100 == 99 else "student",
        "profile": _profile(number, first, last, chance),
        "stats": _stats(chance),
        "security": _security(made, chance),
        "currentStreak": int(chance() * (longest + 1)),
        "longestStreak": longest,
        "adminStatus": "suspended" if chance() < 0.1 else "active",
        "lastActiveAt": made + timedelta(seconds=int(chance() * 20_000_000)) if chance() < 0.9 else None,
        "createdAt": made,
        "updatedAt": made + timedelta(seconds=int(chance() * 30_000_000)),
        "__v": 0,
    }


def _profile(number: int, first: str, last: str, chance: Callable[[], float]) -> Document:
    made: Document = {
        "firstName": first,
        "lastName": last,
        "avatar": f"https://cdn.htw.example/avatars/{number}.png",
        "experienceLevel": _one(LEVELS, chance),
    }
    if chance() < 0.4:
        made |= {"bio": _one(BIOS, chance), "location": _one(TOWNS, chance)}
    if chance() < 0.2:
        made["website"] = f"https://{number}.example"
    return made


def _stats(chance: Callable[[], float]) -> Document:
    points = int(chance() * 20_000)
    made: Document = {
        "totalPoints": points,
        "level": points // 1000 + 1,
        "coursesCompleted": int(chance() * 8),
        "labsCompleted": int(chance() * 30),
        "gamesCompleted": int(chance() * 20),
        "achievementsEarned": int(chance() * 15),
    }
    if chance() < 0.7:
        made["averageScore"] = round(40 + chance() * 60, 2)
    return made


def _security(born: datetime, chance: Callable[[], float]) -> Document:
    made: Document = {"emailVerified": chance() < 0.8, "twoFactorEnabled": False, "loginAttempts": int(chance() * 5)}
    if chance() < 0.15:
        made |= {"twoFactorEnabled": True, "twoFactorSecret": f"{int(chance() * 2**53):032X}"}
    if made["loginAttempts"] == 4:  # a Number of the model, which a driver for JavaScript writes as a double
        made["lockUntil"] = float(1_700_000_000_000 + int(chance() * 10_000_000))
    if chance() < 0.3:
        made["passwordChangedAt"] = born + timedelta(days=30)
    return made


def report(number: int, chance: Callable[[], float]) -> Document:
    pages = [_page(page, chance) for page in range(PAGES)]
    return {"_id": Int64(number), "title": f"report {number}", "pages": pages}


def _page(number: int, chance: Callable[[], float]) -> Document:
    return {
        "number": number,
        "text": "word " * 8,
        "score": chance(),
        "tags": ["a", "b", f"tag{int(chance() * 9)}"],
        "at": _moment(chance),
        "by": {"id": oid(3, int(chance() * 50_000)), "name": _one(FIRST, chance), "admin": number % 7 == 0},
    }


MAKERS: dict[str, Callable[[int, Callable[[], float]], Document]] = {
    "writingsessions": session,
    "users": user,
    "reports": report,
}


def _moment(chance: Callable[[], float]) -> datetime:
    return BORN + timedelta(milliseconds=int(chance() * 31_536_000_000))


def _one(of: Any, chance: Callable[[], float]) -> Any:
    return of[int(chance() * len(of))]


def fill(url: str, entity: str, scale: float) -> None:
    """Fills the URL's database with one collection, from nothing."""
    with pymongo.MongoClient[Document](url) as client:
        collection = client.get_default_database()[entity]
        collection.drop()
        made = documents(entity, scale)
        while some := [RawBSONDocument(one) for one in islice(made, AN_INSERT)]:
            collection.insert_many(some, ordered=False)


if __name__ == "__main__":
    fill(sys.argv[1], sys.argv[2], float(sys.argv[3]))
