"""Scribe Tree's store as it was: ten collections of MongoDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from scribe_tree_answers import REQUIREMENTS, counted, notice_of, now, plain, session_of, stages_of

Document = dict[str, Any]
PERSON = ("firstName", "lastName", "email")


class MongoStore:
    def __init__(self, url: str) -> None:
        self._client = pymongo.MongoClient[Document](url)
        self._db = self._client.get_default_database()

    def course(self, course: str) -> Document | None:
        found = self._db["courses"].find_one({"_id": ObjectId(course)})
        if found is None:
            return None
        people = self._people([found["instructor"], *found["students"]])
        names = ("title", "description", "subject", "isPublic", "maxStudents", "status", "isActive", "enrollmentCode")
        return {
            **_shown(found, *names, "tags", "settings", "createdAt", "updatedAt"),
            **{name: found[name].date().isoformat() for name in ("startDate", "endDate")},
            "instructor": people[found["instructor"]],
            "students": sorted((people[one] for one in found["students"]), key=lambda person: str(person["id"])),
        }

    def enrol(self, course: str, student: str) -> str | None:
        them, it = self._db["courses"], ObjectId(course)
        who = ObjectId(student)
        place = {
            "_id": it, "students": {"$ne": who}, "$expr": {"$lt": [{"$size": "$students"}, "$maxStudents"]},
        }  # fmt: skip
        done = them.update_one(place, {"$push": {"students": who}, "$set": {"updatedAt": now()}})
        if done.modified_count:
            return None
        return "enrolled already" if them.find_one({"_id": it, "students": who}) else "the course is full"

    def leave(self, course: str, student: str) -> None:
        who = ObjectId(student)
        self._db["courses"].update_one(
            {"_id": ObjectId(course), "students": who}, {"$pull": {"students": who}, "$set": {"updatedAt": now()}}
        )

    def sessions_a_day(self, user: str, since: datetime) -> list[Document]:
        since = since.astimezone(UTC) if since.tzinfo else since
        pipeline: list[Document] = [
            {"$match": {"user": ObjectId(user), "createdAt": {"$gte": since}}},
            {
                "$group": {
                    "_id": {"$dateToString": {"format": "%Y-%m-%d", "date": "$createdAt"}},
                    "totalDuration": {"$sum": "$duration"},
                    "totalWords": {"$sum": "$activity.wordsAdded"},
                    "sessionCount": {"$sum": 1},
                }
            },
            {"$sort": {"_id": 1}},
        ]
        days = self._db["writingsessions"].aggregate(pipeline)
        return [{"date": day.pop("_id"), **plain(day)} for day in days]

    def document(self, document: str) -> Document | None:
        found = self._db["documents"].find_one({"_id": ObjectId(document)})
        names = ("title", "content", "author", "course", "type", "status", "metadata", "createdAt", "updatedAt")
        return found and _shown(found, *names)

    def version(self, version: str) -> Document | None:
        found = self._db["documentversions"].find_one({"_id": ObjectId(version)})
        return found and _shown(found, "document", "version", "title", "content", "author", "createdAt")

    def write(self, document: str, writing: Document) -> str | None:
        it, author = ObjectId(document), ObjectId(writing["user"])
        version, ended, content = ObjectId(), now(), writing["content"]
        metadata = {f"metadata.{name}": value for name, value in counted(content).items()}
        began = ended - timedelta(seconds=writing["seconds"])

        def save(s: ClientSession) -> str | None:
            change = {"$set": {"content": content, "updatedAt": ended, **metadata}}
            found = self._db["documents"].find_one_and_update({"_id": it}, change, session=s)
            if found is None:
                return None
            last = self._db["documentversions"].find_one(
                {"document": it, "version": {"$type": "number"}}, sort=[("version", -1)], session=s
            )
            self._insert("documentversions", s, {
                "_id": version, "document": it, "version": int(last["version"]) + 1 if last else 1,
                "title": found["title"], "content": content, "author": author,
                "changes": {"wordsAdded": len(content.split()), "wordsRemoved": 0, "summary": "written"},
                "metadata": {"trigger": "manual", "device": "web"}, "diff": {"ops": []}, "createdAt": ended,
            })  # fmt: skip
            self._insert("writingsessions", s, {
                "_id": ObjectId(), "document": it, "user": author, "startTime": began, "endTime": ended,
                "duration": writing["seconds"], "snapshots": [], **session_of(content, writing["seconds"]),
                "createdAt": began, "updatedAt": ended,
            })  # fmt: skip
            return str(version)

        with self._client.start_session() as session:
            return session.with_transaction(save)

    def assignment(self, assignment: str) -> Document | None:
        found = self._db["assignments"].find_one({"_id": ObjectId(assignment)})
        if found is None:
            return None
        names = ("course", "instructor", "title", "instructions", "requirements", "writingStages", "dueDate")
        objectives = [
            _shown(one, "description", "bloomsLevel", "category", "weight")
            for one in found.get("learningObjectives") or []
        ]
        return _shown(found, *names, "status", "type", "createdAt", "updatedAt") | {"learningObjectives": objectives}

    def assign(self, assignment: Document) -> str:
        made, it = now(), ObjectId()
        objectives = [{"_id": ObjectId(), **objective} for objective in assignment["learningObjectives"]]
        self._insert("assignments", None, {
            "_id": it, "course": ObjectId(assignment["course"]), "instructor": ObjectId(assignment["instructor"]),
            **{name: assignment[name] for name in ("title", "instructions", "dueDate")}, "requirements": REQUIREMENTS,
            "writingStages": stages_of(assignment["writingStages"]), "learningObjectives": objectives,
            "status": "draft", "type": "individual", "createdAt": made, "updatedAt": made,
        })  # fmt: skip
        return str(it)

    def submission(self, submission: str) -> Document | None:
        found = self._db["assignmentsubmissions"].find_one({"_id": ObjectId(submission)})
        if found is None:
            return None
        names = ("author", "title", "content", "wordCount", "status", "submittedAt", "grade", "createdAt", "updatedAt")
        comment = ("author", "parent", "content", "type", "isResolved", "createdAt")
        prompt = ("timestamp", "stage", "type", "prompt", "studentResponse", "reflection")
        comments = sorted(found.get("comments") or [], key=lambda one: (one["createdAt"], one["_id"]))
        milestones = sorted(found.get("majorMilestones") or [], key=lambda one: (one["achievedAt"], one["_id"]))
        return {
            **_shown(found, *names),
            "assignment": str(found.get("courseAssignment") or found.get("assignment")),
            "comments": [_shown(one, *comment) for one in comments],
            "majorMilestones": [_shown(one, "title", "stage", "wordCount", "achievedAt") for one in milestones],
            "aiInteractions": [
                {name: plain(one.get(name)) for name in prompt} for one in found.get("aiInteractions") or []
            ],
        }

    def submit(self, assignment: str, submission: Document) -> str | None:
        it, at, author, made = ObjectId(), ObjectId(assignment), ObjectId(submission["author"]), now()
        notice = notice_of(assignment, submission["title"], submission["author"])

        def save(s: ClientSession) -> str | None:
            of_it = [{"assignment": at}, {"courseAssignment": at}]  # what came back has the second, whatever it is of
            if self._db["assignmentsubmissions"].find_one({"$or": of_it, "author": author}, session=s):
                return None
            self._insert("assignmentsubmissions", s, {
                "_id": it, "assignment": at, **submission, "author": author, "status": "submitted",
                "wordCount": len(submission["content"].split()), "submittedAt": made, "collaborators": [],
                "majorMilestones": [], "aiInteractions": [], "comments": [], "createdAt": made, "updatedAt": made,
            })  # fmt: skip
            teacher = self._db["assignments"].find_one({"_id": at}, {"instructor": 1}, session=s)
            self._insert("notifications", s, {
                "_id": ObjectId(), "recipient": (teacher or {})["instructor"], "sender": author, **notice,
                "context": {**notice["context"], "assignment": at}, "actionRequired": True,
                "expiresAt": made + timedelta(days=90), "createdAt": made, "updatedAt": made,
            })  # fmt: skip
            return str(it)

        with self._client.start_session() as session:
            return session.with_transaction(save)

    def notifications(self, user: str) -> list[Document]:
        found = self._db["notifications"].find({"recipient": ObjectId(user)}).sort([("createdAt", 1), ("_id", 1)])
        names = ("type", "category", "priority", "title", "message", "context", "status", "createdAt", "readAt")
        return [_shown(one, *names) for one in found]

    def _people(self, ids: Sequence[ObjectId]) -> dict[ObjectId, Document]:
        """Mongoose's populate."""
        found: Iterable[Document] = self._db["users"].find({"_id": {"$in": list(ids)}})
        return {one["_id"]: _shown(one, *PERSON) for one in found}

    def _insert(self, entity: str, session: ClientSession | None, document: Document) -> None:
        self._db[entity].insert_one({**document, "__v": 0}, session=session)


def _shown(document: Document, *names: str) -> Document:
    return {"id": plain(document["_id"]), **{name: plain(document.get(name)) for name in names}}
