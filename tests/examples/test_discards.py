"""A discard of every entity, as both examples have one for Mongoose's `__v`."""

from __future__ import annotations

from pathlib import Path

import pytest
from systems import Project, project_of, seed

from crossfade.move import Move
from crossfade.project import load_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Hack The World from a dump, into a file."""
    seed("hack-the-world", "--dump", str(tmp_path / "dump"), scale=0.01)
    source, target = f"dump:{tmp_path / 'dump'}", f"sqlite:///{tmp_path / 'target.db'}"
    return project_of("hack-the-world", tmp_path, SOURCE_URL=source, TARGET_URL=target)


def findings(project: Project) -> list[tuple[str, str, str]]:
    """All but the notes on what arrives in part, and on what SQLite makes of the schema."""
    with Move(load_project(project.root, project.environment)) as move:
        move.survey()
        return [
            (f.severity, f.kind, f.place) for f in move.check() if f.kind not in ("in_part", "schema", "sqlite_type")
        ]


def test_it_counts_for_every_entity_that_has_the_path(project: Project) -> None:
    """`sessionToken` is a path of users alone: the others are not told that they have none."""
    project.edit("crossfade.toml", 'entity = "users"\npath = "sessionToken"', 'entity = "*"\npath = "sessionToken"')
    assert findings(project) == []


def test_without_it_each_entity_asks(project: Project) -> None:
    project.edit("crossfade.toml", 'entity = "*" # every entity that has the path', 'entity = "users"')
    entities = (
        "achievements",
        "contents",
        "modules",
        "phases",
        "userachievements",
        "userenrollments",
        "userprogresses",
    )
    assert findings(project) == [("fault", "uncovered", f"{entity}.__v") for entity in entities]


def test_a_path_that_no_entity_has_is_noted_for_each(project: Project) -> None:
    project.edit("crossfade.toml", 'path = "sessionToken"', 'path = "sessionTokn"')
    assert ("note", "stale_discard", "users.sessionTokn") in findings(project)
    project.edit("crossfade.toml", 'entity = "users"\npath = "sessionTokn"', 'entity = "*"\npath = "sessionTokn"')
    stale = [place for _, kind, place in findings(project) if kind == "stale_discard"]
    assert len(stale) == 8
