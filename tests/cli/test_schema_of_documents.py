"""`crossfade schema` of a target that is a document store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from scratch import MongoScratch

SCHEMA = """
datasource db {
  provider = "postgresql"
  url      = env("X")
}
model User {
  id    String @id
  email String @unique
}
"""
SETTINGS = 'source.url = "${TARGET_URL}"\ntarget.url = "${TARGET_URL}"\ntarget.schema = "schema.prisma"\n'


def crossfade(folder: Path, target: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "crossfade", *arguments, "--project", str(folder)]
    environment = {**os.environ, "TARGET_URL": target}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_schema_is_shown_as_a_script_and_applied(mongo_db: MongoScratch, tmp_path: Path) -> None:
    (tmp_path / "schema.prisma").write_text(SCHEMA)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    shown = crossfade(tmp_path, mongo_db.url, "schema", "show").splitlines()
    assert shown[0] == "// note: the schema was written for postgresql; it is read for MongoDB"
    assert shown[1].startswith("// note: it is stored as _id")
    commands = [json.loads(s[len("db.runCommand(") : -2]) for s in shown if s.startswith("db.runCommand(")]
    assert [next(iter(command)) for command in commands] == ["create", "createIndexes"]
    for _ in range(2):
        crossfade(tmp_path, mongo_db.url, "schema", "apply")
    assert mongo_db.db.list_collection_names(filter={"name": "User"}) == ["User"]
