"""Both examples, completely, from every kind of source to every kind of target."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from places import PLACES
from record_checks import assert_record_on_both_sides
from systems import Project, Route, counts_of, entry_of, fill, project_of, quarantined

ROUTES = [
    Route("scribe-tree", "mongodb", "postgresql", workers=2),
    Route("scribe-tree", "dump", "postgresql", break_rules=True),
    Route("hack-the-world", "mongodb", "postgresql", workers=2),
    Route("hack-the-world", "dump", "postgresql", break_rules=True),
    Route("hack-the-world", "archive", "sqlite"),
    Route("hack-the-world", "dump", "mongodb", workers=2, break_rules=True),
]


LONG = {1, 3}
"""Every step of these is in another route, too."""


@pytest.fixture(
    params=[pytest.param(r, marks=pytest.mark.torture) if n in LONG else r for n, r in enumerate(ROUTES)], ids=str
)
def route(request: pytest.FixtureRequest) -> Route:
    assert isinstance(request.param, Route)
    return request.param


@pytest.fixture
def project(route: Route, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """The example with its source filled, nothing done yet."""
    server = request.getfixturevalue("mongo_db").url if route.source == "mongodb" else None
    source = fill(route, tmp_path, server)
    fixtures = {"postgresql": "pg_db", "mongodb": "mongo_db"}
    sqlite = f"sqlite:///{tmp_path / 'target.db'}"
    target = sqlite if route.target == "sqlite" else request.getfixturevalue(fixtures[route.target]).url
    return project_of(route.example, tmp_path, SOURCE_URL=source, TARGET_URL=target)


def test_a_system_arrives_whole(route: Route, project: Project) -> None:
    ended = project("run", "--json", workers=route.workers)
    run = ended.json
    assert ended.status == (1 if route.break_rules else 0), ended.err
    assert run["ok"] is not route.break_rules
    assert run["check"]["faults"] == []
    told = {note["kind"] for note in run["check"]["notes"]} - {"schema", "trigger"}
    assert "in_part" in told
    assert told <= {"in_part", "ledger", "owner_not_indexed", "no_cutover"}
    assert counts_of(run["copy"]) == route.expected
    assert run["copy"]["ok"], "all is balanced, and quarantine is within its limit"
    assert_proved_equal(route, run["verify"])
    assert_rules(route, run["verify"])
    assert_quarantine(route, project)
    assert_record_on_both_sides(route, project)


def assert_proved_equal(route: Route, verified: dict[str, Any]) -> None:
    assert (verified["equal"], verified["balanced"], verified["agrees_with_journal"]) == (True, True, True)
    assert verified["differences"] == 0
    assert (verified["schema"]["faults"], verified["schema"]["notes"]) == ([], [])
    assert {table["table"] for table in verified["tables"]} == set(PLACES_TABLES[route.example])
    assert all(table["rows"] > 0 for table in verified["tables"]), "a table without rows proves nothing"


def assert_rules(route: Route, verified: dict[str, Any]) -> None:
    """Exactly the rules that were broken on purpose are broken, by as many rows as were planted."""
    broken = Counter(p.flaw.breaks for p in route.planted if p.flaw.breaks)
    assert {r["rule"]: r["total"] for r in verified["rules"] if not r["holds"]} == dict(broken)
    assert [r["rule"] for r in verified["rules"] if r["error"]] == []
    assert {r["rule"] for r in verified["rules"]} == {f.stem for f in rules(route)}
    assert bool(broken) == route.break_rules


def rules(route: Route) -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "examples" / route.example / "rules").glob("*.sql"))


def assert_quarantine(route: Route, project: Project) -> None:
    """Every planted flaw is where it has to be, for its reason, at its place; and nothing else is there."""
    entries = project("quarantine", "list", "--each", "--json").json["entries"]
    expected = sorted(quarantined(route, PLACES[route.example]))
    assert sorted(map(entry_of, entries)) == expected


PLACES_TABLES = {
    example: sorted(
        f.stem for f in (Path(__file__).resolve().parents[2] / "examples" / example / "mapping").glob("*.sql")
    )
    for example in PLACES
}
