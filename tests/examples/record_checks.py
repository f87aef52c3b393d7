"""One record of each system, written by hand: as in the source, and the expected rows.

Nothing here is computed by what is tested: the UUIDs are spelled from the ObjectIds' digits, the dates from the
documents.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pymongo
from bson import ObjectId
from systems import Project, Route

MADE = datetime(2023, 9, 1, 6, 0, 33, 757000, tzinfo=UTC)
COURSE: dict[str, Any] = {
    "_id": ObjectId("64f17e01936e5cc502000003"),
    "title": "It Turns Public Last Breaks Letter",
    "description": "Against early signal new café within quiet follows protocol for character to. "
    "Last reader scene evidence the turns method.",
    "subject": "Media Studies",
    "instructor": ObjectId("64f17e4e7dfb4cf67700000a"),
    "students": [
        ObjectId("64f17efe7dfb4cf67700001a"),
        ObjectId("64f17f097dfb4cf67700001b"),
        ObjectId("64f17f147dfb4cf67700001c"),
        ObjectId("64f17f1f7dfb4cf67700001d"),
        ObjectId("64f17deb7dfb4cf677000001"),
        ObjectId("64f17df67dfb4cf677000002"),
        ObjectId("64f17e017dfb4cf677000003"),
    ],
    "isPublic": False,
    "maxStudents": 40,
    "startDate": datetime(2023, 9, 20, tzinfo=UTC),
    "endDate": datetime(2023, 12, 7, tzinfo=UTC),
    "settings": {
        "allowLateSubmissions": True,
        "requireApproval": False,
        "aiPolicy": {"enabled": True, "stages": ["brainstorming", "outlining"], "dailyLimit": 5},
    },
    "status": "active",
    "isActive": True,
    "enrollmentCode": "D0000003",
    "tags": ["memoir", "journalism"],
    "createdAt": MADE,
    "updatedAt": datetime(2023, 10, 19, 10, 21, 33, 757000, tzinfo=UTC),
    "__v": 0,
}
COURSE_ROW: dict[str, Any] = {
    "id": uuid.UUID("64f17e01-936e-85cc-8502-000003cf01d0"),
    "title": "It Turns Public Last Breaks Letter",
    "description": "Against early signal new café within quiet follows protocol for character to. "
    "Last reader scene evidence the turns method.",
    "subject": "Media Studies",
    "instructor_id": uuid.UUID("64f17e4e-7dfb-84cf-8677-00000acf01d0"),
    "is_public": False,
    "max_students": 40,
    "start_date": date(2023, 9, 20),
    "end_date": date(2023, 12, 7),
    "settings": {
        "allowLateSubmissions": True,
        "requireApproval": False,
        "aiPolicy": {"enabled": True, "stages": ["brainstorming", "outlining"], "dailyLimit": 5},
    },
    "status": "active",
    "is_active": True,
    "enrollment_code": "D0000003",
    "tags": ["memoir", "journalism"],
    "created_at": MADE,
    "updated_at": datetime(2023, 10, 19, 10, 21, 33, 757000, tzinfo=UTC),
}
IDS = uuid.UUID("6bc8a9b0-1d3f-5a5e-9c0f-cf01d0c0ffee")
ENROLLMENT_ROWS: list[dict[str, Any]] = [
    {
        "id": uuid.uuid5(IDS, f"33:objectId:64f17e01936e5cc50200000333:objectId:{object_id}"),
        "course_id": uuid.UUID("64f17e01-936e-85cc-8502-000003cf01d0"),
        "student_id": uuid.UUID(student_id),
        "enrolled_at": MADE,
        "status": "active",
    }
    for object_id, student_id in (
        ("64f17deb7dfb4cf677000001", "64f17deb-7dfb-84cf-8677-000001cf01d0"),
        ("64f17df67dfb4cf677000002", "64f17df6-7dfb-84cf-8677-000002cf01d0"),
        ("64f17e017dfb4cf677000003", "64f17e01-7dfb-84cf-8677-000003cf01d0"),
        ("64f17efe7dfb4cf67700001a", "64f17efe-7dfb-84cf-8677-00001acf01d0"),
        ("64f17f097dfb4cf67700001b", "64f17f09-7dfb-84cf-8677-00001bcf01d0"),
        ("64f17f147dfb4cf67700001c", "64f17f14-7dfb-84cf-8677-00001ccf01d0"),
        ("64f17f1f7dfb4cf67700001d", "64f17f1f-7dfb-84cf-8677-00001dcf01d0"),
    )
]

LEILA = "64f17e907dfb4cf677000010"
JOINED = datetime(2023, 9, 1, 6, 2, 56, 704000)
CHANGED = datetime(2023, 9, 12, 19, 8, 56, 704000)
USER: dict[str, Any] = {
    "_id": ObjectId(LEILA),
    "username": "leila_16",
    "email": "leila.16@mail.example",
    "password": "$2b$12$MIeJAgR/DIbszF5h1ERIQRoTBa2sjR/IkUqziZcsipvNaLGdMPAze",
    "role": "student",
    "profile": {
        "firstName": "Leila",
        "lastName": "Xu",
        "avatar": "https://cdn.htw.example/avatars/16.png",
        "experienceLevel": "intermediate",
        "bio": "Memory signal turns holds theme and on keeps strong because.",
        "location": "Reveals",
        "website": "https://leila16.example",
    },
    "stats": {
        "totalPoints": 19428,
        "level": 20,
        "coursesCompleted": 7,
        "labsCompleted": 26,
        "gamesCompleted": 10,
        "achievementsEarned": 0,
        "averageScore": 69.11,
    },
    "security": {"emailVerified": True, "twoFactorEnabled": False, "loginAttempts": 5, "lockUntil": 1693555376704.0},
    "currentStreak": 30,
    "longestStreak": 36,
    "adminStatus": "active",
    "lastActiveAt": datetime(2024, 4, 13, 6, 2, 56, 704000, tzinfo=UTC),
    "createdAt": JOINED.replace(tzinfo=UTC),
    "updatedAt": CHANGED.replace(tzinfo=UTC),
    "__v": 0,
}
STAMPS = {"createdAt": JOINED, "updatedAt": CHANGED}
USER_ROWS: dict[str, dict[str, Any]] = {
    "users": {
        "id": LEILA,
        "username": "leila_16",
        "email": "leila.16@mail.example",
        "password": "$2b$12$MIeJAgR/DIbszF5h1ERIQRoTBa2sjR/IkUqziZcsipvNaLGdMPAze",
        "role": "STUDENT",
        "currentStreak": 30,
        "longestStreak": 36,
        "lastActiveAt": datetime(2024, 4, 13, 6, 2, 56, 704000),
        "adminStatus": "ACTIVE",
        **STAMPS,
    },
    "profiles": {
        "id": LEILA,
        "userId": LEILA,
        "firstName": "Leila",
        "lastName": "Xu",
        "avatar": "https://cdn.htw.example/avatars/16.png",
        "bio": "Memory signal turns holds theme and on keeps strong because.",
        "location": "Reveals",
        "website": "https://leila16.example",
        "experienceLevel": "INTERMEDIATE",
        **STAMPS,
    },
    "user_stats": {
        "id": LEILA,
        "userId": LEILA,
        "totalPoints": 19428,
        "level": 20,
        "coursesCompleted": 7,
        "labsCompleted": 26,
        "gamesCompleted": 10,
        "achievementsEarned": 0,
        "averageScore": 69.11,
        **STAMPS,
    },
    "user_security": {
        "id": LEILA,
        "userId": LEILA,
        "emailVerified": True,
        "twoFactorEnabled": False,
        "twoFactorSecret": None,
        "passwordChangedAt": None,
        "passwordResetToken": None,
        "passwordResetExpires": None,
        "loginAttempts": 5,
        "lockUntil": datetime(2023, 9, 1, 8, 2, 56, 704000),
        **STAMPS,
    },
}


def assert_record_on_both_sides(route: Route, project: Project) -> None:
    if route.example == "scribe-tree":
        assert_in_source(route, project, "courses", COURSE)
        course = "'64f17e01-936e-85cc-8502-000003cf01d0'"
        assert project.rows(f"SELECT * FROM courses WHERE id = {course}") == [COURSE_ROW]
        enrollments = f"SELECT * FROM course_enrollments WHERE course_id = {course} ORDER BY student_id"
        assert project.rows(enrollments) == ENROLLMENT_ROWS
    else:
        assert_in_source(route, project, "users", USER)
        for table, row in USER_ROWS.items():
            if route.target == "mongodb":
                assert list(_document(project, table).items()) == list(_as_documents_hold(row).items())
                continue
            expected = _as_sqlite_holds(row) if route.target == "sqlite" else row
            assert project.rows(f"SELECT * FROM {table} WHERE id = '{LEILA}'") == [expected]


def assert_in_source(route: Route, project: Project, entity: str, document: dict[str, Any]) -> None:
    """A server gives the document to everyone; in a dump it is what seed.py wrote."""
    if route.source != "mongodb":
        return
    with pymongo.MongoClient[dict[str, Any]](project.environment["SOURCE_URL"], tz_aware=True) as client:
        found = client.get_default_database()[entity].find_one({"_id": document["_id"]})
    assert found == document


def _document(project: Project, table: str) -> dict[str, Any]:
    with pymongo.MongoClient[dict[str, Any]](project.environment["TARGET_URL"]) as client:
        found = client.get_default_database()[table].find_one({"_id": LEILA})
    assert found is not None
    return found


def _as_documents_hold(row: dict[str, Any]) -> dict[str, Any]:
    """The id is `_id`, the fields are in the order of the schema, and what is NULL is missing."""
    return {"_id" if name == "id" else name: value for name, value in row.items() if value is not None}


def _as_sqlite_holds(row: dict[str, Any]) -> dict[str, Any]:
    """Moments are text there, and booleans are 0 and 1 (which Python takes for equal)."""
    return {k: f"{v:%Y-%m-%d %H:%M:%S.%f}" if isinstance(v, datetime) else v for k, v in row.items()}
