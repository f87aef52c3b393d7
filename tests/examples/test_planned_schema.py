"""Scribe Tree's schema as it was planned: three faults, reported together, each with SQL that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from systems import EXAMPLES, Project, project_of

from calling import Ended
from scratch import PostgresScratch

PLANNED = "schema-as-planned.sql"


@pytest.fixture
def project(tmp_path: Path, pg_db: PostgresScratch) -> Project:
    """The example with the planned schema, as its README says; the source is not asked."""
    project = project_of("scribe-tree", tmp_path, SOURCE_URL="dump:nowhere", TARGET_URL=pg_db.url)
    project.edit("crossfade.toml", '"schema.sql"', f'"{PLANNED}"')
    return project


@pytest.fixture
def refused(project: Project) -> Ended:
    return project("schema", "show", "--json")


@pytest.fixture
def faults(refused: Ended) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = refused.json["error"]["faults"]
    return found


def line_of(text: str) -> int:
    """Where a text begins in the file."""
    planned = (EXAMPLES / "scribe-tree" / PLANNED).read_text("utf-8")
    return planned[: planned.index(text)].count("\n") + 1


def test_all_three_are_named_in_one_go(refused: Ended, faults: list[dict[str, Any]]) -> None:
    assert refused.status == 1
    assert refused.json["error"]["kind"] == "schema_fault"
    places = [
        line_of("WHERE template_id IS NOT NULL"),
        line_of("CREATE INDEX idx_assignment_templates_search"),
        line_of("CREATE TABLE writing_sessions_2024_q1"),
    ]
    assert [(f["file"], f["line"]) for f in faults] == [(PLANNED, line) for line in places]
    for fault, word in zip(faults, ["WHERE", "array_to_string", "partition"], strict=True):
        assert word in fault["reason"]
        assert fault["statement"]
        assert fault["suggestion"]


def test_the_corrected_statements_stand(project: Project, pg_db: PostgresScratch, faults: list[dict[str, Any]]) -> None:
    run(pg_db, with_mends(project, [(f["statement"], f["suggestion"]) for f in faults]))
    assert pg_db.execute("SELECT count(*) FROM pg_index WHERE indpred IS NOT NULL AND indisunique") == [(1,)]
    search = "SELECT pg_get_indexdef('idx_assignment_templates_search'::regclass)"
    assert "immutable_array_to_string(tags" in pg_db.execute(search)[0][0]


def test_so_does_the_partitioned_table_of_the_hint(
    project: Project, pg_db: PostgresScratch, faults: list[dict[str, Any]]
) -> None:
    """Whoever wants partitions after all gets three statements instead of the two that did not stand."""
    hint = faults[2]["hint"]
    partitioned = hint[hint.index("CREATE TABLE") :]
    text = with_mends(project, [(f["statement"], f["suggestion"]) for f in faults])
    text = text.replace("ALTER TABLE writing_sessions SET (fillfactor = 80);", "")  # that is for the partitions to have
    begin = text.index("CREATE TABLE writing_sessions (")
    end = text.index(";", begin) + 1
    run(pg_db, text[:begin] + partitioned + text[end:])
    pg_db.execute("INSERT INTO writing_sessions (start_time) VALUES ('2024-02-01'), ('2031-01-01')")
    assert pg_db.execute("SELECT count(*) FROM writing_sessions_2024_q1") == [(1,)]
    assert pg_db.execute("SELECT count(*) FROM writing_sessions_default") == [(1,)]


def test_the_program_accepts_the_corrected_file(project: Project, faults: list[dict[str, Any]]) -> None:
    text = with_mends(project, [(f["statement"], f["suggestion"]) for f in faults])
    (project.root / PLANNED).write_text(text, "utf-8")
    shown = project("schema", "show")
    assert (shown.status, shown.err) == (0, "")
    assert "CREATE UNIQUE INDEX assignments_template_id_course_id_key" in shown.out


def with_mends(project: Project, suggestions: list[tuple[str, str]]) -> str:
    text = (project.root / PLANNED).read_text("utf-8")
    for statement, mend in suggestions:
        assert text.count(statement) == 1
        text = text.replace(statement, mend.rstrip().removesuffix(";"))
    return text


def run(database: PostgresScratch, text: str) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(text.encode())
