"""pymongoarrow, over the same batches in memory: `arrow_read.py ENTITY`. Runs in an environment of its own.

It is done as its find_arrow_all does it with each reply of the server: a context of the schema, fed, finished. The
fields are those that our readers are asked for; as it knows no dotted paths, objects are structs of them.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from bson import ObjectId
from pyarrow import int32
from pymongoarrow.context import PyMongoArrowContext  # type: ignore[import-not-found, unused-ignore]
from pymongoarrow.schema import Schema  # type: ignore[import-not-found, unused-ignore]

from passes import report

INT = int32()  # as the documents have it
SCHEMAS: dict[str, dict[str, Any]] = {
    "writingsessions": {
        **dict.fromkeys(("_id", "document", "user"), ObjectId),
        **dict.fromkeys(("startTime", "endTime", "createdAt"), datetime),
        "duration": INT,
        "activity": dict.fromkeys(("wordsAdded", "wordsDeleted", "charactersTyped", "pastes"), INT),
        "snapshots": [{"wordCount": INT, "stage": str}],
        "productivity": {"wordsPerMinute": float, "focusScore": INT},
    },
    "users": {
        "_id": ObjectId,
        **dict.fromkeys(("username", "email", "password", "role", "adminStatus"), str),
        **dict.fromkeys(("lastActiveAt", "createdAt", "updatedAt"), datetime),
        **dict.fromkeys(("currentStreak", "longestStreak"), INT),
        "profile": dict.fromkeys(
            ("firstName", "lastName", "avatar", "experienceLevel", "bio", "location", "website"), str
        ),
        "stats": {
            **dict.fromkeys(("totalPoints", "level", "coursesCompleted", "labsCompleted"), INT),
            **dict.fromkeys(("gamesCompleted", "achievementsEarned"), INT),
            "averageScore": float,
        },
        "security": {
            **dict.fromkeys(("emailVerified", "twoFactorEnabled"), bool),
            "loginAttempts": INT,
            "twoFactorSecret": str,
            "lockUntil": float,
            "passwordChangedAt": datetime,
        },
    },
    "reports": {
        "_id": int,
        "title": str,
        "pages": [{"number": INT, "text": str, "score": float, "tags": [str], "at": datetime, "by": {"id": ObjectId}}],
    },
}


def tables(schema: Schema, batches: list[bytes]) -> int:
    rows = 0
    for batch in batches:
        context = PyMongoArrowContext(schema)
        context.process_bson_stream(batch)
        rows += context.finish().num_rows
    return rows


if __name__ == "__main__":
    asked = Schema(SCHEMAS[sys.argv[1]])
    report(lambda batches: tables(asked, batches))
