"""The quarantine example in Scribe Tree's README: look at a record, fix it or the mapping, and retry it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from systems import EXAMPLES, Project, counts_of, project_of, seed

from scratch import MongoScratch, PostgresScratch

SCALE = 0.02


@pytest.fixture
def project(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> Project:
    """Scribe Tree, moved."""
    seed("scribe-tree", "--url", mongo_db.url, scale=SCALE)
    project = project_of("scribe-tree", tmp_path, SOURCE_URL=mongo_db.url, TARGET_URL=pg_db.url)
    ended = project("run", "--json")
    assert ended.status == 0, ended.err + ended.out
    return project


def test_records_leave_quarantine_in_each_of_the_three_ways(project: Project) -> None:
    """One story, as a run of the program takes its time: a record left behind, one mended, and a mapping mended."""
    before = counts(project)
    leave_behind(project)
    mend_a_record(project)
    mend_the_mapping(project)
    changes = {
        "users": {"copied": 3, "quarantined": -5, "discarded": 2},
        "documents": {"copied": 1, "quarantined": -1},
    }
    assert changed(before, counts(project)) == changes
    verified = project("verify", "--json")
    assert (verified.status, verified.json["ok"]) == (0, True)


def leave_behind(project: Project) -> None:
    ids = [e["id"] for e in entries(project, "--entity", "users", "--reason", "not_null")]
    assert len(ids) == 2
    assert project("quarantine", "discard", *ids, "--why", "accounts that were never used").status == 0
    assert {e["note"] for e in entries(project, "--state", "discarded")} == {"accounts that were never used"}


def mend_a_record(project: Project) -> None:
    (entry,) = entries(project, "--entity", "users", "--reason", "nul_character")
    shown = project("quarantine", "show", entry["id"], "--json").json["document"]
    assert shown["bio"] == "before\x00after"
    with pymongo.MongoClient[dict[str, Any]](project.environment["SOURCE_URL"]) as client:
        mended = {"$set": {"bio": "before, after"}}
        client.get_default_database().users.update_one({"_id": ObjectId(shown["_id"]["$oid"])}, mended)
    assert project("quarantine", "retry", entry["id"]).status == 0
    assert project.rows("SELECT bio FROM users WHERE bio LIKE 'before%'") == [{"bio": "before, after"}]


def mend_the_mapping(project: Project) -> None:
    teachers = entries(project, "--entity", "users", "--reason", "check")
    assert len(teachers) == 2
    project.edit("mapping/users.sql", "       lower(u.role)                               AS role,\n", readme_line())
    retried = project("quarantine", "retry", "--json")
    assert retried.status == 1, "the others stay"
    came_in = sorted((e["entity"], e["reason"]) for e in retried.json["entries"] if e["outcome"] == "copied")
    document = ("documents", "foreign_key")  # it comes in with its author
    assert came_in == [document, ("users", "check"), ("users", "check")]
    assert roles(project, teachers) == ["educator", "educator"]


def entries(project: Project, *filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project("quarantine", "list", "--each", "--json", *filters).json["entries"]
    return found


def counts(project: Project) -> dict[str, dict[str, int]]:
    return counts_of(project("status", "--json").json)


def readme_line() -> str:
    """The line that the README says to write."""
    lines = (EXAMPLES / "scribe-tree" / "README.md").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if "WHEN 'teacher' THEN 'educator'" in line]
    return line + "\n"


def roles(project: Project, teachers: list[dict[str, Any]]) -> list[str]:
    keys = [e["key"].split('"')[3] for e in teachers]
    uuids = ", ".join(f"'{k[:8]}-{k[8:12]}-8{k[12:15]}-8{k[15:18]}-{k[18:]}cf01d0'" for k in keys)
    return [row["role"] for row in project.rows(f"SELECT role FROM users WHERE id IN ({uuids})")]


def changed(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """By how much each figure differs, where it does."""
    differences = {
        e: {name: n - before[e][name] for name, n in c.items() if n != before[e][name]} for e, c in after.items()
    }
    return {entity: figures for entity, figures in differences.items() if figures}
