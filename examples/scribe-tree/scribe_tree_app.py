"""Scribe Tree's API: a course with its people, writing, sessions a day, assignments and what is submitted for them.

The routes are the old application's. They speak of ids, times and lists as they always did, whatever database is below.
Served by journey.py; by hand, with OLD_URL, NEW_URL, STAGE_FILE and READ_ONLY_FILE in the environment:

    PYTHONPATH=examples uvicorn --app-dir examples/scribe-tree scribe_tree_app:app
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, Field

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

from scribe_tree_mongodb import MongoStore  # noqa: E402  (the examples are scripts: their folders are no package)
from scribe_tree_postgresql import PostgresStore  # noqa: E402

from journeys.application import Answered, Document, application  # noqa: E402


class Stage(BaseModel):
    name: str
    order: int
    description: str
    requiredDuration: int = 30  # noqa: N815  (the API's own names)
    allowedActions: list[str] = Field(default_factory=list)  # noqa: N815


class Objective(BaseModel):
    description: str
    bloomsLevel: int  # noqa: N815
    category: str
    weight: int | float


class Assignment(BaseModel):
    course: str
    instructor: str
    title: str
    instructions: str
    dueDate: datetime  # noqa: N815
    writingStages: list[Stage]  # noqa: N815
    learningObjectives: list[Objective]  # noqa: N815


class Submission(BaseModel):
    author: str
    title: str
    content: str


class Writing(BaseModel):
    user: str
    content: str
    seconds: int


class Enrollment(BaseModel):
    student: str


class Store(Protocol):
    """What the routes ask for. A method answers None for what does not exist; what it makes, it makes in one
    transaction.
    """

    def course(self, course: str) -> Document | None: ...

    def enrol(self, course: str, student: str) -> str | None:
        """Return why not, or None."""

    def leave(self, course: str, student: str) -> None: ...

    def sessions_a_day(self, user: str, since: datetime) -> list[Document]: ...

    def document(self, document: str) -> Document | None: ...

    def version(self, version: str) -> Document | None: ...

    def write(self, document: str, writing: dict[str, Any]) -> str | None:
        """Save the document, a version of it, and the session; return the version's id."""

    def assignment(self, assignment: str) -> Document | None: ...

    def assign(self, assignment: dict[str, Any]) -> str: ...

    def submission(self, submission: str) -> Document | None: ...

    def submit(self, assignment: str, submission: dict[str, Any]) -> str | None:
        """Save the submission, and notify the instructor; return its id, or None: there is one of this author."""

    def notifications(self, user: str) -> list[Document]: ...


def _old(url: str) -> Store:
    return MongoStore(url)


def _new(url: str) -> Store:
    return PostgresStore(url)


app, store = application(_old, _new)


@app.get("/courses/{course}")
def course(course: str) -> Document:
    return _found(store().course(course))


@app.post("/courses/{course}/students")
def enrol(course: str, enrollment: Enrollment) -> Document:
    now = store()
    if (reason := now.enrol(course, enrollment.student)) is not None:
        raise Answered(409, reason)
    return _found(now.course(course))


@app.delete("/courses/{course}/students/{student}")
def leave(course: str, student: str) -> Document:
    now = store()
    now.leave(course, student)
    return _found(now.course(course))


@app.get("/users/{user}/sessions")
def sessions(user: str, since: datetime) -> list[Document]:
    return store().sessions_a_day(user, since)


@app.get("/users/{user}/notifications")
def notifications(user: str) -> list[Document]:
    return store().notifications(user)


@app.get("/documents/{document}")
def document(document: str) -> Document:
    return _found(store().document(document))


@app.put("/documents/{document}")
def write(document: str, writing: Writing) -> Document:
    now = store()
    version = now.write(document, writing.model_dump())
    if version is None:
        raise Answered(404, "no such document")
    return {"document": _found(now.document(document)), "version": _found(now.version(version))}


@app.get("/versions/{version}")
def version(version: str) -> Document:
    return _found(store().version(version))


@app.get("/assignments/{assignment}")
def assignment(assignment: str) -> Document:
    return _found(store().assignment(assignment))


@app.post("/assignments", status_code=201)
def assign(assignment: Assignment) -> Document:
    now = store()
    if errors := _errors(assignment):
        raise Answered(422, *errors)
    _found(now.course(assignment.course))
    return _found(now.assignment(now.assign(assignment.model_dump())))


@app.get("/submissions/{submission}")
def submission(submission: str) -> Document:
    return _found(store().submission(submission))


@app.post("/assignments/{assignment}/submissions", status_code=201)
def submit(assignment: str, submission: Submission) -> Document:
    now = store()
    _found(now.assignment(assignment))
    made = now.submit(assignment, submission.model_dump())
    if made is None:
        raise Answered(409, "the author has submitted already")
    return _found(now.submission(made))


def _errors(assignment: Assignment) -> list[str]:
    """The two checks that every assignment has always had to pass."""
    weights = sum(objective.weight for objective in assignment.learningObjectives)
    orders = [stage.order for stage in assignment.writingStages]
    return [
        *(["Learning objective weights must sum to 100%"] if abs(weights - 100) > 0.01 else []),
        *(["Writing stages must have unique order values"] if len(set(orders)) < len(orders) else []),
    ]


def _found(document: Document | None) -> Document:
    if document is None:
        raise Answered(404, "not found")
    return document
