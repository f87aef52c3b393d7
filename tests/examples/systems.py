"""The two example systems: seeded on a small scale, moved by the program itself, and inspected afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from bson import json_util

from calling import Ended, call
from crossfade.testing.dump_writer import write_archive

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCALE = 0.1


@cache
def system_of(example: str) -> Any:
    """The SYSTEM of an example's seed.py (an examples' script is in no package)."""
    file = EXAMPLES / example / "seed.py"
    spec = importlib.util.spec_from_file_location(f"seed_{example.replace('-', '_')}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SYSTEM


@dataclass(frozen=True)
class Route:
    """From where to where a system goes, with how many workers, and whether its data breaks the rules."""

    example: str
    source: str
    target: str
    workers: int = 1
    break_rules: bool = False

    def __str__(self) -> str:
        return f"{self.example}-{self.source}-{self.target}" + ("-breaking" if self.break_rules else "")

    @property
    def system(self) -> Any:
        return system_of(self.example)

    @property
    def expected(self) -> dict[str, dict[str, int]]:
        counts = self.system.expected(self.target, SCALE, break_rules=self.break_rules)
        return dict(sorted(counts.items()))

    @property
    def planted(self) -> list[Any]:
        return list(self.system.planted(SCALE, break_rules=self.break_rules))


@dataclass(frozen=True)
class Project:
    """A copy of an example's project, with both databases in its environment."""

    root: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, workers: int = 1) -> Ended:
        """Call the program: with several workers in a process of its own, from which they are forked."""
        if workers == 1:
            settings = {"CROSSFADE_PROJECT": str(self.root), "CROSSFADE_WORKERS": "1"}
            return call(*arguments, **settings, **self.environment)
        command = [
            sys.executable,
            "-m",
            "crossfade",
            *arguments,
            "--project",
            str(self.root),
            "--workers",
            str(workers),
        ]
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=240,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text("utf-8")
        assert text.count(old) == 1, f"{name} has no (or more than one) {old!r}"
        (self.root / name).write_text(text.replace(old, new), "utf-8")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the target answers, by the names of its columns."""
        target = self.environment["TARGET_URL"]
        if target.startswith("sqlite:///"):
            with closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as connection, connection:
                cursor = connection.execute(query)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        with psycopg.connect(target) as server:
            answer = server.execute(query.encode())
            columns = [column.name for column in answer.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in answer]


def project_of(example: str, folder: Path, **environment: str) -> Project:
    """A copy of the example below `folder`, without what earlier runs may have left in it."""
    leave = shutil.ignore_patterns("__pycache__", "report.*", "source.lock.json")
    shutil.copytree(EXAMPLES / example, folder / example, ignore=leave)
    return Project(folder / example, environment)


def seed(example: str, *arguments: str, scale: float = SCALE) -> None:
    """Calls the example's seed.py, as its README does."""
    command = [sys.executable, str(EXAMPLES / example / "seed.py"), *arguments, "--scale", str(scale)]
    subprocess.run(command, check=True, capture_output=True)


def fill(route: Route, folder: Path, mongodb_url: str | None) -> str:
    """Makes the route's source; its URL."""
    breaking = ["--break-rules"] if route.break_rules else []
    if route.source == "mongodb":
        assert mongodb_url is not None
        seed(route.example, "--url", mongodb_url, *breaking)
        return mongodb_url
    if route.source == "dump":
        seed(route.example, "--dump", str(folder / "dump"), *breaking)
        return f"dump:{folder / 'dump'}"
    entities = {e: list(route.system.documents(e, SCALE, break_rules=route.break_rules)) for e in route.system.sizes}
    return f"dump:{write_archive(folder / 'seeded.archive.gz', route.system.name, entities, gzip=True, run=50)}"


def counts_of(status: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The count equations of a status, as SYSTEM.expected gives them."""
    names = ("source", "copied", "quarantined", "discarded")
    return {e["entity"]: {name: e[name] for name in names} for e in status["entities"]}


def key_text(key: Any) -> str:
    """An `_id` in canonical Extended JSON, by pymongo's own words."""
    return json_util.dumps(key, json_options=json_util.CANONICAL_JSON_OPTIONS, separators=(",", ":"))


def quarantined(route: Route, places: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Entity, key, reason and place of each planted document that must be in quarantine."""
    for planted in route.planted:
        end, _, reason = planted.flaw.end(route.target).partition(":")
        if end == "quarantined":
            place = places.get(f"{planted.flaw.name}/{route.target}") or places[planted.flaw.name]
            yield planted.flaw.entity, key_text(planted.key), reason, place


def entry_of(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """The same of an entry of `quarantine list`."""
    place = ".".join(filter(None, (entry["table"], entry["column"])))
    return entry["entity"], entry["key"], entry["reason"], place.replace('"', "")
