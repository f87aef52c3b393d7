"""Makes Scribe Tree's database: ten collections as its Mongoose models store them, and the mess of some years.

Run it with `--url mongodb://localhost/scribe_tree`, `--dump DIR` (with `--scale 0.1`, say), or `--flaws`.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from bson import Decimal128, Int64, ObjectId

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

import scribe_tree_teaching as teaching  # noqa: E402  (the examples are scripts: their folders are no package)
import scribe_tree_writing as writing  # noqa: E402

from seeding import FLAWED, GONE, Document, Flaw, System, born, drop, iso, main, oid, put, year  # noqa: E402

OUT = "quarantined:"
SUBMISSIONS, TEMPLATES, BRIDGES = "assignmentsubmissions", "assignmenttemplates", "courseassignments"
VERSIONS, SESSIONS = "documentversions", "writingsessions"


MAKERS = {
    "users": teaching.user,
    "courses": teaching.course,
    "assignmenttemplates": teaching.assignmenttemplate,
    "assignments": teaching.assignment,
    "courseassignments": teaching.courseassignment,
    "assignmentsubmissions": writing.assignmentsubmission,
    "documents": writing.document,
    "documentversions": writing.documentversion,
    "writingsessions": writing.writingsession,
    "notifications": writing.notification,
}


def gone(entity: str) -> ObjectId:
    """A reference to a document that was deleted."""
    return oid(entity, GONE)


def text_date(document: Document) -> str:
    return iso(document["createdAt"])


def first_flawed(name: str) -> ObjectId:
    """The first document of another flaw of this table."""
    seen = 0
    entity = next(f.entity for f in FLAWS if f.name == name)
    for flaw in FLAWS:
        if flaw.name == name:
            return oid(entity, FLAWED + seen)
        seen += flaw.count if flaw.entity == entity else 0
    raise KeyError(name)


def clean(entity: str, field: str, number: int) -> object:
    """What a clean document holds: copied into another, it clashes."""
    return MAKERS[entity](number, SYSTEM.at(1.0))[field]


# One line a flaw: a table reads better unwrapped.
# fmt: off
FLAWS = (
    # users
    Flaw("role-case", "users", 3, "role in capitals (`Student`, `EDUCATOR`)", "copied",
         put("role", "Student", "EDUCATOR", "Admin")),
    Flaw("role-unknown", "users", 2, "role `teacher`, which the new CHECK does not know", OUT + "check",
         put("role", "teacher")),
    Flaw("email-capitals", "users", 3, "email in capitals, from before the model's `lowercase: true`", "copied",
         lambda d, i: d.update(email=d["email"].upper())),
    Flaw("email-twice", "users", 2, "email of another user", OUT + "unique",
         lambda d, i: d.update(email=clean("users", "email", i + 1))),
    Flaw("email-twice-by-case", "users", 1, "email of another user, in capitals", OUT + "unique",
         lambda d, i: d.update(email=str(clean("users", "email", 3)).upper())),
    Flaw("email-missing", "users", 1, "no email", OUT + "not_null", drop("email")),
    Flaw("email-null", "users", 1, "email null", OUT + "not_null", put("email", None)),
    Flaw("bio-nul", "users", 1, "a NUL character in bio", OUT + "nul_character", put("bio", "before\x00after")),
    Flaw("picture-long", "users", 1, "profilePicture of 600 characters for varchar(500)", OUT + "too_long",
         put("profilePicture", "https://cdn.scribe.example/" + "p" * 573)),
    Flaw("first-name-empty", "users", 1, "firstName an empty string", "copied", put("firstName", "")),
    Flaw("verified-text", "users", 2, "isVerified as text", "copied", put("isVerified", "true", "false")),
    Flaw("verified-odd", "users", 1, "isVerified `yes`", OUT + "mapping_error", put("isVerified", "yes")),
    Flaw("verified-missing", "users", 2, "isVerified missing: becomes false", "copied", drop("isVerified")),
    Flaw("created-text", "users", 2, "createdAt as ISO text", "copied", put("createdAt", text_date)),
    Flaw("created-odd", "users", 3, "createdAt in the years 1, 1955 and 9999", "copied",
         put("createdAt", year(1), year(1955), year(9999))),
    Flaw("created-beyond", "users", 1, "createdAt in the year 300000, beyond PostgreSQL's dates",
         OUT + "mapping_error", put("createdAt", year(300_000))),
    Flaw("name-unicode", "users", 3, "names in decomposed letters, with emoji, right-to-left with a mark", "copied",
         put("lastName", "Ga\u0308rtner\u0301", "Writer \U0001f58b\ufe0f\u200d\U0001f4d6", "\u200fכהן\u200e \u200b")),
    Flaw("legacy-token", "users", 4, "`legacyToken`: discarded as a path, the user is copied", "copied",
         put("legacyToken", "t0k3n" * 8)),
    Flaw("imported", "users", 1, "an unknown object `imported`: discarded as a path, the user is copied", "copied",
         put("imported", {"from": "csv", "row": 17, "cells": ["a", None, 3]})),
    # courses
    Flaw("seats-text", "courses", 2, "maxStudents as text", "copied", put("maxStudents", "30", "25")),
    Flaw("seats-double", "courses", 1, "maxStudents as a double without a fraction", "copied",
         put("maxStudents", 30.0)),
    Flaw("seats-half", "courses", 1, "maxStudents 25.5", OUT + "mapping_error", put("maxStudents", 25.5)),
    Flaw("seats-huge", "courses", 1, "maxStudents 3000000000, beyond integer", OUT + "out_of_range",
         put("maxStudents", Int64(3_000_000_000))),
    Flaw("tags-scalar", "courses", 2, "tags a string, not a list", "copied", put("tags", "poetry", "memoir")),
    Flaw("tags-missing", "courses", 1, "tags missing", "copied", drop("tags")),
    Flaw("student-twice", "courses", 2, "the same student twice in students", OUT + "unique",
         lambda d, i: d["students"].append(d["students"][0])),
    Flaw("student-null", "courses", 1, "a null in students: that element is left out, the course is copied", "copied",
         lambda d, i: d["students"].insert(1, None)),
    Flaw("student-text", "courses", 2, "a student's id as hex text", "copied",
         lambda d, i: d["students"].append(str(d["students"].pop(0)))),
    Flaw("student-gone", "courses", 1, "a student who was deleted", OUT + "foreign_key",
         lambda d, i: d["students"].append(gone("users"))),
    Flaw("instructor-gone", "courses", 1, "an instructor who was deleted", OUT + "foreign_key",
         put("instructor", gone("users"))),
    Flaw("start-text", "courses", 2, "startDate as ISO text", "copied",
         put("startDate", "2022-09-02", "2022-09-02T00:00:00.000Z")),
    Flaw("start-first-year", "courses", 1, "startDate in the year 1", "copied", put("startDate", year(1))),
    Flaw("end-beyond", "courses", 1, "endDate in the year 9999999, beyond PostgreSQL's dates", OUT + "mapping_error",
         put("endDate", year(9_999_999))),
    Flaw("code-twice", "courses", 2, "enrollmentCode of another course", OUT + "unique",
         lambda d, i: d.update(enrollmentCode=clean("courses", "enrollmentCode", i))),
    Flaw("code-empty", "courses", 2, "enrollmentCode empty: no code", "copied", put("enrollmentCode", "")),
    Flaw("code-null", "courses", 2, "enrollmentCode null or missing", "copied",
         lambda d, i: d.update(enrollmentCode=None) if i else d.pop("enrollmentCode")),
    Flaw("subject-long", "courses", 1, "subject of 140 characters for varchar(100)", OUT + "too_long",
         put("subject", "Letters " * 17 + "Arts")),
    Flaw("settings-missing", "courses", 2, "settings missing or null: becomes {}", "copied",
         lambda d, i: d.update(settings=None) if i else d.pop("settings")),
    # assignmenttemplates
    Flaw("usage-double", TEMPLATES, 2, "usageCount as a double or a long", "copied", put("usageCount", 3.0, Int64(4))),
    Flaw("usage-words", TEMPLATES, 1, "usageCount `many`", OUT + "mapping_error", put("usageCount", "many")),
    Flaw("template-instructions-null", TEMPLATES, 1, "instructions null", OUT + "not_null", put("instructions", None)),
    Flaw("template-owner-null", TEMPLATES, 2, "instructor null", "copied", put("instructor", None)),
    Flaw("template-tags-scalar", TEMPLATES, 1, "tags a string, not a list", "copied", put("tags", "essay")),
    # courseassignments
    Flaw("template-twice", BRIDGES, 1, "template and course of another one", OUT + "unique",
         lambda d, i: d.update(template=clean(BRIDGES, "template", 0), course=clean(BRIDGES, "course", 0))),
    Flaw("template-gone", BRIDGES, 1, "a template that was deleted: no instructions", OUT + "not_null",
         put("template", gone(TEMPLATES))),
    # assignments
    Flaw("words-text", "assignments", 2, "requirements.minWords as text (kept in the jsonb)", "copied",
         put("requirements.minWords", "500")),
    Flaw("requirements-missing", "assignments", 1, "requirements missing: becomes {}", "copied", drop("requirements")),
    Flaw("weight-text", "assignments", 2, "an objective's weight as text or decimal", "copied",
         lambda d, i: d.update(learningObjectives=[_objective(d, (Decimal128("100.00"), "100")[i])])),
    Flaw("weight-endless", "assignments", 1, "an objective's weight with 15 decimals", OUT + "mapping_error",
         put("learningObjectives.0.weight", 33.333333333333336)),
    Flaw("stage-alone", "assignments", 1, "writingStages one object, not a list", "copied",
         lambda d, i: d.update(writingStages=d["writingStages"][0])),
    Flaw("stage-nul", "assignments", 1, "a NUL character inside writingStages", OUT + "nul_character",
         put("writingStages.0.description", "copied from\x00a file")),
    Flaw("points-nan", "assignments", 1, 'grading points NaN: `{"$numberDouble": "NaN"}` in the jsonb', "copied",
         put("grading.criteria.0.maxPoints", float("nan"))),
    Flaw("due-before-1970", "assignments", 1, "dueDate in 1969", "copied", put("dueDate", year(1969))),
    Flaw("due-text", "assignments", 2, "dueDate as ISO text", "copied", put("dueDate", text_date)),
    Flaw("due-words", "assignments", 1, "dueDate `next Friday`", OUT + "mapping_error", put("dueDate", "next Friday")),
    Flaw("title-missing", "assignments", 1, "title missing", OUT + "not_null", drop("title")),
    Flaw("title-long", "assignments", 1, "title of 300 characters for varchar(255)", OUT + "too_long",
         put("title", "On " * 100)),
    Flaw("course-gone", "assignments", 1, "a course that was deleted", OUT + "foreign_key",
         put("course", gone("courses"))),
    Flaw("status-case", "assignments", 2, "status in capitals", "copied", put("status", "Published", "DRAFT")),
    # assignmentsubmissions
    Flaw("count-text", SUBMISSIONS, 2, "wordCount as text", "copied", put("wordCount", "523")),
    Flaw("count-double", SUBMISSIONS, 1, "wordCount as a double without a fraction", "copied", put("wordCount", 523.0)),
    Flaw("count-lowercase", SUBMISSIONS, 3, "`wordcount` instead of `wordCount`", "copied",
         lambda d, i: d.update(wordcount=d.pop("wordCount"))),
    Flaw("count-huge", SUBMISSIONS, 1, "wordCount beyond integer", OUT + "out_of_range",
         put("wordCount", Int64(2**40))),
    Flaw("count-words", SUBMISSIONS, 1, "wordCount `about 500`", OUT + "mapping_error", put("wordCount", "about 500")),
    Flaw("content-nul", SUBMISSIONS, 2, "a NUL character in content", OUT + "nul_character",
         put("content", "draft\x00one")),
    Flaw("content-missing", SUBMISSIONS, 2, "content missing or empty", "copied",
         lambda d, i: d.update(content="") if i else d.pop("content")),
    Flaw("submission-twice", SUBMISSIONS, 2, "assignment and author of another submission", OUT + "unique",
         lambda d, i: _twin(d, i)),
    Flaw("assignment-gone", SUBMISSIONS, 1, "an assignment that was deleted", OUT + "foreign_key",
         lambda d, i: (d.pop("courseAssignment", None), d.update(assignment=gone("assignments")))),
    Flaw("author-text", SUBMISSIONS, 2, "the author's id as hex text", "copied",
         put("author", lambda d: str(d["author"]))),
    Flaw("author-gone", SUBMISSIONS, 1, "an author who was deleted", OUT + "foreign_key", put("author", gone("users"))),
    Flaw("parent-gone", SUBMISSIONS, 1, "a comment that answers a deleted one", OUT + "foreign_key",
         lambda d, i: d.update(comments=[_comment(d, parent=gone("assignmentsubmissions.comments.0"))])),
    Flaw("comment-empty", SUBMISSIONS, 1, "a comment without content", OUT + "not_null",
         lambda d, i: d.update(comments=[_comment(d, content=None)])),
    Flaw("collaborator-twice", SUBMISSIONS, 1, "the same collaborator twice", OUT + "unique",
         lambda d, i: d.update(collaborators=[{"user": oid("users", 1), "role": "reviewer", "joinedAt": born(i)}] * 2)),
    Flaw("grade-number", SUBMISSIONS, 2, "grade a bare number", "copied", put("grade", 87, 92.5)),
    Flaw("submitted-text", SUBMISSIONS, 2, "submittedAt as ISO text", "copied", put("submittedAt", text_date)),
    Flaw("ai-epoch", SUBMISSIONS, 2, "an AI interaction's timestamp in milliseconds", "copied",
         lambda d, i: d.update(aiInteractions=[
             {"timestamp": (Int64(1706263200000), 1706263200123.0)[i], "stage": "drafting", "prompt": "Why so?"}])),
    # documents
    Flaw("title-nul", "documents", 1, "a NUL character in title", OUT + "nul_character", put("title", "\x00Untitled")),
    Flaw("document-title-long", "documents", 1, "title of 256 characters for varchar(255)", OUT + "too_long",
         put("title", "é" * 256)),
    Flaw("title-full", "documents", 1, "title of exactly 255 characters, 510 bytes", "copied", put("title", "é" * 255)),
    Flaw("course-of-document-gone", "documents", 2,
         "a course that was deleted: NULL, as ON DELETE SET NULL would have done", "copied",
         put("course", gone("courses"))),
    Flaw("document-author-gone", "documents", 2, "an author who was deleted", OUT + "foreign_key",
         put("author", gone("users"))),
    Flaw("document-author-quarantined", "documents", 1, "an author who went to quarantine", OUT + "foreign_key",
         lambda d, i: d.update(author=first_flawed("role-unknown"))),
    Flaw("writer-twice", "documents", 1, "the same collaborator twice", OUT + "unique",
         put("collaborators", [{"user": oid("users", 2), "permission": "edit", "joinedAt": born(0)}] * 2)),
    Flaw("document-unknown", "documents", 2, "fields that the model never had: kept in the column legacy", "copied",
         put("sharing", {"link": "https://scribe.example/s/1", "until": born(0), "seen": [1, 2.5, None]})),
    Flaw("metadata-case", "documents", 2, "metadata.wordCount and metadata.wordcount side by side", "copied",
         put("metadata.wordcount", 7)),
    Flaw("updated-first-year", "documents", 1, "updatedAt in the year 1", "copied", put("updatedAt", year(1))),
    Flaw("permission-case", "documents", 1, "a permission in capitals", "copied",
         lambda d, i: d.update(collaborators=[{"user": oid("users", 3), "permission": "EDIT", "joinedAt": born(i)}])),
    # documentversions
    Flaw("version-twice", VERSIONS, 2, "document and version of another one", OUT + "unique",
         lambda d, i: d.update(document=clean(VERSIONS, "document", i), version=clean(VERSIONS, "version", i))),
    Flaw("version-text", VERSIONS, 2, "version as text", "copied", put("version", "904", "905")),
    Flaw("version-missing", VERSIONS, 1, "version missing", OUT + "not_null", drop("version")),
    Flaw("version-half", VERSIONS, 1, "version 1.5", OUT + "mapping_error", put("version", 1.5)),
    Flaw("document-gone", VERSIONS, 2, "a document that was deleted", OUT + "foreign_key",
         put("document", gone("documents"))),
    Flaw("version-author-gone", VERSIONS, 2, "an author who was deleted: NULL, as ON DELETE SET NULL would have done",
         "copied", put("author", gone("users"))),
    Flaw("diff-null", VERSIONS, 1, "diff null: becomes {}", "copied", put("diff", None)),
    # writingsessions
    Flaw("duration-double", SESSIONS, 2, "duration as a double without a fraction", "copied", put("duration", 1800.0)),
    Flaw("duration-half", SESSIONS, 1, "duration 1800.5 for whole seconds", OUT + "mapping_error",
         put("duration", 1800.5)),
    Flaw("start-missing", SESSIONS, 1, "startTime missing", OUT + "not_null", drop("startTime")),
    Flaw("session-user-gone", SESSIONS, 2, "a user who was deleted", OUT + "foreign_key", put("user", gone("users"))),
    Flaw("session-document-gone", SESSIONS, 2, "a document that was deleted", OUT + "foreign_key",
         put("document", gone("documents"))),
    Flaw("activity-null", SESSIONS, 1, "activity null: becomes {}", "copied", put("activity", None)),
    # notifications
    Flaw("sender-gone", "notifications", 3, "a sender who was deleted: NULL, as ON DELETE SET NULL would have done",
         "copied", put("sender", gone("users"))),
    Flaw("recipient-gone", "notifications", 2, "a recipient who was deleted", OUT + "foreign_key",
         put("recipient", gone("users"))),
    Flaw("expired", "notifications", 5, "expired before 2020", "discarded", put("expiresAt", year(2019), year(1999))),
    Flaw("type-missing", "notifications", 1, "type missing", OUT + "not_null", drop("type")),
    Flaw("action-number", "notifications", 1, "actionRequired 1", OUT + "mapping_error", put("actionRequired", 1)),
    Flaw("context-text", "notifications", 2, "context a string (of JSON, and not): a string in the jsonb", "copied",
         put("context", '{"assignment": 1}', "see below")),
    Flaw("id-mixed", "notifications", 3, '`_id` "5", 5 and "welcome"', "copied", put("_id", "5", 5, "welcome")),
    Flaw("never-expires", "notifications", 2, "expiresAt missing or null", "copied",
         lambda d, i: d.update(expiresAt=None) if i else d.pop("expiresAt")),
    # What the rules find: planted only with --break-rules
    Flaw("ends-early", "courses", 2, "endDate before startDate", "copied",
         lambda d, i: d.update(endDate=d["startDate"] - timedelta(days=7)), breaks="course_dates"),
    Flaw("weights-short", "assignments", 2, "weights that sum to 90", "copied",
         lambda d, i: d.update(learningObjectives=[_objective(d, 90)]), breaks="objective_weights"),
    Flaw("orders-equal", "assignments", 1, "two writing stages of the same order", "copied",
         lambda d, i: d["writingStages"][1].update(order=1), breaks="stage_orders"),
    Flaw("ends-before-start", SESSIONS, 1, "endTime before startTime", "copied",
         lambda d, i: d.update(endTime=d["startTime"] - timedelta(seconds=60)), breaks="session_times"),
    Flaw("submitted-never", SUBMISSIONS, 1, "submitted without a submittedAt", "copied",
         lambda d, i: (d.update(status="submitted"), d.pop("submittedAt", None)), breaks="submitted_when"),
)
# fmt: on


def _twin(document: Document, i: int) -> None:
    """Submissions 0 and 1 are of assignments of their own."""
    document.pop("courseAssignment", None)
    document.update(
        assignment=clean("assignmentsubmissions", "assignment", i), author=clean("assignmentsubmissions", "author", i)
    )


def _objective(document: Document, weight: object) -> Document:
    return {**document["learningObjectives"][0], "weight": weight}


def _comment(document: Document, **fields: object) -> Document:
    made = document["createdAt"]
    number = int.from_bytes(document["_id"].binary[-3:], "big")
    comment = {
        "_id": oid("assignmentsubmissions.comments.0", number),
        "author": oid("users", 1),
        "content": "Yes.",
        "type": "general",
    }
    return comment | {"isResolved": False, "createdAt": made, "updatedAt": made} | fields


SYSTEM = System(
    name="scribe_tree",
    sizes={
        "users": 300,
        "courses": 30,
        "assignmenttemplates": 30,
        "assignments": 80,
        "courseassignments": 60,
        "assignmentsubmissions": 600,
        "documents": 600,
        "documentversions": 1200,
        "writingsessions": 2000,
        "notifications": 900,
    },
    make=MAKERS,
    flaws=FLAWS,
    indexes={
        "users": [["role"]],
        "courses": [["instructor"]],
        "assignmentsubmissions": [["assignment", "author"]],
        "documentversions": [["document", "version"]],
        "writingsessions": [["user", "startTime"]],
        "notifications": [["recipient", "status"]],
    },
)

if __name__ == "__main__":
    main(SYSTEM, (__doc__ or "").splitlines()[0])
