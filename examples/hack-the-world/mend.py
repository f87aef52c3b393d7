"""What the owner decides about the records in quarantine: each is changed, or deleted, in the old database.

The move follows, so a record that fits now arrives by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pymongo
from bson import json_util

from seeding import Document

Change = Callable[[Document], Document | None]
"""Return what to set (None: a field that goes), or None: the record is deleted."""


def values(**fields: Any) -> Change:
    return lambda document: fields


def longer(field: str) -> Change:
    """Another name, with the end of the id; in front, as an email must stay one."""
    return lambda document: {field: f"{str(document['_id'])[-6:]}_{document[field]}"}


def later(document: Document) -> Document:
    return {"order": document["order"] + 100 + int(str(document["_id"])[-2:], 16)}


def gone(document: Document) -> None:
    """A duplicate of what is there."""


WHERE_IT_FAILS: dict[str, Change] = {
    "users.username": longer("username"),
    "users.email": longer("email"),
    "users.role": values(role="student"),
    "users.password": values(password=""),
    "users.lastActiveAt": values(lastActiveAt=None),
    "profiles.bio": lambda document: {"profile.bio": document["profile"]["bio"].replace("\x00", "")},
    "profiles.experienceLevel": values(**{"profile.experienceLevel": "expert"}),
    "user_stats.totalPoints": values(**{"stats.totalPoints": 0}),
    "phases.order": later,
    "phases.title": longer("title"),
    "phases.difficultyLevel": values(difficultyLevel="expert"),
    "modules.phaseId, order": later,
    "modules.icon": values(icon="flag"),
    "content.type": values(type="game"),
    "content.moduleId, order": later,
    "content.duration": values(duration=None),
    "content.metadata": values(metadata=None),
    "user_enrollments.userId, moduleId": gone,
    "user_enrollments.timeSpent": values(timeSpent=0),
    "user_enrollments.grade": values(grade=None),
    "user_progress.userId, contentId": gone,
    "user_progress.status": values(status="not-started"),
    "user_progress.completedAt": lambda document: {"completedAt": document["updatedAt"]},
    "achievements.slug": longer("slug"),
    "achievements.requirements": values(requirements={"type": "labs", "target": 50, "description": "All of it."}),
    "user_achievements.userId, achievementId": gone,
    "user_achievements.progress": values(progress=2),
}


PARENTS = {
    "userId": "users",
    "phaseId": "phases",
    "moduleId": "modules",
    "contentId": "contents",
    "achievementId": "achievements",
}


def mend(url: str, quarantine: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Change or delete each record of `crossfade quarantine list --each --json`; return how many.

    What waits for a record that is there itself, in quarantine or not, needs no decision: it arrives after it.
    """
    done: Counter[str] = Counter()
    with pymongo.MongoClient[Document](url) as client:
        database = client.get_default_database()
        for entry in quarantine:
            collection, key = database[entry["entity"]], {"_id": json_util.loads(entry["key"])}
            document = collection.find_one(key, projection={"lastActiveAt": 0})  # beyond Python's dates
            if document is None:
                continue
            if entry["reason"] == "foreign_key":
                parent = {"_id": document[entry["column"]]}
                if database[PARENTS[entry["column"]]].find_one(parent, projection={"_id": 1}) is None:
                    done["deleted"] += collection.delete_one(key).deleted_count
                continue
            new = WHERE_IT_FAILS[f"{entry['table']}.{entry['column']}".replace('"', "")](document)
            if new is None:
                done["deleted"] += collection.delete_one(key).deleted_count
            else:
                done["changed"] += collection.update_one(key, _update(new)).modified_count
    return done


def _update(values: Document) -> Document:
    update: Document = {}
    for name, value in values.items():
        update.setdefault("$unset" if value is None else "$set", {})[name] = value
    return update
