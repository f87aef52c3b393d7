"""Scribe Tree's store as it will be: sixteen tables of PostgreSQL, read from the database itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from scribe_tree_answers import REQUIREMENTS, counted, new_id, notice_of, now, old_id, plain, session_of, stages_of
from sqlalchemy import Connection, Date, Integer, MetaData, Table, cast, create_engine, delete, func, insert, select
from sqlalchemy import update as change

from crossfade_ids import uuid_of

Document = dict[str, Any]
SNAKE = {
    "isPublic": "is_public", "maxStudents": "max_students", "isActive": "is_active", "startDate": "start_date",
    "endDate": "end_date", "enrollmentCode": "enrollment_code", "createdAt": "created_at", "updatedAt": "updated_at",
    "firstName": "first_name", "lastName": "last_name", "author": "author_id", "course": "course_id",
    "document": "document_id", "instructor": "instructor_id", "assignment": "assignment_id", "parent": "parent_id",
    "writingStages": "writing_stages", "dueDate": "due_date", "bloomsLevel": "blooms_level",
    "wordCount": "word_count", "submittedAt": "submitted_at", "isResolved": "is_resolved",
    "achievedAt": "achieved_at", "timestamp": "occurred_at", "studentResponse": "student_response",
    "readAt": "read_at",
}  # fmt: skip
"""The API's names that a column has not."""


class PostgresStore:
    def __init__(self, url: str) -> None:
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._engine = create_engine(url, pool_size=10, pool_pre_ping=True)
        schema = MetaData()
        schema.reflect(self._engine)
        self._tables = schema.tables

    def course(self, course: str) -> Document | None:
        users, enrollments = self["users"], self["course_enrollments"]
        with self._engine.connect() as c:
            found = _one(c, self["courses"], course)
            if found is None:
                return None
            attending = enrollments.c.course_id == found["id"]
            students = select(users).join(enrollments, enrollments.c.student_id == users.c.id).where(attending)
            people = [_person(one) for one in c.execute(students.order_by(users.c.id)).mappings()]
            teacher = c.execute(select(users).where(users.c.id == found["instructor_id"])).mappings().one()
        names = ("title", "description", "subject", "isPublic", "maxStudents", "status", "isActive", "enrollmentCode")
        return {
            **_shown(found, *names, "tags", "settings", "createdAt", "updatedAt", "startDate", "endDate"),
            "instructor": _person(teacher),
            "students": people,
        }

    def enrol(self, course: str, student: str) -> str | None:
        courses, them = self["courses"], self["course_enrollments"]
        it, who = new_id(course), new_id(student)
        with self._engine.begin() as c:
            row = c.execute(select(courses).where(courses.c.id == it).with_for_update()).mappings().one()
            enrolled = set(c.execute(select(them.c.student_id).where(them.c.course_id == it)).scalars())
            if who in enrolled:
                return "enrolled already"
            if len(enrolled) >= row["max_students"]:
                return "the course is full"
            id_ = uuid_of(ObjectId(course), ObjectId(student))  # as the mapping makes it
            made = {"id": id_, "course_id": it, "student_id": who, "enrolled_at": row["created_at"]}
            c.execute(insert(them).values(made))
            self._touch(c, course)
        return None

    def leave(self, course: str, student: str) -> None:
        them = self["course_enrollments"]
        it = (them.c.course_id == new_id(course)) & (them.c.student_id == new_id(student))
        with self._engine.begin() as c:
            if c.execute(delete(them).where(it)).rowcount:
                self._touch(c, course)

    def sessions_a_day(self, user: str, since: datetime) -> list[Document]:
        them = self["writing_sessions"]
        day = cast(func.timezone("UTC", them.c.created_at), Date).label("date")
        words = cast(them.c.activity["wordsAdded"].astext, Integer)
        query = (
            select(
                day,
                func.coalesce(func.sum(them.c.duration), 0).label("totalDuration"),
                func.coalesce(func.sum(words), 0).label("totalWords"),
                func.count().label("sessionCount"),
            )
            .where(them.c.user_id == new_id(user), them.c.created_at >= (since if since.tzinfo else _utc(since)))
            .group_by(day)
            .order_by(day)
        )
        with self._engine.connect() as c:
            return [plain(dict(one)) for one in c.execute(query).mappings()]

    def document(self, document: str) -> Document | None:
        names = ("title", "content", "author", "course", "type", "status", "metadata", "createdAt", "updatedAt")
        return self._shown("documents", document, *names)

    def version(self, version: str) -> Document | None:
        names = ("document", "version", "title", "content", "author", "createdAt")
        return self._shown("document_versions", version, *names)

    def write(self, document: str, writing: Document) -> str | None:
        documents, versions = self["documents"], self["document_versions"]
        it, author, version, ended = new_id(document), new_id(writing["user"]), ObjectId(), now()
        content, seconds = writing["content"], writing["seconds"]
        began = ended - timedelta(seconds=seconds)
        with self._engine.begin() as c:
            found = c.execute(select(documents).where(documents.c.id == it).with_for_update()).mappings().one_or_none()
            if found is None:
                return None
            metadata = found["metadata"] | counted(content)
            c.execute(change(documents).where(documents.c.id == it).values(content=content, metadata=metadata))
            last = c.execute(select(func.max(versions.c.version)).where(versions.c.document_id == it)).scalar()
            c.execute(insert(versions).values(
                id=uuid_of(version), document_id=it, version=(last or 0) + 1, title=found["title"], content=content,
                author_id=author, changes={"wordsAdded": len(content.split()), "wordsRemoved": 0, "summary": "written"},
                metadata={"trigger": "manual", "device": "web"}, diff={"ops": []}, created_at=ended,
            ))  # fmt: skip
            c.execute(insert(self["writing_sessions"]).values(
                id=uuid_of(ObjectId()), document_id=it, user_id=author, start_time=began, end_time=ended,
                duration=seconds, snapshots=[], **session_of(content, seconds), created_at=began,
            ))  # fmt: skip
        return str(version)

    def assignment(self, assignment: str) -> Document | None:
        them = self["learning_objectives"]
        with self._engine.connect() as c:
            found = _one(c, self["assignments"], assignment)
            if found is None:
                return None
            query = select(them).where(them.c.assignment_id == found["id"]).order_by(them.c.position)
            objectives = [
                _shown(one, "description", "bloomsLevel", "category", "weight") for one in c.execute(query).mappings()
            ]
        names = ("course", "instructor", "title", "instructions", "requirements", "writingStages", "dueDate")
        return _shown(found, *names, "status", "type", "createdAt", "updatedAt") | {"learningObjectives": objectives}

    def assign(self, assignment: Document) -> str:
        made, it = now(), ObjectId()
        objectives = [
            {
                "id": uuid_of(ObjectId()), "assignment_id": uuid_of(it), "position": n,
                "blooms_level": one["bloomsLevel"], **{k: one[k] for k in ("description", "category", "weight")},
            }
            for n, one in enumerate(assignment["learningObjectives"], 1)
        ]  # fmt: skip
        with self._engine.begin() as c:
            c.execute(insert(self["assignments"]).values(
                id=uuid_of(it), course_id=new_id(assignment["course"]),
                instructor_id=new_id(assignment["instructor"]), title=assignment["title"],
                instructions=assignment["instructions"], due_date=assignment["dueDate"], requirements=REQUIREMENTS,
                writing_stages=plain(stages_of(assignment["writingStages"])), ai_settings={}, grading_criteria={},
                created_at=made, updated_at=made,
            ))  # fmt: skip
            c.execute(insert(self["learning_objectives"]), objectives)
        return str(it)

    def submission(self, submission: str) -> Document | None:
        with self._engine.connect() as c:
            found = _one(c, self["assignment_submissions"], submission)
            if found is None:
                return None
            comments = self._of(c, "submission_comments", found["id"], "created_at", "id")
            milestones = self._of(c, "submission_milestones", found["id"], "achieved_at", "id")
            prompts = self._of(c, "ai_interactions", found["id"], "position")
        names = ("author", "title", "content", "wordCount", "status", "submittedAt", "grade", "createdAt", "updatedAt")
        comment = ("author", "parent", "content", "type", "isResolved", "createdAt")
        prompt = ("timestamp", "stage", "type", "prompt", "studentResponse", "reflection")
        return {
            **_shown(found, *names, "assignment"),
            "comments": [_shown(one, *comment) for one in comments],
            "majorMilestones": [_shown(one, "title", "stage", "wordCount", "achievedAt") for one in milestones],
            "aiInteractions": [{name: plain(one[SNAKE.get(name, name)]) for name in prompt} for one in prompts],
        }

    def submit(self, assignment: str, submission: Document) -> str | None:
        them, assignments = self["assignment_submissions"], self["assignments"]
        it, at, author, made = ObjectId(), new_id(assignment), new_id(submission["author"]), now()
        with self._engine.begin() as c:
            row = c.execute(select(assignments).where(assignments.c.id == at).with_for_update()).mappings().one()
            if c.execute(select(them.c.id).where(them.c.assignment_id == at, them.c.author_id == author)).first():
                return None
            c.execute(insert(them).values(
                id=uuid_of(it), assignment_id=at, author_id=author, title=submission["title"],
                content=submission["content"], word_count=len(submission["content"].split()), status="submitted",
                submitted_at=made, created_at=made, updated_at=made,
            ))  # fmt: skip
            c.execute(insert(self["notifications"]).values(
                id=uuid_of(ObjectId()), recipient_id=row["instructor_id"], sender_id=author,
                **notice_of(assignment, submission["title"], submission["author"]), action_required=True,
                expires_at=made + timedelta(days=90), created_at=made,
            ))  # fmt: skip
        return str(it)

    def notifications(self, user: str) -> list[Document]:
        them = self["notifications"]
        query = select(them).where(them.c.recipient_id == new_id(user)).order_by(them.c.created_at, them.c.id)
        names = ("type", "category", "priority", "title", "message", "context", "status", "createdAt", "readAt")
        with self._engine.connect() as c:
            return [_shown(one, *names) for one in c.execute(query).mappings()]

    def __getitem__(self, table: str) -> Table:
        return self._tables[table]

    def _shown(self, table: str, id_: str, *names: str) -> Document | None:
        with self._engine.connect() as c:
            found = _one(c, self[table], id_)
        return None if found is None else _shown(found, *names)

    def _of(self, c: Connection, table: str, submission: Any, *order: str) -> list[Any]:
        them = self[table]
        query = select(them).where(them.c.submission_id == submission).order_by(*(them.c[name] for name in order))
        return list(c.execute(query).mappings())

    def _touch(self, c: Connection, course: str) -> None:
        """The schema's trigger sets updated_at."""
        courses = self["courses"]
        c.execute(change(courses).where(courses.c.id == new_id(course)).values(updated_at=now()))


def _one(c: Connection, table: Table, id_: str) -> Any:
    return c.execute(select(table).where(table.c.id == new_id(id_))).mappings().one_or_none()


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _person(row: Any) -> Document:
    return _shown(row, "firstName", "lastName", "email")


def _shown(row: Any, *names: str) -> Document:
    return {"id": old_id(row["id"]), **{name: plain(row[SNAKE.get(name, name)]) for name in names}}
