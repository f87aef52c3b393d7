"""`make demo`: Scribe Tree's data from a real MongoDB into a real PostgreSQL, proved equal, in about a minute.

Starts both servers from their wheels (or takes CROSSFADE_TEST_MONGODB_URL and CROSSFADE_TEST_POSTGRESQL_URL), fills
MongoDB, runs `crossfade run`, shows one record on both sides, and stops what it started. What it wrote lies in .demo/.
On servers of your own it makes the databases `crossfade_demo` anew, and touches no other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pymongo
from bson import ObjectId, json_util
from bson.raw_bson import RawBSONDocument

from crossfade.records.bson.decode import decode_one
from crossfade.testing import mongodb, postgresql, with_database
from crossfade_ids import object_id_in

EXAMPLES = Path(__file__).resolve().parent
WORK = EXAMPLES.parent / ".demo"
NAME = "crossfade_demo"
SHOWN_ROWS = 3

PICK = """
SELECT course_id FROM course_enrollments GROUP BY course_id HAVING count(*) >= 2
ORDER BY count(*), course_id LIMIT 1
"""
ROWS = (
    ("courses", "SELECT id, title, instructor_id, tags, settings FROM courses WHERE id = %s"),
    (
        "course_enrollments",
        "SELECT id, student_id, status FROM course_enrollments WHERE course_id = %s ORDER BY student_id",
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
        command = [sys.executable, "-m", "crossfade", "run", "--project", os.path.relpath(project), "--survey"]
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
    """One course: its rows, and the document that its id leads back to."""
    with psycopg.connect(target) as connection:
        (key,) = connection.execute(PICK).fetchone() or (None,)
        object_id = object_id_in(key) if key is not None else None
        if object_id is None:
            raise SystemExit("no course was copied")
        print(f"MongoDB, courses (description left out): _id {object_id.hex()}, which the id {key} holds")
        print(document_text(source, ObjectId(object_id)))
        for table, query in ROWS:
            cursor = connection.execute(query, [key])
            names = [column.name for column in cursor.description or ()]
            rows = cursor.fetchall()
            more = f", {SHOWN_ROWS} of its {len(rows)} rows" if len(rows) > SHOWN_ROWS else ""
            print(f"\nPostgreSQL, {table}{more}:")
            print("\n\n".join(row_text(names, row) for row in rows[:SHOWN_ROWS]))


def row_text(names: Sequence[str], row: Sequence[Any]) -> str:
    return "\n".join(f"  {name:14} {value_text(value)}" for name, value in zip(names, row, strict=True))


def value_text(value: Any) -> str:
    """Lists and JSON as JSON, everything else as it prints itself."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def document_text(source: str, object_id: ObjectId) -> str:
    with pymongo.MongoClient(source, document_class=RawBSONDocument) as client:
        document = client.get_default_database()["courses"].find_one({"_id": object_id})
        assert document is not None
        readable = {name: value for name, value in decode_one(bytes(document.raw)).items() if name != "description"}
        return json_util.dumps(readable, indent=2, json_options=json_util.RELAXED_JSON_OPTIONS)


def say(text: str) -> None:
    print(f"\n== {text}\n", flush=True)


def run(command: list[str]) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
