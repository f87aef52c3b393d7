"""Scribe Tree's ten Mongoose models: what a document of each looks like in MongoDB, made from its number."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from seeding import (
    FIRST_NAMES,
    FLAWED,
    LAST_NAMES,
    Document,
    Sizes,
    bcrypt_like,
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

STAGES = ("brainstorming", "outlining", "drafting", "revising", "editing")
ACTIONS = ("generate_prompts", "suggest_perspectives", "ask_questions", "check_structure", "point_to_evidence")
BLOOM = ("remembering", "understanding", "application", "analysis", "evaluation", "creation")
TAGS = ("poetry", "essay", "rhetoric", "memoir", "fiction", "research", "first-year", "workshop", "journalism")
SUBJECTS = ("English", "Creative Writing", "History", "Philosophy", "Media Studies")


def is_educator(number: int) -> bool:
    return number < FLAWED and number % 10 == 0


def educator(rng: random.Random, sizes: Sizes) -> ObjectId:
    return oid("users", rng.randrange(sizes["users"] // 10) * 10)


def student_number(k: int, sizes: Sizes) -> int:
    """The k-th student's number, around and around: every user who is no multiple of ten."""
    k %= sizes["users"] // 10 * 9
    return k // 9 * 10 + 1 + k % 9


def stamps(number: int, rng: random.Random) -> Document:
    """`timestamps: true` and Mongoose's version key."""
    made = born(number)
    return {
        "createdAt": made,
        "updatedAt": made + timedelta(minutes=rng.randrange(200_000)),
        "__v": rng.choice((0, 0, 0, 1, 3)),
    }


def user(number: int, sizes: Sizes) -> Document:
    rng = rng_of("users", number)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    role = "student" if not is_educator(number) else "admin" if number % 200 == 190 else "educator"
    document: Document = {
        "_id": oid("users", number),
        "email": f"{first.lower()}.{number}@mail.example",
        "password": bcrypt_like(rng),
        "firstName": first,
        "lastName": last,
        "role": role,
        "isVerified": rng.random() < 0.8,
    }
    sometimes(rng, 0.4, document, profilePicture=f"https://cdn.scribe.example/people/{number}.webp")
    sometimes(rng, 0.5, document, bio=text(rng, rng.randint(1, 4)))
    return document | stamps(number, rng)


def course(number: int, sizes: Sizes) -> Document:
    rng = rng_of("courses", number)
    start = datetime(2023 + number % 3, rng.choice((1, 4, 9)), rng.randint(1, 28))
    seats = rng.choice((20, 25, 30, 40))
    at = rng.randrange(sizes["users"])
    return {
        "_id": oid("courses", number),
        "title": title(rng),
        "description": text(rng, rng.randint(2, 5)),
        "subject": rng.choice(SUBJECTS),
        "instructor": educator(rng, sizes),
        "students": [oid("users", student_number(at + k, sizes)) for k in range(rng.randint(5, 18))],
        "isPublic": rng.random() < 0.3,
        "maxStudents": seats,
        "startDate": start,
        "endDate": start + timedelta(days=rng.randint(60, 120)),
        "settings": {
            "allowLateSubmissions": rng.random() < 0.5,
            "requireApproval": rng.random() < 0.2,
            "aiPolicy": {"enabled": True, "stages": rng.sample(STAGES, 2), "dailyLimit": rng.choice((5, 10, 20))},
        },
        "status": rng.choice(("planning", "active", "active", "completed")),
        "isActive": rng.random() < 0.8,
        "enrollmentCode": f"{'ABCDEFGH'[number % 8]}{number:07d}",
        "tags": rng.sample(TAGS, rng.randint(0, 4)),
        **stamps(number, rng),
    }


def requirements(rng: random.Random) -> Document:
    least = rng.choice((300, 500, 800))
    return {
        "minWords": least,
        "maxWords": least * rng.choice((2, 3)),
        "requiredSections": rng.sample(
            ("introduction", "argument", "counter-argument", "conclusion"), rng.randint(1, 4)
        ),
        "citationStyle": rng.choice(("MLA", "APA", "Chicago", None)),
        "allowedResources": [f"https://library.example/{words(rng, 1)}" for _ in range(rng.randint(0, 2))],
    }


def stages(entity: str, number: int, rng: random.Random) -> list[Document]:
    return [
        {
            "_id": oid(f"{entity}.writingStages.{order}", number),
            "name": name.capitalize(),
            "order": order,
            "description": sentence(rng),
            "requiredDuration": rng.choice((15, 30, 45)),
            "aiAssistance": {
                "allowedActions": rng.sample(ACTIONS, rng.randint(0, 3)),
                "maxInteractions": rng.choice((0, 5, 10)),
                "reflectionRequired": rng.random() < 0.7,
            },
        }
        for order, name in enumerate(STAGES[: rng.randint(2, 5)], 1)
    ]


def objectives(entity: str, number: int, rng: random.Random) -> list[Document]:
    """Their weights sum to 100: the model's pre-save hook sees to it. The shell writes doubles where the driver writes ints."""
    weights: tuple[Any, ...] = rng.choice(((100,), (50, 50), (25, 25, 50), (33.3333, 33.3333, 33.3334), (40.0, 60)))
    levels = [rng.randint(1, 6) for _ in weights]
    return [
        {
            "_id": oid(f"{entity}.learningObjectives.{i}", number),
            "description": sentence(rng),
            "bloomsLevel": level,
            "category": BLOOM[level - 1],
            "weight": weight,
        }
        for i, (weight, level) in enumerate(zip(weights, levels, strict=True))
    ]


def ai_settings(rng: random.Random) -> Document:
    return {
        "enabled": rng.random() < 0.9,
        "globalBoundary": rng.choice(("strict", "moderate", "permissive")),
        "allowedActions": rng.sample(ACTIONS, rng.randint(1, 4)),
        "requireReflection": True,
    }


def grading(rng: random.Random) -> Document:
    points = rng.choice((10, 20, 25))
    return {
        "criteria": [
            {"name": name, "maxPoints": points, "weight": 0.25} for name in ("Thesis", "Evidence", "Form", "Voice")
        ],
        "allowPeerReview": rng.random() < 0.4,
    }


def assignmenttemplate(number: int, sizes: Sizes) -> Document:
    rng = rng_of("assignmenttemplates", number)
    return {
        "_id": oid("assignmenttemplates", number),
        "title": title(rng),
        "description": text(rng, 2),
        "instructions": text(rng, rng.randint(5, 12)),
        "requirements": requirements(rng),
        "writingStages": stages("assignmenttemplates", number, rng),
        "learningObjectives": objectives("assignmenttemplates", number, rng),
        "aiSettings": ai_settings(rng),
        "gradingCriteria": grading(rng),
        "instructor": educator(rng, sizes),
        "isPublic": rng.random() < 0.5,
        "usageCount": rng.randrange(40),
        "tags": rng.sample(TAGS, rng.randint(0, 4)),
        **stamps(number, rng),
    }


def assignment(number: int, sizes: Sizes) -> Document:
    rng = rng_of("assignments", number)
    plan = stages("assignments", number, rng)
    due = born(number) + timedelta(days=30)
    return {
        "_id": oid("assignments", number),
        "title": title(rng),
        "instructions": text(rng, rng.randint(5, 12)),
        "course": sizes.one("courses", rng),
        "instructor": educator(rng, sizes),
        "requirements": requirements(rng),
        "writingStages": plan,
        "learningObjectives": objectives("assignments", number, rng),
        "aiSettings": ai_settings(rng),
        "grading": grading(rng),
        "collaboration": {"enabled": rng.random() < 0.3, "maxCollaborators": rng.choice((2, 3, 4))},
        "versionControl": {"autoSaveInterval": 30, "keepVersions": rng.choice((10, 50))},
        "dueDate": due,
        "stageDueDates": [
            {"stage": s["_id"], "dueDate": due - timedelta(days=2 * i)} for i, s in enumerate(reversed(plan))
        ],
        "status": rng.choice(("draft", "published", "published", "closed")),
        "type": rng.choice(("individual", "individual", "collaborative")),
        **stamps(number, rng),
    }


def courseassignment(number: int, sizes: Sizes) -> Document:
    rng = rng_of("courseassignments", number)
    template = number % sizes["assignmenttemplates"]
    course_number = (number // sizes["assignmenttemplates"] + template) % sizes["courses"]
    document = {
        "_id": oid("courseassignments", number),
        "template": oid("assignmenttemplates", template),
        "course": oid("courses", course_number),
        "instructor": educator(rng, sizes),
        "dueDate": born(number) + timedelta(days=40),
        "status": rng.choice(("draft", "published", "published")),
    }
    sometimes(rng, 0.3, document, title=title(rng))
    return document | stamps(number, rng)


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


MAKERS = {
    "users": user,
    "courses": course,
    "assignmenttemplates": assignmenttemplate,
    "assignments": assignment,
    "courseassignments": courseassignment,
    "assignmentsubmissions": assignmentsubmission,
    "documents": document,
    "documentversions": documentversion,
    "writingsessions": writingsession,
    "notifications": notification,
}
