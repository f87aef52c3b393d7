"""Both examples, back again: the target is used, its rows are put into the documents, and verify says equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from systems import Project, Route, fill, project_of

from crossfade.move import Move
from crossfade.move.round_trips import back_of, work_of
from crossfade.move.verifying import not_copied
from crossfade.project import load_project
from crossfade.runtime.putting import putter
from crossfade.runtime.records import read
from crossfade.runtime.session import session
from crossfade.runtime.target_rows import rows_of
from crossfade.transform.put import NotPut
from crossfade_ids import uuid_of

NEW = ObjectId("65b0c0ffee000000000000aa")


@dataclass(frozen=True)
class Use:
    """What an application does to the target. `lost` are the columns whose changes the old model cannot hold."""

    statements: Sequence[str]
    new: Mapping[str, ObjectId] = field(default_factory=dict)
    lost: Sequence[tuple[str, str | None]] = ()


USES = {
    "scribe-tree": Use(
        (
            "UPDATE users SET first_name = 'Zoë', role = 'admin' WHERE id IN (SELECT id FROM users LIMIT 5)",
            "UPDATE users SET bio = NULL WHERE id IN (SELECT id FROM users ORDER BY id DESC LIMIT 5)",
            "UPDATE courses SET status = 'archived', tags = '{one,two}', start_date = '2024-03-01'",
            """UPDATE courses SET settings = jsonb_set(settings, '{allowLateSubmissions}', 'true')
               WHERE settings ? 'allowLateSubmissions'""",
            "DELETE FROM course_enrollments WHERE id IN (SELECT id FROM course_enrollments LIMIT 7)",
            "UPDATE submission_comments SET content = content || '!', is_resolved = NOT is_resolved",
            "DELETE FROM submission_milestones WHERE id IN (SELECT id FROM submission_milestones LIMIT 9)",
            "UPDATE documents SET title = 'renamed', content = NULL",
            "UPDATE learning_objectives SET weight = weight / 2 WHERE assignment_id IS NOT NULL",
            "UPDATE notifications SET read_at = '2024-05-06 07:08:09.123+00', status = 'read'",
            "DELETE FROM writing_sessions WHERE id IN (SELECT id FROM writing_sessions LIMIT 11)",
            f"""
               INSERT INTO users (id, email, password_hash, first_name, last_name, role, created_at, updated_at)
               VALUES ('{uuid_of(NEW)}', 'n@example.org', 'x', 'Ny', 'Ma', 'student', '2024-05-06', '2024-05-07')""",
        ),
        {"users": NEW},
    ),
    "hack-the-world": Use(
        (
            """UPDATE users SET role = 'ADMIN', "currentStreak" = 9 WHERE username < 'k'""",
            """UPDATE profiles SET bio = 'hello', "experienceLevel" = 'EXPERT'""",
            """DELETE FROM profiles WHERE id IN (SELECT id FROM profiles LIMIT 4)""",
            """UPDATE user_stats SET "totalPoints" = "totalPoints" + 1, "averageScore" = 12.5""",
            """UPDATE user_security SET "lockUntil" = '2024-05-06 07:08:09.123', "twoFactorEnabled" = true""",
            """UPDATE modules SET topics = topics || '{more}', difficulty = 'ADVANCED'""",
            """UPDATE user_enrollments SET status = 'DROPPED', "progressPercentage" = 50""",
            """UPDATE user_progress SET status = 'COMPLETED', "timeSpent" = 77, score = 88""",
            """DELETE FROM user_progress WHERE id IN (SELECT id FROM user_progress LIMIT 6)""",
            """UPDATE achievements SET requirements = jsonb_set(requirements::jsonb, '{target}', '3')
               WHERE requirements::jsonb ? 'target'""",
        ),
    ),
}


@pytest.mark.parametrize("example", ["scribe-tree", pytest.param("hack-the-world", marks=pytest.mark.torture)])
def test_the_source_is_equal_again_after_a_day_of_use(example: str, tmp_path: Path, mongo_db: Any, pg_db: Any) -> None:
    route = Route(example, "mongodb", "postgresql")
    project = project_of(example, tmp_path, SOURCE_URL=fill(route, tmp_path, mongo_db.url), TARGET_URL=pg_db.url)
    assert project("survey").status == 0
    assert project("copy").status in (0, 1)
    use = USES[example]
    with psycopg.connect(pg_db.url, autocommit=True) as server:
        server.execute("SET session_replication_role = replica")  # the schema's triggers set updated_at to now()
        for statement in use.statements:
            server.execute(statement.encode())

    before = project("verify", "--round-trip", "--json").json
    refused, changed = come_back(project, mongo_db.db, use)
    assert {(one.table, one.column) for one in refused} == set(use.lost), refused
    assert sum(one["differ"] for one in before["entities"]) > 50
    assert changed > 100

    verdict = project("verify", "--json").json
    assert verdict["differences"] == 0
    assert all(table["counts"] == dict.fromkeys(table["counts"], 0) for table in verdict["tables"])
    assert project("verify", "--round-trip").status == 0


def come_back(project: Project, database: Any, use: Use) -> tuple[list[NotPut], int]:
    """Put all rows of the target into the documents, and write those that changed. Return refusals and their number."""
    refused: list[NotPut] = []
    changed = 0
    with Move(load_project(project.root, project.environment)) as move:
        aside, back = not_copied(move.context), back_of(move.context)
        s = session(work_of(move.context))
        for entity in move.context.fed_entities:
            known = [key for raw in s.reader.keys(entity) for one in s.codec.split(raw) if (key := s.codec.key(one))]
            keys = [key for key in known if entity not in aside or key not in aside[entity].by_key]
            there = read(s, entity, keys)
            old: list[bytes | None] = [there[key][0] for key in keys]
            if entity in use.new:
                keys.append(f'{{"$oid":"{use.new[entity]}"}}')
                old.append(None)
            result = putter(s, back, entity).put(old, rows_of(s, entity, keys))
            refused += result.refused
            changed += len(result.changed)
            write(database[entity], [(old[row], result.records[row]) for row in sorted(result.changed)])
    return refused, changed


def write(collection: pymongo.collection.Collection[Any], pairs: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    for old, new in pairs:
        if new is None:
            assert old is not None
            collection.delete_one({"_id": RawBSONDocument(old)["_id"]})
        else:
            document = RawBSONDocument(new)
            collection.replace_one({"_id": document["_id"]}, document, upsert=True)
