"""What people do, whatever stores it. Each function is the work of one transaction; `now` and ids come from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hack_the_world_app.store import Kind, Record, Repository
from journeys.application import Answered

POINTS = {"video": 10, "document": 10, "game": 30, "lab": 50}
COUNTED = {"game": "gamesCompleted", "lab": "labsCompleted"}
OF: dict[Kind, str] = {"enrollments": "moduleId", "progress": "contentId", "earned": "achievementId"}
A_LEVEL = 1000
ATTEMPTS, LOCKED_FOR = 5, timedelta(hours=2)


@dataclass(frozen=True)
class Act:
    """Somebody does something now."""

    repository: Repository
    now: datetime
    new_id: Callable[[], str]

    def add(self, kind: Kind, record: Record) -> Record:
        made = {"id": self.new_id(), **record, "isActive": True, "createdAt": self.now, "updatedAt": self.now}
        self.repository.add(kind, made)
        return made

    def change(self, kind: Kind, record: Record, values: Record) -> Record:
        values = {**values, "updatedAt": self.now}
        self.repository.change(kind, record["id"], values)
        return {**record, **values}

    def user(self, user_id: str) -> Record:
        if (user := self.repository.user(user_id)) is None:
            raise Answered(401, "nobody is logged in")
        return user

    def change_user(self, user: Record, values: Mapping[str, Any]) -> Record:
        values = {**values, "updatedAt": self.now}
        self.repository.change_user(user["id"], values)
        changed = {name: dict(value) if isinstance(value, dict) else value for name, value in user.items()}
        for path, value in values.items():
            part, _, name = path.rpartition(".")
            (changed[part] if part else changed)[name] = value
        return changed


def register(act: Act, given: Record, password: str) -> Record:
    """`password` is its hash."""
    email = given["email"].lower()
    taken = [
        f"{field} is taken"
        for field, value in (("username", given["username"]), ("email", email))
        if act.repository.user_with(field, value) is not None  # type: ignore[arg-type]
    ]
    if taken:
        raise Answered(409, *taken)
    user = {
        "id": act.new_id(),
        "username": given["username"],
        "email": email,
        "password": password,
        "role": "student",
        "profile": {
            **dict.fromkeys(("avatar", "bio", "location", "website")),
            "firstName": given["firstName"],
            "lastName": given["lastName"],
            "experienceLevel": "beginner",
        },
        "stats": {
            "totalPoints": 0,
            "level": 1,
            "coursesCompleted": 0,
            "labsCompleted": 0,
            "gamesCompleted": 0,
            "achievementsEarned": 0,
            "averageScore": None,
        },
        "security": {"emailVerified": False, "twoFactorEnabled": False, "loginAttempts": 0, "lockUntil": None},
        "currentStreak": 0,
        "longestStreak": 0,
        "lastActiveAt": None,
        "adminStatus": "active",
        "createdAt": act.now,
        "updatedAt": act.now,
    }
    act.repository.add_user(user)
    return user


def log_in(act: Act, user_id: str, *, right: bool) -> Record | Answered:
    """Note that somebody gave a password, and whether it was the right one. A refusal is returned, as it is written."""
    user = act.user(user_id)
    security = user["security"]
    if security["lockUntil"] is not None and security["lockUntil"] > act.now:
        return Answered(423, "the account is locked")
    if not right:
        attempts = security["loginAttempts"] + 1
        until = act.now + LOCKED_FOR if attempts >= ATTEMPTS else None
        act.change_user(user, {"security.loginAttempts": attempts, "security.lockUntil": until})
        return Answered(401, "no user has this email and this password")
    if user["adminStatus"] != "active":
        return Answered(403, f"the account is {user['adminStatus']}")
    return act.change_user(user, {"security.loginAttempts": 0, "security.lockUntil": None, **_streak(user, act.now)})


def enrol(act: Act, user_id: str, module_id: str) -> Record:
    act.user(user_id)
    known(_of("id", module_id, act.repository.modules()))
    if _enrollment(act, user_id, module_id) is not None:
        raise Answered(409, "enrolled already")
    return act.add(
        "enrollments",
        {
            "userId": user_id,
            "moduleId": module_id,
            "status": "active",
            "enrolledAt": act.now,
            "completedAt": None,
            "lastAccessedAt": act.now,
            "progressPercentage": 0,
            "completedSections": 0,
            "totalSections": len(act.repository.contents(module_id)),
            "timeSpent": 0,
            "certificateIssued": False,
            "grade": None,
            "feedback": None,
        },
    )


def complete(act: Act, user_id: str, content_id: str, given: Record) -> Record:
    """Complete a piece of content: its progress, the enrollment, achievements, points and the streak."""
    user = act.user(user_id)
    content = known(act.repository.content(content_id))
    enrollment = _enrollment(act, user_id, content["moduleId"])
    if enrollment is None or enrollment["status"] == "dropped":
        raise Answered(403, "not enrolled in the module")
    before = act.repository.of_user("progress", user_id)
    mine = _of("contentId", content_id, before)
    if mine is not None and mine["status"] == "completed":
        raise Answered(409, "completed already")
    done = _note_progress(act, user_id, content, mine, given)
    progress = [*(one for one in before if one is not mine), done]
    enrollment, completed = _note_section(act, enrollment, progress)
    stats = dict(user["stats"])
    if content["type"] in COUNTED:
        stats[COUNTED[content["type"]]] += 1
    earned = list(_earn(act, user_id, stats["labsCompleted"]))
    points = POINTS[content["type"]] + sum(one["rewards"]["points"] for one in earned)
    stats["coursesCompleted"] += completed
    stats["achievementsEarned"] += len(earned)
    stats["totalPoints"] += points
    stats["level"] = stats["totalPoints"] // A_LEVEL + 1
    stats["averageScore"] = _mean(progress)
    changed = {f"stats.{name}": value for name, value in stats.items() if value != user["stats"][name]}
    user = act.change_user(user, {**changed, **_streak(user, act.now)})
    return {
        "points": points,
        "achievements": sorted(one["slug"] for one in earned),
        "user": public(user),
        "enrollment": enrollment,
        "progress": done,
    }


def module(repository: Repository, user_id: str, module_id: str) -> Record:
    """A module with its contents, and how far the user is with each."""
    found = known(_of("id", module_id, repository.modules()))
    mine = {one["contentId"]: one for one in repository.of_user("progress", user_id)}
    shown = ("status", "progressPercentage", "completedAt", "score")
    contents = [
        {**content, "progress": {name: mine[content["id"]][name] for name in shown} if content["id"] in mine else None}
        for content in repository.contents(module_id)
    ]
    return {**found, "contents": contents}


def of_user(repository: Repository, kind: Kind, user_id: str, of: str) -> Record:
    """A user's enrollment in a module, progress with a piece of content, or achievement."""
    return known(_of(OF[kind], of, repository.of_user(kind, user_id)))


def known(record: Record | None) -> Record:
    if record is None:
        raise Answered(404, "there is no such thing")
    return record


def public(user: Record) -> Record:
    """What others may see of a user."""
    shown = ("id", "username", "role", "profile", "stats", "currentStreak", "longestStreak", "lastActiveAt")
    return {name: user[name] for name in shown}


def _note_progress(act: Act, user_id: str, content: Record, mine: Record | None, given: Record) -> Record:
    values = {
        "status": "completed",
        "progressPercentage": 100,
        "completedAt": act.now,
        "lastAccessedAt": act.now,
        "score": given["score"],
        "notes": given["notes"],
    }
    if mine is not None:
        more = {"attempts": mine["attempts"] + 1, "timeSpent": mine["timeSpent"] + given["timeSpent"]}
        return act.change("progress", mine, {**values, **more, "startedAt": mine["startedAt"] or act.now})
    return act.add(
        "progress",
        {
            "userId": user_id,
            "contentId": content["id"],
            "moduleId": content["moduleId"],
            "contentType": content["type"],
            "attempts": 1,
            "timeSpent": given["timeSpent"],
            "lastPosition": None,
            "startedAt": act.now,
            **values,
        },
    )


def _note_section(act: Act, enrollment: Record, progress: Sequence[Record]) -> tuple[Record, bool]:
    """Return the enrollment, and whether the module is completed by this."""
    seen = {"lastAccessedAt": act.now}
    if enrollment["status"] == "completed":
        return act.change("enrollments", enrollment, seen), False
    parts = {content["id"] for content in act.repository.contents(enrollment["moduleId"])}
    done = [one for one in progress if one["contentId"] in parts and one["status"] == "completed"]
    values: Record = {
        "completedSections": len(done),
        "totalSections": len(parts),
        "progressPercentage": len(done) * 100 // len(parts),
        **seen,
    }
    if is_completed := len(done) == len(parts):
        mean = _mean(done)
        values |= {"status": "completed", "completedAt": act.now, "certificateIssued": True}
        values |= {"grade": None if mean is None else round(mean)}
    return act.change("enrollments", enrollment, values), is_completed


def _earn(act: Act, user_id: str, labs: int) -> Sequence[Record]:
    """Give the user every achievement for which the labs are enough by now; return those that are new."""
    had = {one["achievementId"]: one for one in act.repository.of_user("earned", user_id)}
    new = []
    for one in act.repository.achievements():
        one = {**one, "rewards": _rewards(one["rewards"])}
        mine, needed = had.get(one["id"]), one["requirements"]["target"]
        if needed > labs or (mine is not None and mine["isCompleted"]):
            continue
        values = {
            "progress": needed,
            "isCompleted": True,
            "completedAt": act.now,
            "earnedRewards": one["rewards"],
            "notificationSent": False,
        }
        if mine is None:
            act.add("earned", {"userId": user_id, "achievementId": one["id"], **values})
        else:
            act.change("earned", mine, values)
        new.append(one)
    return new


def _rewards(rewards: Any) -> Record:
    """The first achievements had a bare number of points."""
    return rewards if isinstance(rewards, dict) else {"points": rewards}


def _enrollment(act: Act, user_id: str, module_id: str) -> Record | None:
    return _of("moduleId", module_id, act.repository.of_user("enrollments", user_id))


def _of(name: str, value: str, records: Sequence[Record]) -> Record | None:
    return next((one for one in records if one[name] == value), None)


def _mean(progress: Sequence[Record]) -> float | None:
    scores = [one["score"] for one in progress if one["score"] is not None]
    return round(sum(scores) / len(scores), 2) if scores else None


def _streak(user: Record, now: datetime) -> Record:
    """Somebody is here today: a day after the last time it is one more, later it begins again."""
    last = user["lastActiveAt"]
    days = None if last is None else (now.date() - last.date()).days
    current = user["currentStreak"] + 1 if days == 1 else max(user["currentStreak"], 1) if days == 0 else 1
    return {"currentStreak": current, "longestStreak": max(current, user["longestStreak"]), "lastActiveAt": now}
