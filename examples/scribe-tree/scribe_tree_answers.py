"""How Scribe Tree's API prints values, from either store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import ObjectId

from crossfade_ids import object_id_in, uuid_of


def plain(value: Any) -> Any:
    """As the API prints it: ids as hex digits, times with milliseconds, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return old_id(value)
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else float(value)
    return str(value) if isinstance(value, ObjectId) else value


def old_id(value: UUID | None) -> str | None:
    """The id that the API has always shown: the ObjectId that the UUID holds. (Three notifications had another id.)"""
    if value is None:
        return None
    held = object_id_in(value)
    return held.hex() if held is not None else str(value)


def new_id(text: str) -> UUID:
    """The UUID that holds this ObjectId: Crossfade gives the same one."""
    made = uuid_of(ObjectId(text))
    assert made is not None  # it is for None alone
    return made


def now() -> datetime:
    """With milliseconds: what both databases can hold."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def counted(content: str) -> dict[str, Any]:
    """What a document's metadata say of its content."""
    return {"wordCount": len(content.split()), "characterCount": len(content), "readingTime": len(content) / 1200}


def session_of(content: str, seconds: int) -> dict[str, Any]:
    """What is measured of a writing session."""
    words = len(content.split())
    activity = {"wordsAdded": words, "wordsDeleted": 0, "charactersTyped": len(content), "pastes": 0, "pauses": [5]}
    return {"activity": activity, "productivity": {"wordsPerMinute": words * 60 / seconds, "focusScore": 80}}


def stages_of(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Writing stages as they are stored."""
    return [
        {
            "_id": ObjectId(),
            **{name: stage[name] for name in ("name", "order", "description", "requiredDuration")},
            "aiAssistance": {
                "allowedActions": stage["allowedActions"],
                "maxInteractions": 5,
                "reflectionRequired": True,
            },
        }
        for stage in stages
    ]


REQUIREMENTS = {"minWords": 300, "maxWords": 900}


def notice_of(assignment: str, title: str, author: str) -> dict[str, Any]:
    """What an instructor is told when somebody submits."""
    return {
        "type": "submission_received",
        "category": "academic",
        "priority": "normal",
        "title": "New submission received",
        "message": f"{title}, by {author}",
        "status": "unread",
        "context": {"assignment": assignment, "link": f"/assignments/{assignment}"},
    }
