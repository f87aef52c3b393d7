"""`make demo`: Scribe Tree's data from a real MongoDB into a real PostgreSQL, proved equal, and back, in two minutes.

Starts both servers from their wheels (or takes CROSSFADE_TEST_MONGODB_URL and CROSSFADE_TEST_POSTGRESQL_URL), fills
MongoDB, runs `crossfade run`, and shows one record on both sides. Then people write on, and the same data is carried
into a second, empty database that follows them. It is cut over to, written to, and rolled back from, with what was
written. In the end it stops what it started. What it wrote lies in .demo/.
On servers of your own it makes the databases `crossfade_demo` and `crossfade_demo_live` anew, and touches no other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
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
NAME, LIVE = "crossfade_demo", "crossfade_demo_live"
WRITES = 10  # things that people do in a second
SHOWN_ROWS = 3
TITLE = "The art of coming back"
INVERSE = """
[inverse]
times = "milliseconds" # the new schema's triggers write finer ones into updated_at
"""

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
        create_database(target_server, NAME)
        say("2. crossfade run: survey, check, schema, copy, verify")
        still = Project(fresh_project("scribe-tree"), source, target)
        if (status := still("run", "--survey")) != 0:
            return status
        say("3. One record on both sides")
        show_record(source, target)
        create_database(target_server, LIVE)
        live = Project(fresh_project("scribe-tree-live", INVERSE), source, with_database(target_server, LIVE))
        return follow(live)


class Project:
    """A copy of the example, with its databases. A call prints a command of crossfade, runs it, returns its status."""

    def __init__(self, folder: Path, source: str, target: str) -> None:
        self.folder, self.source, self.target = os.path.relpath(folder), source, target
        self.environment = {**os.environ, "SOURCE_URL": source, "TARGET_URL": target}

    def __call__(self, *words: str) -> int:
        print(f"$ crossfade {' '.join(words)}", flush=True)
        return subprocess.run(self._command(*words), env=self.environment, check=False).returncode

    def start(self) -> int:
        """Start in the background, and wait until it follows the side that takes writes."""
        status = self("start", "--detach", "--for", "5m")
        end = time.monotonic() + 60
        while status == 0 and not self._is_following() and time.monotonic() < end:
            time.sleep(1)
        return status

    def plan(self, command: str) -> str:
        """The hash of the plan of a cutover or a rollback, when its gates hold."""
        end = time.monotonic() + 60
        while not (found := self._said(command, "--dry-run"))["ok"] and time.monotonic() < end:
            time.sleep(1)
        return str(found["plan"])

    def _is_following(self) -> bool:
        found = self._said("status")["following"]
        return found is not None and found["state"] == "following" and found["lag_ms"] is not None

    def _said(self, *words: str) -> dict[str, Any]:
        command = self._command(*words, "--json", "--quiet")
        printed = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True).stdout
        return dict(json.loads(printed))

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "crossfade", *words, "--project", self.folder]


def follow(project: Project) -> int:
    """Carry the data once more, while people write."""
    say(
        f"4. People write on, {WRITES} things a second; crossfade start copies, and follows them into an empty database"
    )
    if (status := project("survey", "--quiet")) != 0:
        return status
    script, asked = EXAMPLES / "scribe-tree" / "live.py", {"url": project.source, "rate": WRITES, "seconds": 300}
    words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    with subprocess.Popen([sys.executable, str(script), *words]) as people:
        try:
            return _follow(project, people)
        finally:
            people.terminate()


def _follow(project: Project, people: subprocess.Popen[bytes]) -> int:
    if (status := project.start()) != 0:
        return status
    try:
        project("status")
        say("5. crossfade verify, while they write")
        found = project("verify")
        people.terminate()
        people.wait()
        say("6. They have gone home; what changed since is compared")
        again = project("verify", "--again")
        switched = found or again or there_and_back(project)
    finally:
        stopped = project("stop")
    return switched or stopped


def there_and_back(project: Project) -> int:
    """Cut over, write on the new side, and roll back with what was written."""
    say("7. crossfade invert, and crossfade cutover: from now on PostgreSQL takes the writes")
    if (status := project("invert", "--quiet") or project("cutover", "--plan", project.plan("cutover"))) != 0:
        return status
    with psycopg.connect(project.target) as connection:
        (key,) = connection.execute(PICK).fetchone() or (None,)
        connection.execute("UPDATE courses SET title = %s WHERE id = %s", [TITLE, key])
    print(f"\nPostgreSQL, courses: the title of {key} is now {TITLE!r}\n")
    say("8. crossfade start puts back what is written there; crossfade rollback opens MongoDB again")
    if (status := project.start() or project("verify", "--quiet")) != 0:
        return status
    status = project("rollback", "--plan", project.plan("rollback"))
    object_id = ObjectId(object_id_in(key))
    with pymongo.MongoClient[dict[str, Any]](project.source) as client:
        document = client.get_default_database()["courses"].find_one({"_id": object_id}) or {}
    print(f"\nMongoDB, courses: the title of {object_id} is {document.get('title')!r}")
    return status if document.get("title") == TITLE else 1


def fresh_project(name: str, settings: str = "") -> Path:
    """A copy of the example, so that what the demo writes lies in .demo/ alone. `settings` are added to its own."""
    project = WORK / name
    shutil.rmtree(project, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "report.*", "source.lock.json")
    shutil.copytree(EXAMPLES / "scribe-tree", project, ignore=ignored)
    with (project / "crossfade.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    return project


def create_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")


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
