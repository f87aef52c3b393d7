"""Makes Hack The World's database: eight collections as its Mongoose models store them, and the mess of some years.

Run it with `--url mongodb://localhost/hack_the_world`, `--dump DIR` (with `--scale 0.1`, say), or `--flaws`.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from bson import Int64, ObjectId

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

import hack_the_world_models as models  # noqa: E402  (the examples are scripts: their folders are no package)

from seeding import GONE, Document, Flaw, System, drop, iso, main, oid, put, year  # noqa: E402

OUT = "quarantined:"
CHECKED = {"sqlite": OUT + "check"}  # an enum is a CHECK there
ANY_TEXT = {"mongodb": "copied"}  # text may hold the character NUL there
WIDE = {"sqlite": "copied"}  # an INTEGER has 64 bits there
ENROLLMENTS, PROGRESS, EARNED = "userenrollments", "userprogresses", "userachievements"
MAKERS = {
    "users": models.user,
    "phases": models.phase,
    "modules": models.module,
    "contents": models.content,
    "userenrollments": models.enrollment,
    "userprogresses": models.progress,
    "achievements": models.achievement,
    "userachievements": models.userachievement,
}


def gone(entity: str) -> ObjectId:
    """A reference to a document that was deleted."""
    return oid(entity, GONE)


def clean(entity: str, number: int, *fields: str) -> Document:
    """What a clean document holds: copied into another, it clashes."""
    made = MAKERS[entity](number, SYSTEM.at(1.0))
    return {field: made[field] for field in fields}


def as_hex(field: str) -> Any:
    return lambda document, i: document.update({field: str(document[field])})


def old_user_id(document: Document, i: int) -> None:
    document["userid"] = document.pop("userId")


# One line a flaw: a table reads better unwrapped.
# fmt: off
FLAWS = (
    # users
    Flaw("role-case", "users", 3, "role in mixed case", "copied", put("role", "Student", "ADMIN")),
    Flaw("role-unknown", "users", 2, "role `moderator`, which the enum does not have", OUT + "not_a_label",
         put("role", "moderator"), ends_in=CHECKED),
    Flaw("status-missing", "users", 2, "adminStatus missing or null: becomes ACTIVE", "copied",
         lambda d, i: d.update(adminStatus=None) if i else d.pop("adminStatus")),
    Flaw("username-twice", "users", 2, "username of another user", OUT + "unique",
         lambda d, i: d.update(clean("users", i + 1, "username"))),
    Flaw("email-twice", "users", 2, "email of another user", OUT + "unique",
         lambda d, i: d.update(clean("users", i + 1, "email"))),
    Flaw("password-missing", "users", 1, "no password", OUT + "not_null", drop("password")),
    Flaw("password-empty", "users", 1, "password an empty string", "copied", put("password", "")),
    Flaw("bio-nul", "users", 1, "a NUL character in profile.bio", OUT + "nul_character",
         put("profile.bio", "root\x00shell"), ends_in=ANY_TEXT),
    Flaw("name-unicode", "users", 3, "names in decomposed letters, with emoji, right-to-left", "copied",
         put("profile.lastName", "Mu\u0308ller", "Root \U0001f9d1\u200d\U0001f4bb", "\u200fלוי\u200e")),
    Flaw("profile-missing", "users", 3, "profile missing, null or empty: no row in profiles but for the empty one",
         "copied", lambda d, i: _without_profile(d, i)),
    Flaw("level-unknown", "users", 1, "profile.experienceLevel `guru`", OUT + "not_a_label",
         put("profile.experienceLevel", "guru"), ends_in=CHECKED),
    Flaw("level-missing", "users", 2, "profile.experienceLevel missing: becomes BEGINNER", "copied",
         drop("profile.experienceLevel")),
    Flaw("streak-text", "users", 2, "currentStreak as text", "copied",
         lambda d, i: d.update(currentStreak="3", longestStreak=7.0)),
    Flaw("streak-missing", "users", 2, "longestStreak null, currentStreak missing: become 0", "copied",
         lambda d, i: (d.update(longestStreak=None), d.pop("currentStreak"))),
    Flaw("active-text", "users", 2, "lastActiveAt as ISO text", "copied",
         put("lastActiveAt", lambda d: iso(d["createdAt"]))),
    Flaw("active-odd", "users", 3, "lastActiveAt in the years 1, 1969 and 9999", "copied",
         put("lastActiveAt", year(1), year(1969), year(9999))),
    Flaw("active-beyond", "users", 1, "lastActiveAt in the year 9999999, beyond every target's dates",
         OUT + "mapping_error", put("lastActiveAt", year(9_999_999))),
    Flaw("points-long", "users", 2, "stats.totalPoints as a long or a double", "copied",
         put("stats.totalPoints", Int64(12_000), 12_000.0)),
    Flaw("points-huge", "users", 1, "stats.totalPoints beyond integer", OUT + "out_of_range",
         put("stats.totalPoints", Int64(2**33)), ends_in=WIDE),
    Flaw("score-nan", "users", 1, "stats.averageScore NaN", "copied", put("stats.averageScore", float("nan")),
         ends_in={"sqlite": OUT + "out_of_range"}),
    Flaw("session-token", "users", 3, "`sessionToken`: discarded as a path, the user is copied", "copied",
         put("sessionToken", "f00d" * 16)),
    # phases
    Flaw("phase-order-twice", "phases", 1, "order of another phase", OUT + "unique",
         lambda d, i: d.update(clean("phases", 0, "order"))),
    Flaw("phase-title-twice", "phases", 1, "title of another phase", OUT + "unique",
         lambda d, i: d.update(clean("phases", 1, "title"))),
    Flaw("phase-tags-scalar", "phases", 1, "tags a string, not a list", "copied", put("tags", "linux")),
    Flaw("phase-duration-missing", "phases", 1, "estimatedDuration missing: becomes `4-6 weeks`", "copied",
         drop("estimatedDuration")),
    Flaw("phase-level-unknown", "phases", 1, "difficultyLevel `impossible`", OUT + "not_a_label",
         put("difficultyLevel", "impossible"), ends_in=CHECKED),
    # modules
    Flaw("module-order-twice", "modules", 2, "phase and order of another module", OUT + "unique",
         lambda d, i: d.update(clean("modules", i, "phaseId", "order"))),
    Flaw("phase-gone", "modules", 1, "a phase that was deleted", OUT + "foreign_key", put("phaseId", gone("phases"))),
    Flaw("module-duration-number", "modules", 2, "duration a number: becomes its text", "copied",
         put("duration", 6, 7.5)),
    Flaw("topics-scalar", "modules", 1, "topics a string, not a list", "copied", put("topics", "web")),
    Flaw("module-icon-null", "modules", 1, "icon null", OUT + "not_null", put("icon", None)),
    # contents
    Flaw("type-unknown", "contents", 1, "type `quiz`, which the enum does not have", OUT + "not_a_label",
         put("type", "quiz"), ends_in=CHECKED),
    Flaw("type-case", "contents", 2, "type in mixed case", "copied", put("type", "Video", "LAB")),
    Flaw("content-order-twice", "contents", 2, "module and order of another one", OUT + "unique",
         lambda d, i: d.update(clean("contents", i, "moduleId", "order"))),
    Flaw("module-text", "contents", 2, "moduleId as hex text", "copied", as_hex("moduleId")),
    Flaw("module-gone", "contents", 1, "a module that was deleted", OUT + "foreign_key",
         put("moduleId", gone("modules"))),
    Flaw("duration-text", "contents", 2, "duration as text", "copied", put("duration", "15")),
    Flaw("duration-words", "contents", 1, "duration `a while`", OUT + "mapping_error", put("duration", "a while")),
    Flaw("instructions-nul", "contents", 1, "a NUL character in metadata", OUT + "nul_character",
         put("metadata", {"payload": "AAAA\x00BBBB"}), ends_in=ANY_TEXT),
    Flaw("metadata-keys", "contents", 2, "metadata with dotted, dollar, empty and case-only different names", "copied",
         put("metadata", {"a.b": 1, "$set": 2, "": 3, "Hint": 4, "hint": 5})),
    # userenrollments
    Flaw("enrolled-twice", ENROLLMENTS, 3, "user and module of another enrollment", OUT + "unique",
         lambda d, i: d.update(clean(ENROLLMENTS, i, "userId", "moduleId"))),
    Flaw("enrolled-user-gone", ENROLLMENTS, 2, "a user who was deleted", OUT + "foreign_key",
         put("userId", gone("users"))),
    Flaw("userid", ENROLLMENTS, 3, "`userid` instead of `userId`", "copied", old_user_id),
    Flaw("enrolled-user-text", ENROLLMENTS, 2, "userId as hex text", "copied", as_hex("userId")),
    Flaw("enrolled-status-case", ENROLLMENTS, 2, "status in capitals", "copied", put("status", "ACTIVE", "Paused")),
    Flaw("enrolled-time-huge", ENROLLMENTS, 1, "timeSpent beyond integer", OUT + "out_of_range",
         put("timeSpent", Int64(10**12)), ends_in=WIDE),
    Flaw("grade-letter", ENROLLMENTS, 1, "grade `A`", OUT + "mapping_error", put("grade", "A")),
    Flaw("grade-null", ENROLLMENTS, 1, "grade null", "copied", put("grade", None)),
    Flaw("enrolled-at-missing", ENROLLMENTS, 1, "enrolledAt missing: becomes createdAt", "copied",
         drop("enrolledAt")),
    # userprogresses
    Flaw("progress-twice", PROGRESS, 2, "user and content of another record", OUT + "unique",
         lambda d, i: d.update(clean(PROGRESS, i, "userId", "contentId", "moduleId", "contentType"))),
    Flaw("progress-content-gone", PROGRESS, 2, "content that was deleted", OUT + "foreign_key",
         put("contentId", gone("contents"))),
    Flaw("progress-status-unknown", PROGRESS, 1, "status `skipped`, which the enum does not have",
         OUT + "not_a_label", put("status", "skipped"), ends_in=CHECKED),
    Flaw("progress-score-text", PROGRESS, 2, "score as text", "copied", put("score", "80")),
    Flaw("progress-attempts-null", PROGRESS, 2, "attempts null: becomes 0", "copied", put("attempts", None)),
    Flaw("progress-completed-text", PROGRESS, 1, "completedAt `yesterday`", OUT + "mapping_error",
         put("completedAt", "yesterday")),
    # achievements
    Flaw("slug-twice", "achievements", 1, "slug of another achievement", OUT + "unique",
         lambda d, i: d.update(clean("achievements", 0, "slug"))),
    Flaw("requirements-missing", "achievements", 1, "requirements missing", OUT + "not_null", drop("requirements")),
    Flaw("rewards-number", "achievements", 1, "rewards a bare number", "copied", put("rewards", 100)),
    Flaw("retired", "achievements", 2, "category `retired`: discarded", "discarded", put("category", "retired")),
    # userachievements
    Flaw("earned-twice", EARNED, 2, "user and achievement of another record", OUT + "unique",
         lambda d, i: d.update(clean(EARNED, i, "userId", "achievementId"))),
    Flaw("earned-unknown", EARNED, 1, "an achievement that was deleted", OUT + "foreign_key",
         put("achievementId", gone("achievements"))),
    Flaw("earned-flag-missing", EARNED, 2, "isCompleted missing: becomes false", "copied",
         lambda d, i: (d.pop("isCompleted"), d.update(completedAt=None, earnedRewards=None))),
    Flaw("earned-progress-half", EARNED, 1, "progress 2.5 for a whole number", OUT + "mapping_error",
         put("progress", 2.5)),
    # What the rules find: planted only with --break-rules
    Flaw("streak-beyond", "users", 2, "currentStreak above longestStreak", "copied",
         lambda d, i: d.update(currentStreak=9, longestStreak=3), breaks="streaks"),
    Flaw("progress-140", ENROLLMENTS, 1, "progressPercentage 140", "copied", put("progressPercentage", 140),
         breaks="progress_percentages"),
    Flaw("completed-never", PROGRESS, 2, "completed without a completedAt", "copied",
         lambda d, i: (d.update(status="completed", progressPercentage=100), d.pop("completedAt", None)),
         breaks="completed_when"),
    Flaw("completed-early", ENROLLMENTS, 1, "completedAt before enrolledAt", "copied",
         lambda d, i: d.update(status="completed", progressPercentage=100,
                               completedAt=d["enrolledAt"] - timedelta(days=1)), breaks="completed_after_enrolled"),
)
# fmt: on


def _without_profile(document: Document, i: int) -> None:
    del document["profile"]
    if i:
        document["profile"] = (None, {})[i - 1]


SYSTEM = System(
    name="hack_the_world",
    sizes={
        "users": 800,
        "phases": 20,
        "modules": 60,
        "contents": 600,
        "userenrollments": 1500,
        "userprogresses": 2500,
        "achievements": 40,
        "userachievements": 1000,
    },
    make=MAKERS,
    flaws=FLAWS,
    indexes={
        "users": [["email"], ["username"]],
        "modules": [["phaseId", "order"]],
        "contents": [["moduleId", "order"]],
        "userenrollments": [["userId", "moduleId"]],
        "userprogresses": [["userId", "contentId"]],
        "userachievements": [["userId", "achievementId"]],
    },
)

if __name__ == "__main__":
    main(SYSTEM, (__doc__ or "").splitlines()[0])
