"""The old store: documents as eight Mongoose models have written them in some years, read as the mappings read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from hack_the_world_app.store import Kind, Record, Repository, Store, T

COLLECTIONS: dict[Kind, str] = {
    "enrollments": "userenrollments",
    "progress": "userprogresses",
    "earned": "userachievements",
}
REFERENCES = ("userId", "moduleId", "contentId", "achievementId")
SHOWN = {"isActive": True, "type": {"$regex": "^(video|lab|game|document)$", "$options": "i"}}
"""There is no page for other types of contents."""
EPOCH = datetime(1970, 1, 1)
BY = {"streak": ("$currentStreak", 0), "points": ("$stats.totalPoints", -1)}  # and what is too little to be shown


class MongoStore:
    def __init__(self, url: str) -> None:
        self._client = pymongo.MongoClient[Record](url, datetime_conversion="DATETIME_CLAMP")
        self._database = self._client.get_default_database()

    def read(self, work: Callable[[Repository], T]) -> T:
        return work(MongoRepository(self._database))

    def transaction(self, work: Callable[[Repository], T]) -> T:
        with self._client.start_session() as session:
            return session.with_transaction(lambda session: work(MongoRepository(self._database, session)))


class MongoRepository:
    def __init__(self, database: Database[Record], session: ClientSession | None = None) -> None:
        self._database, self._session = database, session

    def user(self, user_id: str) -> Record | None:
        return self._one("users", {"_id": ObjectId(user_id)}, _user)

    def user_with(self, field: Literal["username", "email"], value: str) -> Record | None:
        return self._one("users", {field: value}, _user)

    def add_user(self, user: Record) -> None:
        self._database["users"].insert_one({**_document(user), "__v": 0}, session=self._session)

    def change_user(self, user_id: str, values: Mapping[str, Any]) -> None:
        self._change("users", user_id, values)

    def leaders(self, by: Literal["streak", "points"], limit: int) -> Sequence[Record]:
        """Some numbers are text, some dates too, and `Student` is a student: compared as they were meant."""
        path, too_little = BY[by]
        compared = {"value": _converted(path, "long", 0), "active": _converted("$lastActiveAt", "date", None)}
        stages: list[Record] = [
            {"$match": {"role": {"$regex": "^student$", "$options": "i"}}},
            {"$addFields": compared},
            {"$match": {"value": {"$gt": too_little}}},
            {"$sort": {"value": -1, **({"active": -1} if by == "streak" else {}), "_id": 1}},
            {"$limit": limit},
        ]
        return [_user(one) for one in self._database["users"].aggregate(stages, session=self._session)]

    def modules(self) -> Sequence[Record]:
        """There is no way to a module of a phase that was deleted."""
        phases = self._database["phases"].distinct("_id", session=self._session)
        asked = {"isActive": True, "phaseId": {"$in": phases}}
        found = map(_module, self._database["modules"].find(asked, session=self._session))
        return sorted(found, key=lambda one: (one["phaseId"], one["order"], one["id"]))

    def contents(self, module_id: str) -> Sequence[Record]:
        asked = {"moduleId": {"$in": [ObjectId(module_id), module_id]}, **SHOWN}
        found = map(_content, self._database["contents"].find(asked, session=self._session))
        return sorted(found, key=lambda one: (one["order"], one["id"]))

    def content(self, content_id: str) -> Record | None:
        return self._one("contents", {"_id": ObjectId(content_id), **SHOWN}, _content)

    def achievements(self) -> Sequence[Record]:
        """Nobody gets a retired one, nor one that does not say for what."""
        asked = {"isActive": True, "category": {"$ne": "retired"}, "requirements": {"$ne": None}}
        found = self._database["achievements"].find(asked, sort=[("_id", 1)], session=self._session)
        return [_picked(one, "slug", "requirements", "rewards") for one in found]

    def of_user(self, kind: Kind, user_id: str) -> Sequence[Record]:
        """The first release wrote `userid`, and the second the id as text."""
        user = ObjectId(user_id)
        asked = {"$or": [{"userId": {"$in": [user, user_id]}}, {"userid": user}]}
        return [
            READ[kind](one)
            for one in self._database[COLLECTIONS[kind]].find(asked, sort=[("_id", 1)], session=self._session)
        ]

    def add(self, kind: Kind, record: Record) -> None:
        self._database[COLLECTIONS[kind]].insert_one({**_document(record), "__v": 0}, session=self._session)

    def change(self, kind: Kind, record_id: str, values: Mapping[str, Any]) -> None:
        self._change(COLLECTIONS[kind], record_id, values)

    def _one(self, collection: str, asked: Record, read: Callable[[Record], Record]) -> Record | None:
        found = self._database[collection].find_one(asked, session=self._session)
        return None if found is None else read(found)

    def _change(self, collection: str, record_id: str, values: Mapping[str, Any]) -> None:
        """What is None is no field."""
        update: Record = {}
        for path, value in values.items():
            update.setdefault("$unset" if value is None else "$set", {})[path] = _stored(path, value)
        self._database[collection].update_one({"_id": ObjectId(record_id)}, update, session=self._session)


def _document(record: Mapping[str, Any]) -> Record:
    """Return a record as Mongoose stores it: no field for None."""
    return {
        "_id" if name == "id" else name: ObjectId(value) if name == "id" else _stored(name, value)
        for name, value in record.items()
        if value is not None
    }


def _stored(path: str, value: Any) -> Any:
    name = path.rpartition(".")[2]
    if isinstance(value, dict):
        return _document(value)
    if name in REFERENCES:
        return ObjectId(value)
    if name == "lockUntil" and value is not None:
        return float((value - EPOCH) // timedelta(milliseconds=1))
    return value


def _converted(path: str, kind: str, otherwise: Any) -> Record:
    return {"$convert": {"input": path, "to": kind, "onError": otherwise, "onNull": otherwise}}


def _user(document: Record) -> Record:
    profile, stats, security = (document.get(part) for part in ("profile", "stats", "security"))
    stats, security = stats or {}, security or {}
    locked = security.get("lockUntil")
    return {
        **_picked(document, "username", "email", "password"),
        "role": document["role"].lower(),
        "profile": _profile(profile) if isinstance(profile, dict) else None,
        "stats": {
            "totalPoints": _whole(stats.get("totalPoints")) or 0,
            "level": stats.get("level", 1),
            **{name: stats.get(name) or 0 for name in ("coursesCompleted", "labsCompleted", "gamesCompleted")},
            "achievementsEarned": stats.get("achievementsEarned") or 0,
            "averageScore": _number(stats.get("averageScore")),
        },
        "security": {
            **{name: bool(security.get(name)) for name in ("emailVerified", "twoFactorEnabled")},
            "loginAttempts": security.get("loginAttempts") or 0,
            "lockUntil": None if locked is None else EPOCH + timedelta(milliseconds=locked),
        },
        "currentStreak": _whole(document.get("currentStreak")) or 0,
        "longestStreak": _whole(document.get("longestStreak")) or 0,
        "lastActiveAt": _date(document.get("lastActiveAt")),
        "adminStatus": (document.get("adminStatus") or "active").lower(),
    }


def _profile(document: Record) -> Record:
    names = ("firstName", "lastName", "avatar", "bio", "location", "website")
    level = (document.get("experienceLevel") or "beginner").lower()
    return {**{name: document.get(name) for name in names}, "experienceLevel": level}


def _module(document: Record) -> Record:
    topics = document["topics"]
    return {
        **_picked(document, "title", "description", "order"),
        "phaseId": str(document["phaseId"]),
        "difficulty": document["difficulty"].lower(),
        "duration": str(document.get("duration") or "0 hours"),
        "topics": topics if isinstance(topics, list) else [topics],
    }


def _content(document: Record) -> Record:
    return {
        **_picked(document, "title", "section", "order", "url", "metadata"),
        "moduleId": str(document["moduleId"]),
        "type": document["type"].lower(),
        "duration": _whole(document.get("duration")) or 0,
    }


def _enrollment(document: Record) -> Record:
    names = ("completedAt", "lastAccessedAt", "completedSections", "totalSections", "timeSpent", "certificateIssued")
    return {
        **_picked(document, *names, "feedback", *KEPT),
        "userId": str(document.get("userId") or document["userid"]),
        "moduleId": str(document["moduleId"]),
        "status": document["status"].lower(),
        "enrolledAt": document.get("enrolledAt") or document["createdAt"],
        "progressPercentage": _rounded(document["progressPercentage"]),
        "grade": _whole(document.get("grade")),
    }


def _progress(document: Record) -> Record:
    return {
        **_picked(document, "progressPercentage", "startedAt", "lastAccessedAt", "notes", *KEPT),
        **{name: str(document[name]) for name in ("userId", "contentId", "moduleId")},
        "contentType": document["contentType"].lower(),
        "status": document["status"].lower(),
        "timeSpent": _rounded(document["timeSpent"]),
        "lastPosition": _rounded(document.get("lastPosition")),
        "score": _whole(document.get("score")),
        "attempts": document.get("attempts") or 0,
        "completedAt": _date(document.get("completedAt")),
    }


def _earned(document: Record) -> Record:
    return {
        **_picked(document, "progress", "completedAt", "earnedRewards", "notificationSent", *KEPT),
        "userId": str(document["userId"]),
        "achievementId": str(document["achievementId"]),
        "isCompleted": bool(document.get("isCompleted")),
    }


KEPT = ("isActive", "createdAt", "updatedAt")
READ: dict[Kind, Callable[[Record], Record]] = {
    "enrollments": _enrollment,
    "progress": _progress,
    "earned": _earned,
}


def _picked(document: Record, *names: str) -> Record:
    return {"id": str(document["_id"]), **{name: document.get(name) for name in names}}


def _whole(value: Any) -> int | None:
    """A duration of `a while` is none that can be shown."""
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def _rounded(value: float | None) -> int | None:
    """A half is rounded up, as in SQL: Python's round() takes the even neighbour."""
    return None if value is None else math.floor(value + 0.5)


def _number(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or math.isnan(value) else float(value)


def _date(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    try:
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return None


_: type[Store] = MongoStore
