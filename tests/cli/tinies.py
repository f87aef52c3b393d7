"""A tiny project: three documents of one collection, one mapping, one rule; and ways to call the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bson import Int64, ObjectId

from calling import Ended, call
from scratch import MongoScratch, PostgresScratch

ADA = ObjectId("5e0b00000000000000000001")
BOB = ObjectId("5e0b00000000000000000002")
EVE = ObjectId("5e0b00000000000000000003")

PEOPLE: list[dict[str, Any]] = [
    {"_id": ADA, "name": "Ada", "age": 36, "tags": ["x", "y"], "__v": 0},
    {"_id": BOB, "name": "Bob\x1b[31m", "age": Int64(40), "tags": [], "__v": 0},
    {"_id": EVE, "name": "Eve [bold]", "age": 28, "__v": 1},
]

CONFIGURATION = """
[source]
url = "${SOURCE_URL}"
[target]
url = "${TARGET_URL}"
schema = "schema.sql"
[[discard]]
entity = "people"
path = "__v"
reason = "Mongoose's version key; nothing reads it"
"""

SCHEMA = """
CREATE TABLE people (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  age integer NOT NULL CHECK (age < 200),
  tags text[]
);
CREATE INDEX people_name ON people (name);
"""

MAPPING = """
SELECT uuid_of(p._id) AS id, p.name AS name, p.age AS age, p.tags AS tags
FROM people AS p
"""

RULE = """-- nobody is younger than zero
SELECT id, age FROM people WHERE age < 0
"""


@dataclass(frozen=True)
class Tiny:
    """The project's folder with both databases."""

    root: Path
    environment: Mapping[str, str]
    mongo: MongoScratch
    postgres: PostgresScratch
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """Calls the program in this process, with one worker unless told otherwise."""
        return call(*arguments, **{**self.settings, **environment})

    @property
    def settings(self) -> dict[str, str]:
        return {"CROSSFADE_PROJECT": str(self.root), "CROSSFADE_WORKERS": "1", **self.environment}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts the program in a process of its own, which ends with the test."""
        command = [sys.executable, "-m", "crossfade", *arguments]
        process = subprocess.Popen(
            command,
            env={**os.environ, **self.settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            preexec_fn=_heed_ctrl_c,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Ends what a test has left: who forgets a process that runs, or its output, is warned in any later test."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            with process:
                pass

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))


def _heed_ctrl_c() -> None:
    """A test run in the background ignores Ctrl-C, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def write_project(root: Path) -> None:
    files = {
        "crossfade.toml": CONFIGURATION,
        "schema.sql": SCHEMA,
        "mapping/people.sql": MAPPING,
        "rules/ages.sql": RULE,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text, encoding="utf-8")
