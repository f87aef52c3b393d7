"""Hack The World's eight Mongoose models: what a document of each looks like in MongoDB, made from its number."""

from __future__ import annotations

import random
from datetime import timedelta

from seeding import (
    FIRST_NAMES,
    FLAWED,
    LAST_NAMES,
    Document,
    Sizes,
    bcrypt_like,
    born,
    cast,
    oid,
    rng_of,
    sentence,
    sometimes,
    text,
    title,
    words,
)

LEVELS = ("beginner", "intermediate", "advanced", "expert")
KINDS = ("video", "lab", "game", "document")
ICONS = ("terminal", "shield", "lock", "bug", "network", "flag")
COLORS = ("#00ff41", "#0abdc6", "#ff2a6d", "#f9c80e")
TOPICS = ("linux", "networking", "cryptography", "web", "forensics", "reversing", "cloud", "privacy")


def stamps(number: int, rng: random.Random) -> Document:
    """`timestamps: true` and Mongoose's version key."""
    made = born(number)
    return {"createdAt": made, "updatedAt": made + timedelta(minutes=rng.randrange(100_000)), "__v": 0}


def user(number: int, sizes: Sizes) -> Document:
    rng = rng_of("hackers", number)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    longest = rng.randrange(60)
    profile: Document = {
        "firstName": first,
        "lastName": last,
        "avatar": f"https://cdn.htw.example/avatars/{number}.png",
        "experienceLevel": rng.choice(LEVELS),
    }
    sometimes(rng, 0.6, profile, bio=text(rng, rng.randint(1, 3)), location=words(rng, 1).title())
    sometimes(rng, 0.2, profile, website=f"https://{first.lower()}{number}.example")
    document: Document = {
        "_id": oid("users", number),
        "username": f"{first.lower()}_{number}",
        "email": f"{first.lower()}.{number}@mail.example",
        "password": bcrypt_like(rng),
        "role": "admin" if number % 100 == 99 else "student",
        "profile": profile,
        "stats": stats(rng),
        "security": security(number, rng),
        "currentStreak": rng.randint(0, longest),
        "longestStreak": longest,
        "adminStatus": rng.choice(("active", "active", "active", "suspended", "pending")),
    }
    sometimes(rng, 0.9, document, lastActiveAt=born(number) + timedelta(days=rng.randrange(300)))
    return document | stamps(number, rng)


def stats(rng: random.Random) -> Document:
    points = rng.randrange(20_000)
    made: Document = {
        "totalPoints": points,
        "level": points // 1000 + 1,
        "coursesCompleted": rng.randrange(8),
        "labsCompleted": rng.randrange(30),
        "gamesCompleted": rng.randrange(20),
        "achievementsEarned": rng.randrange(15),
    }
    sometimes(rng, 0.7, made, averageScore=round(rng.uniform(40, 100), 2))
    return made


def security(number: int, rng: random.Random) -> Document:
    """`lockUntil` is a Number in the model: milliseconds, which MongoDB's driver for JavaScript writes as a double."""
    made: Document = {
        "emailVerified": rng.random() < 0.8,
        "twoFactorEnabled": False,
        "loginAttempts": rng.choice((0, 0, 0, 1, 2, 5)),
    }
    if rng.random() < 0.15:
        made |= {
            "twoFactorEnabled": True,
            "twoFactorSecret": "".join(rng.choices("ABCDEFGHJKMNPQRS234567", k=32)),
        }
    if made["loginAttempts"] == 5:
        made["lockUntil"] = float(int(born(number).timestamp() * 1000) + 7_200_000)
    sometimes(rng, 0.3, made, passwordChangedAt=born(number) + timedelta(days=30))
    asked = born(number) + timedelta(days=31)
    sometimes(rng, 0.1, made, passwordResetToken=f"{rng.getrandbits(160):040x}", passwordResetExpires=asked)
    return made


def phase(number: int, sizes: Sizes) -> Document:
    rng = rng_of("phases", number)
    return {
        "_id": oid("phases", number),
        "title": f"{title(rng, 2, 3)} {number + 1}",
        "description": text(rng, 2),
        "icon": rng.choice(ICONS),
        "color": rng.choice(COLORS),
        "order": number + 1 if number < FLAWED else 1000 + number - FLAWED,
        "isActive": True,
        "prerequisites": [sentence(rng, 2, 4) for _ in range(rng.randrange(3))],
        "estimatedDuration": f"{rng.randint(2, 8)} weeks",
        "difficultyLevel": LEVELS[number % 4],
        "tags": rng.sample(TOPICS, rng.randint(0, 3)),
        **stamps(number, rng),
    }


def module(number: int, sizes: Sizes) -> Document:
    rng = rng_of("modules", number)
    order = number // sizes["phases"] + 1 if number < FLAWED else 1000 + number - FLAWED
    mine = range(number, sizes["contents"], sizes["modules"]) if number < sizes["modules"] else range(0)
    return {
        "_id": oid("modules", number),
        "phaseId": oid("phases", number % sizes["phases"]),
        "title": title(rng),
        "description": text(rng, 2),
        "icon": rng.choice(ICONS),
        "duration": f"{rng.randint(2, 20)} hours",
        "difficulty": rng.choice(LEVELS),
        "color": rng.choice(COLORS),
        "order": order,
        "topics": rng.sample(TOPICS, rng.randint(1, 4)),
        "learningOutcomes": [sentence(rng) for _ in range(rng.randint(1, 4))],
        "prerequisites": [],
        "content": {f"{kind}s": [oid("contents", c) for c in mine if KINDS[c % 4] == kind] for kind in KINDS},
        "isActive": rng.random() < 0.9,
        **stamps(number, rng),
    }


def content(number: int, sizes: Sizes) -> Document:
    rng = rng_of("contents", number)
    kind = KINDS[number % 4]
    made: Document = {
        "_id": oid("contents", number),
        "moduleId": oid("modules", number % sizes["modules"]),
        "type": kind,
        "title": title(rng),
        "description": text(rng, rng.randint(1, 3)),
        "section": f"{rng.choice(('Basics', 'Practice', 'Depth'))} {rng.randint(1, 3)}",
        "order": number // sizes["modules"] + 1 if number < FLAWED else 1000 + number - FLAWED,
        "duration": rng.randint(3, 90),
        "isActive": True,
        **stamps(number, rng),
    }
    if kind == "video":
        made |= {
            "url": f"https://video.htw.example/{number}",
            "metadata": {"lines": 1080, "captions": ["en", "de"]},
        }
    elif kind in ("lab", "game"):
        made |= {
            "instructions": text(rng, rng.randint(4, 12)),
            "metadata": {"hints": rng.randint(1, 5)},
        }
    return made


def enrollment(number: int, sizes: Sizes) -> Document:
    rng = rng_of("userenrollments", number)
    who, turn = number % sizes["users"], number // sizes["users"]
    total = rng.randint(4, 12)
    done = rng.choice((total, rng.randrange(total)))
    made: Document = {
        "_id": oid("userenrollments", number),
        "userId": cast(number) if number >= FLAWED else oid("users", who),
        "moduleId": oid("modules", (turn + who) % sizes["modules"]),
        "status": "completed" if done == total else rng.choice(("active", "active", "paused", "dropped")),
        "enrolledAt": born(number),
        "lastAccessedAt": born(number) + timedelta(days=rng.randint(20, 60)),
        "progressPercentage": done / total * 100 if done % 3 else done * 100 // total,
        "completedSections": done,
        "totalSections": total,
        "timeSpent": rng.randrange(3000),
        "certificateIssued": done == total and rng.random() < 0.7,
        "isActive": True,
        **stamps(number, rng),
    }
    if done == total:
        made |= {"completedAt": born(number) + timedelta(days=rng.randint(5, 19)), "grade": rng.randint(50, 100)}
    sometimes(rng, 0.2, made, feedback=text(rng, 1))
    return made


def progress(number: int, sizes: Sizes) -> Document:
    rng = rng_of("userprogresses", number)
    who, turn = number % sizes["users"], number // sizes["users"]
    item = (turn + 3 * who) % sizes["contents"]
    status = rng.choice(("not-started", "in-progress", "completed", "completed"))
    kind, begun = KINDS[item % 4], status != "not-started"
    made: Document = {
        "_id": oid("userprogresses", number),
        "userId": cast(number) if number >= FLAWED else oid("users", who),
        "contentId": oid("contents", item),
        "moduleId": oid("modules", item % sizes["modules"]),
        "contentType": kind,
        "status": status,
        "progressPercentage": {"not-started": 0, "in-progress": rng.randint(1, 99), "completed": 100}[status],
        "timeSpent": round(rng.uniform(1, 5000), 3) if begun else 0,
        "attempts": rng.randint(1, 4) if begun else 0,
        "lastAccessedAt": born(number) + timedelta(days=30),
        "isActive": True,
        **stamps(number, rng),
    }
    if begun:
        made["startedAt"] = born(number)
    if status == "completed":
        made["completedAt"] = born(number) + timedelta(minutes=rng.randint(1, 9000))
        sometimes(rng, 0.6, made, score=rng.randint(40, 100))
    if kind == "video" and begun:
        made["lastPosition"] = round(rng.uniform(1, 3600), 3)
    sometimes(rng, 0.1, made, notes=text(rng, 1))
    return made


def achievement(number: int, sizes: Sizes) -> Document:
    rng = rng_of("achievements", number)
    rewards: Document = {"points": rng.choice((50, 100, 250))}
    sometimes(rng, 0.5, rewards, badge=f"badge-{number}", title=title(rng, 1, 2))
    return {
        "_id": oid("achievements", number),
        "slug": f"{words(rng, 1)}-{number}",
        "title": title(rng, 2, 3),
        "description": sentence(rng),
        "category": rng.choice(("module", "lab", "game", "xp", "general")),
        "requirements": {"type": "labs", "target": rng.randint(1, 50), "description": sentence(rng)},
        "rewards": rewards,
        "icon": rng.choice(ICONS),
        "difficulty": ("bronze", "silver", "gold", "platinum")[number % 4],
        "isActive": True,
        **stamps(number, rng),
    }


def userachievement(number: int, sizes: Sizes) -> Document:
    rng = rng_of("userachievements", number)
    who, turn = number % sizes["users"], number // sizes["users"]
    done, earned = rng.random() < 0.4, (turn + who) % sizes["achievements"]
    made: Document = {
        "_id": oid("userachievements", number),
        "userId": cast(number) if number >= FLAWED else oid("users", who),
        "achievementId": oid("achievements", earned),
        "progress": rng.randint(0, 50),
        "isCompleted": done,
        "notificationSent": done and rng.random() < 0.9,
        "isActive": True,
        **stamps(number, rng),
    }
    if done:
        made |= {
            "completedAt": born(number) + timedelta(days=2),
            "earnedRewards": achievement(earned, sizes)["rewards"],
        }
    else:
        sometimes(rng, 0.3, made, completedAt=None, earnedRewards=None)
    return made
