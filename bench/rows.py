"""The rows of a document as somebody writes them by hand, column by column: what the mapping files say, in Python."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

Row = dict[str, Any]
Document = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def session_rows(document: Document) -> dict[str, Row]:
    row = {
        "id": _uuid(document["_id"]),
        "document_id": _uuid(document["document"]),
        "user_id": _uuid(document["user"]),
        "start_time": document["startTime"],
        "end_time": document.get("endTime"),
        "duration": document["duration"],
        "activity": document["activity"],
        "snapshots": document["snapshots"],
        "productivity": document["productivity"],
        "created_at": document["createdAt"],
    }
    return {"writing_sessions": row}


def user_rows(document: Document) -> dict[str, Row]:
    key = str(document["_id"])
    row = {
        "id": key,
        "username": document["username"],
        "email": document["email"],
        "password": document["password"],
        "role": document["role"].upper(),
        "current_streak": document["currentStreak"],
        "longest_streak": document["longestStreak"],
        "last_active_at": document.get("lastActiveAt"),
        "admin_status": document["adminStatus"].upper(),
        "created_at": document["createdAt"],
        "updated_at": document["updatedAt"],
    }
    return {
        "users": row,
        "profiles": {"user_id": key, **_profile(document["profile"])},
        "user_stats": {"user_id": key, **_stats(document["stats"])},
        "user_security": {"user_id": key, **_security(document["security"])},
    }


def _profile(profile: Document) -> Row:
    return {
        "first_name": profile.get("firstName"),
        "last_name": profile.get("lastName"),
        "avatar": profile.get("avatar"),
        "bio": profile.get("bio"),
        "location": profile.get("location"),
        "website": profile.get("website"),
        "experience_level": profile["experienceLevel"].upper(),
    }


def _stats(stats: Document) -> Row:
    return {
        "total_points": stats["totalPoints"],
        "level": stats["level"],
        "courses_completed": stats["coursesCompleted"],
        "labs_completed": stats["labsCompleted"],
        "games_completed": stats["gamesCompleted"],
        "achievements_earned": stats["achievementsEarned"],
        "average_score": stats.get("averageScore"),
    }


def _security(security: Document) -> Row:
    until = security.get("lockUntil")
    return {
        "email_verified": security["emailVerified"],
        "two_factor_enabled": security["twoFactorEnabled"],
        "two_factor_secret": security.get("twoFactorSecret"),
        "password_changed_at": security.get("passwordChangedAt"),
        "login_attempts": security["loginAttempts"],
        "lock_until": None if until is None else EPOCH + timedelta(milliseconds=until),
    }


def _uuid(key: ObjectId) -> uuid.UUID:
    return uuid.UUID(bytes=key.binary + bytes(4))


ROWS: dict[str, Callable[[Document], dict[str, Row]]] = {"writingsessions": session_rows, "users": user_rows}
