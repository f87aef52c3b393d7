"""Scribe Tree's models of teaching, as Mongoose stores them: users, courses, templates, assignments."""

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
    """Their weights sum to 100: the pre-save hook sees to it. The shell writes doubles where the driver writes ints."""
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
