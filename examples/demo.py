"""`make demo`: Scribe Tree's data from a real MongoDB into a real PostgreSQL, proved equal, in about a minute.

Starts both servers from their wheels (or takes CROSSFADE_TEST_MONGODB_URL and CROSSFADE_TEST_POSTGRESQL_URL), fills
MongoDB, runs
`crossfade run`, shows one record on both sides, and stops what it started. What it wrote lies in .demo/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pymongo
from bson import json_util

from crossfade.mapping.ids import uuid_of
from crossfade.testing import mongodb, postgresql, with_database

EXAMPLES = Path(__file__).resolve().parent
WORK = EXAMPLES.parent / ".demo"
NAME = "scribe_tree"

ROWS = (
    ("courses", "SELECT id, title, instructor_id, tags, settings FROM courses WHERE id = %s"),
    (
        "course_enrollments",
        "SELECT id, student_id, status FROM course_enrollments WHERE course_id = %s ORDER BY id LIMIT 3",
    ),
)


def main() -> int:
    with mongodb() as source_server, postgresql() as target_server:
        source, target = with_database(source_server, NAME), with_database(target_server, NAME)
        say("1. Fill MongoDB with Scribe Tree's data, and the mess of some years")
        run([sys.executable, str(EXAMPLES / "scribe-tree" / "seed.py"), "--url", source])
        create_database(target_server)
        project = fresh_project()
        say("2. crossfade run: survey, check, schema, copy, verify")
        environment = {**os.environ, "SOURCE_URL": source, "TARGET_URL": target}
        command = [sys.executable, "-m", "crossfade", "run", "--project", str(project), "--survey"]
        status = subprocess.run(command, env=environment, check=False).returncode
        if status == 0:
            say("3. One record on both sides")
            show_record(source, target)
        return status


def fresh_project() -> Path:
    """A copy of the example, so that what the demo writes lies in .demo/ alone."""
    project = WORK / "scribe-tree"
    shutil.rmtree(project, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "report.*", "source.lock.json")
    shutil.copytree(EXAMPLES / "scribe-tree", project, ignore=ignored)
    return project


def create_database(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")


def show_record(source: str, target: str) -> None:
    with pymongo.MongoClient(source) as client, psycopg.connect(target) as connection:
        database = client.get_default_database()
        for course in database["courses"].find({"students.2": {"$exists": True}}).sort("_id").limit(50):
            key = uuid_of(course["_id"].binary)
            if not connection.execute(ROWS[0][1], [key]).fetchone():
                continue  # this one is in quarantine
            course["students"] = course["students"][:3]
            course.pop("description", None)
            print("MongoDB, courses (description left out, three of the students):")
            print(json_util.dumps(course, indent=2, json_options=json_util.RELAXED_JSON_OPTIONS))
            for table, query in ROWS:
                cursor = connection.execute(query, [key])
                names = [column.name for column in cursor.description or ()]
                print(f"PostgreSQL, {table}:")
                for row in cursor:
                    print("  " + "\n  ".join(f"{n:14} {v}" for n, v in zip(names, row, strict=True)) + "\n")
            return


def say(text: str) -> None:
    print(f"\n== {text}\n", flush=True)


def run(command: list[str]) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
