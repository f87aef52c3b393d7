"""Scribe Tree's models of writing, as Mongoose stores them: submissions, documents, sessions, notifications."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from scribe_tree_teaching import STAGES, educator, stamps, student_number

from seeding import (
    FLAWED,
    Document,
    Sizes,
    born,
    cast,
    iso,
    oid,
    rng_of,
    sentence,
    sometimes,
    text,
    title,
    words,
)


def assignmentsubmission(number: int, sizes: Sizes) -> Document:
    rng = rng_of("assignmentsubmissions", number)
    own, bridged = sizes["assignments"], sizes["courseassignments"]
    at = number % (own + bridged)
    content = text(rng, rng.randint(10, 60))
    status = rng.choice(("not_started", "in_progress", "submitted", "submitted", "graded"))
    made = born(number)
    turn = number // (own + bridged) + 7 * at
    document: Document = {
        "_id": oid("assignmentsubmissions", number),
        **(
            {"assignment": oid("assignments", at)}
            if at < own
            else {"courseAssignment": oid("courseassignments", at - own)}
        ),
        "author": cast(number) if number >= FLAWED else oid("users", student_number(turn, sizes)),
        "title": title(rng),
        "content": content,
        "wordCount": len(content.split()),
        "status": status,
        "collaborators": [
            {
                "user": oid("users", student_number(turn + k, sizes)),
                "role": rng.choice(("collaborator", "reviewer")),
                "joinedAt": made,
            }
            for k in range(1, rng.choice((1, 1, 2, 3)))
        ],
        "collaboration": {"isCollaborative": rng.random() < 0.3, "allowComments": True},
        "majorMilestones": milestones(number, made, rng),
        "analytics": {
            "totalTime": rng.randrange(20_000),
            "sessions": rng.randrange(30),
            "averageSpeed": round(rng.uniform(5, 45), 2),
        },
        "aiInteractions": [ai_interaction(made, k, rng) for k in range(rng.choice((0, 0, 1, 2, 4)))],
        "comments": comments(number, made, rng, sizes),
        **stamps(number, rng),
    }
    if status in ("submitted", "graded"):
        document["submittedAt"] = made + timedelta(days=rng.randint(1, 20))
    if status == "graded":
        document["grade"] = {"score": rng.randint(40, 100), "feedback": text(rng, 2), "gradedBy": educator(rng, sizes)}
    sometimes(rng, 0.1, document, grade=None)
    return document


def milestones(number: int, made: datetime, rng: random.Random) -> list[Document]:
    return [
        {
            "_id": oid(f"assignmentsubmissions.majorMilestones.{k}", number),
            "title": f"{STAGES[k].capitalize()} done",
            "stage": STAGES[k],
            "wordCount": 150 * (k + 1),
            "achievedAt": made + timedelta(days=k),
        }
        for k in range(rng.randint(0, 3))
    ]


def ai_interaction(made: datetime, k: int, rng: random.Random) -> Document:
    document = {
        "timestamp": iso(made + timedelta(hours=3 * k)),
        "stage": rng.choice(STAGES),
        "type": rng.choice(("question", "prompt", "challenge")),
        "prompt": sentence(rng),
        "studentResponse": text(rng, 2),
    }
    sometimes(rng, 0.7, document, reflection=sentence(rng))
    return document


def comments(number: int, made: datetime, rng: random.Random, sizes: Sizes) -> list[Document]:
    """A thread: each comment but the first may answer one before it."""
    thread: list[Document] = []
    for k in range(rng.choice((0, 1, 2, 5))):
        at = made + timedelta(hours=k)
        start = rng.randrange(300)
        comment: Document = {
            "_id": oid(f"assignmentsubmissions.comments.{k}", number),
            "author": educator(rng, sizes) if k % 2 == 0 else sizes.one("users", rng),
            "content": text(rng, rng.randint(1, 3)),
            "type": rng.choice(("general", "suggestion", "praise")),
            "isResolved": rng.random() < 0.5,
            "createdAt": at,
            "updatedAt": at,
        }
        if thread and rng.random() < 0.6:
            comment["parent"] = rng.choice(thread)["_id"]
        sometimes(rng, 0.4, comment, highlightedText=words(rng, 4), position={"start": start, "end": start + 24})
        thread.append(comment)
    return thread


def document(number: int, sizes: Sizes) -> Document:
    rng = rng_of("documents", number)
    content = text(rng, rng.randint(20, 90))
    made: Document = {
        "_id": oid("documents", number),
        "title": title(rng),
        "content": content,
        "author": cast(number) if number >= FLAWED else sizes.one("users", rng),
        "type": rng.choice(("assignment", "assignment", "essay", "notes", "journal")),
        "status": rng.choice(("draft", "active", "archived")),
        "collaborators": [
            {
                "user": oid("users", student_number(number + k, sizes)),
                "permission": rng.choice(("edit", "comment", "view")),
                "joinedAt": born(number),
            }
            for k in range(1, rng.choice((1, 1, 2, 4)))
        ],
        "settings": {
            "spellcheck": True,
            "font": rng.choice(("serif", "sans")),
            "lineHeight": rng.choice((1, 1.5, 1.75)),
        },
        "metadata": {
            "wordCount": len(content.split()),
            "characterCount": len(content),
            "readingTime": len(content) / 1200,
        },
        **stamps(number, rng),
    }
    sometimes(rng, 0.8, made, course=sizes.one("courses", rng))
    sometimes(rng, 0.4, made, assignment=sizes.one("assignments", rng))
    sometimes(rng, 0.4, made, submission=sizes.one("assignmentsubmissions", rng))
    return made


def documentversion(number: int, sizes: Sizes) -> Document:
    rng = rng_of("documentversions", number)
    version = number // sizes["documents"] + 1 if number < FLAWED else 1000 + number - FLAWED
    return {
        "_id": oid("documentversions", number),
        "document": oid("documents", number % sizes["documents"]),
        "version": version,
        "title": title(rng),
        "content": text(rng, rng.randint(20, 60)),
        "author": sizes.one("users", rng),
        "changes": {"wordsAdded": rng.randrange(300), "wordsRemoved": rng.randrange(80), "summary": sentence(rng)},
        "metadata": {
            "trigger": rng.choice(("autosave", "manual", "milestone")),
            "device": rng.choice(("web", "tablet")),
        },
        "diff": {"ops": [{"retain": rng.randrange(500)}, {"insert": words(rng, 6)}, {"delete": rng.randrange(9)}]},
        "createdAt": born(number),
        "__v": 0,
    }


def writingsession(number: int, sizes: Sizes) -> Document:
    rng = rng_of("writingsessions", number)
    start, seconds = born(number), rng.randint(60, 5400)
    added = rng.randrange(600)
    made: Document = {
        "_id": oid("writingsessions", number),
        "document": sizes.one("documents", rng),
        "user": sizes.one("users", rng),
        "startTime": start,
        "duration": seconds,
        "activity": {
            "wordsAdded": added,
            "wordsDeleted": added // 5,
            "charactersTyped": added * 6,
            "pastes": rng.randrange(3),
            "pauses": [rng.randrange(5, 120) for _ in range(rng.randrange(4))],
        },
        "snapshots": [
            {"timestamp": start + timedelta(seconds=60 * k), "wordCount": 20 * k} for k in range(rng.randrange(4))
        ],
        "productivity": {"wordsPerMinute": round(added * 60 / seconds, 2), "focusScore": rng.randint(0, 100)},
        "createdAt": start,
        "updatedAt": start + timedelta(seconds=seconds),
        "__v": 0,
    }
    sometimes(rng, 0.95, made, endTime=start + timedelta(seconds=seconds))
    return made


def notification(number: int, sizes: Sizes) -> Document:
    rng = rng_of("notifications", number)
    made: Document = {
        "_id": oid("notifications", number),
        "recipient": sizes.one("users", rng),
        "type": rng.choice(("submission_received", "grade_posted", "comment_added", "stalled_writing", "deadline")),
        "category": rng.choice(("academic", "system", "intervention")),
        "priority": rng.choice(("low", "normal", "high", "urgent")),
        "title": title(rng),
        "message": text(rng, rng.randint(1, 2)),
        "context": {"assignment": sizes.one("assignments", rng), "link": f"/go/{number}"},
        "status": rng.choice(("unread", "read", "dismissed")),
        "actionRequired": rng.random() < 0.2,
        "expiresAt": born(number) + timedelta(days=90),
        **stamps(number, rng),
    }
    sometimes(rng, 0.6, made, sender=sizes.one("users", rng))
    sometimes(
        rng,
        0.1,
        made,
        intervention={"kind": "check-in", "suggested": text(rng, 1)},
        relatedMetrics={"daysIdle": rng.randrange(20)},
    )
    if made["status"] == "read":
        made["readAt"] = made["createdAt"] + timedelta(minutes=rng.randrange(5000))
    return made
