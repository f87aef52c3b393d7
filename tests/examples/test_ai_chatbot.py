"""AI chatbot, completely: PostgreSQL into PostgreSQL, killed in the middle, resumed, verified, retried, compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from systems import EXAMPLES, Project, counts_of, project_of

from scratch import PostgresScratch, create_database, drop_database

HERE = EXAMPLES / "ai-chatbot"
SENT = datetime(2022, 1, 3, 1, 0, 0, 7007, tzinfo=UTC)  # 2022-01-03 01:00:00.007007 without a zone
IDS = UUID("6bc8a9b0-1d3f-5a5e-9c0f-cf01d0c0ffee")
BETA = "be7a0000-0000-4000-8000-000000000001"
ENDS = {
    "agents": {"source": 107, "copied": 101, "quarantined": 3, "discarded": 3},
    "conversations": {"source": 3008, "copied": 3004, "quarantined": 4, "discarded": 0},
    "media_assets": {"source": 808, "copied": 802, "quarantined": 6, "discarded": 0},
    "messages": {"source": 12010, "copied": 12001, "quarantined": 9, "discarded": 0},
    "sessions": {"source": 300, "copied": 0, "quarantined": 0, "discarded": 300},
    "users": {"source": 1519, "copied": 1514, "quarantined": 5, "discarded": 0},
}
CHUNKS = "SELECT coalesce(sum(copied), 0) FROM crossfade.chunk WHERE entity = 'messages' AND copied IS NOT NULL"


@pytest.fixture
def project(tmp_path: Path, pg_db: PostgresScratch) -> Iterator[Project]:
    """The example with its source filled, and chunks small enough to be killed between two."""
    seeded = seed("--url", pg_db.url)
    assert seeded.returncode == 0, seeded.stderr
    name = pg_db.name + "_target"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        create_database(connection, name)
        target = pg_db.url.rpartition("/")[0] + f"/{name}"
        project = project_of("ai-chatbot", tmp_path, SOURCE_URL=pg_db.url, TARGET_URL=target)
        project.edit("crossfade.toml", "[limits]\n", "[limits]\nchunk_mb = 0.1\n")
        yield project
        drop_database(connection, name)


def seed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "seed.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=240)


def test_the_readme_has_the_tables_of_flaws_and_counts() -> None:
    readme = (HERE / "README.md").read_text("utf-8")
    assert seed("--flaws").stdout in readme
    counts = [f"| {name} | " + " | ".join(f"{n:,}" for n in counts.values()) + " |" for name, counts in ENDS.items()]
    assert "\n".join(counts) + "\n" in readme


def test_the_whole_road(project: Project) -> None:
    assert project("survey").status == 0
    assert json.loads((project.root / "source.lock.json").read_text()) == json.loads(
        (HERE / "source.lock.json").read_text()
    )
    checked = project("check", "--json")
    assert (checked.status, checked.json["faults"]) == (0, [])
    assert {note["kind"] for note in checked.json["notes"]} == {"in_part", "as_text", "orphans"}
    assert project("schema", "apply").status == 0
    before = copy_killed(project)
    execute(project, f"INSERT INTO users (id, email, name) VALUES ('{BETA}', 'beta@mail.example', 'Beta tester')")
    resumed = project("copy", "--json")
    assert (resumed.status, counts_of(resumed.json)) == (0, ENDS)
    assert before.items() <= versions(project).items(), "a row that was there was written again"
    assert project.rows(f"SELECT name FROM users WHERE id = '{BETA}'") == [{"name": "Beta tester"}]
    assert_values(project)
    assert_quarantine(project)
    assert_every_difference_is_found(project)
    assert_retried(project)
    assert_schemas_compared(project)


def copy_killed(project: Project) -> dict[str, str]:
    """A copy, killed when some chunks of messages are there; the versions of the rows that it left."""
    command = [sys.executable, "-m", "crossfade", "copy", "--project", str(project.root), "--workers", "1"]
    environment = {**os.environ, **project.environment}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as copy:
        while copy.poll() is None and not project.rows("SELECT 1 FROM messages LIMIT 1"):
            time.sleep(0.02)
        os.killpg(copy.pid, signal.SIGKILL)
    assert copy.returncode == -signal.SIGKILL, "it ended before it could be killed"
    while project.rows(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'crossfade-%' AND datname = current_database()"
    ):
        time.sleep(0.02)
    there = versions(project)
    assert 0 < len(there) < ENDS["messages"]["copied"]
    assert project.rows(CHUNKS) == [{"coalesce": len(there)}], "rows and journal say the same"
    return there


def versions(project: Project) -> dict[str, str]:
    """The transaction that wrote each message."""
    return {str(row["id"]): row["xmin"] for row in project.rows("SELECT id, xmin::text FROM messages")}


def assert_values(project: Project) -> None:
    odd = "SELECT email, name, updated_at = created_at AS same FROM users WHERE id::text LIKE '00001010%' ORDER BY id"
    names = {row["email"]: (row["name"], row["same"]) for row in project.rows(odd)}
    assert names == {
        **{f"odd{n}@mail.example": (f"odd{n}", False) for n in range(6, 13)},
        "odd13@mail.example": ("  ", False),
        "admin": ("admin", False),
        "odd15@mail.example": ("Zoe\u0308", False),
        "odd16@mail.example": ("\u05d3\u05e0\u05d4", False),
        "odd17@mail.example": ("\U0001f9d1\u200d\U0001f680", False),
        "odd18@mail.example": ("Odd 18", True),
        "odd19@mail.example": ("Odd 19", True),
    }
    text = "caf\u00e9 & \u201cquotes\u201d"
    assert message(project, 7) == ("user", [{"type": "text", "text": f"Message 7: {text}"}], SENT)
    parts = [{"type": "text", "text": f"Message 9002: {text}"}, {"type": "step", "n": 2250.5}]
    assert message(project, 9002)[:2] == ("assistant", parts)
    assert message(project, 9_000_010)[1] == [{"type": "text", "text": "wall " * 300_000}]
    agents = project.rows("SELECT id, available_until AS until, settings FROM agents WHERE legacy_id IN (6, 9004)")
    assert agents == [
        {
            "id": id_of(6),
            "until": datetime(2026, 1, 1, tzinfo=UTC),
            "settings": {"model": "gpt-4o", "temperature": 0.6},
        },
        {"id": id_of(9004), "until": None, "settings": {}},
    ]
    gone = "SELECT title, agent_id FROM chats WHERE id::text LIKE '00001020%' ORDER BY id"
    assert [tuple(row.values()) for row in project.rows(gone)] == [
        *((f"Chat {n}", None) for n in (5, 6)),
        *(("New chat", None) for _ in (7, 8)),
    ]


def id_of(key: int) -> UUID:
    """The id that `uuid_of` makes of a number, spelled out."""
    return uuid5(IDS, f"number:{key}")


def message(project: Project, key: int) -> tuple[Any, ...]:
    """Role, parts and moment of a message."""
    query = f"SELECT role, parts, created_at FROM messages WHERE id = '{id_of(key)}'"
    (row,) = project.rows(query)
    return tuple(row.values())


def assert_quarantine(project: Project) -> None:
    entries = project("quarantine", "list", "--each", "--json").json["entries"]
    found = Counter((entry["entity"], entry["reason"]) for entry in entries)
    assert found == quarantined()


def quarantined() -> Counter[tuple[str, str]]:
    """What seed.py --flaws says."""
    ends: Counter[tuple[str, str]] = Counter()
    for line in seed("--flaws").stdout.splitlines()[2:]:
        table, records, _, end = (cell.strip() for cell in line.strip("|").split(" | "))
        if end.startswith("quarantined, "):
            ends[table, end.removeprefix("quarantined, ")] += int(records)
    return ends


def assert_every_difference_is_found(project: Project) -> None:
    """One changed name among 1,514, one lost and one other row: a sample of 100 misses each of them 14 times in 15."""
    victim, lost = "00000010-0000-4000-8000-0000000004d2", "00000030-0000-4000-8000-000000000007"
    execute(project, f"UPDATE users SET name = 'user 1234' WHERE id = '{victim}'")
    execute(project, f"DELETE FROM media WHERE id = '{lost}'")
    verified = project("verify", "--json")
    assert (verified.status, verified.json["equal"]) == (1, False)
    found = {t["table"]: {kind: n for kind, n in t["counts"].items() if n} for t in verified.json["tables"]}
    users = {"changed": 1, "extra": 1}
    assert found == {"agents": {}, "chats": {}, "media": {"missing": 1}, "messages": {}, "users": users}
    execute(project, f"DELETE FROM users WHERE id = '{BETA}'")
    assert project("repair").status == 0


def assert_retried(project: Project) -> None:
    """A user gets an address: the conversation that waited for it is copied too."""
    with psycopg.connect(project.environment["SOURCE_URL"]) as source:
        source.execute("UPDATE users SET email = 'odd4@mail.example' WHERE display_name = 'Odd 4'")
    assert project("quarantine", "retry", "--json").status == 1, "others stay"
    chats = project.rows("SELECT c.title FROM chats AS c JOIN users AS u ON u.id = c.user_id WHERE u.name = 'Odd 4'")
    assert chats == [{"title": "Chat 4"}]
    verified = project("verify", "--json")
    assert (verified.status, verified.json["equal"], verified.json["differences"]) == (0, True, 0)
    assert all(rule["holds"] for rule in verified.json["rules"])
    assert len(verified.json["rules"]) == 3


def assert_schemas_compared(project: Project) -> None:
    compared = project("schema", "diff", project.environment["SOURCE_URL"], project.environment["TARGET_URL"], "--json")
    assert compared.status == 1
    assert compared.json["summary"] == {"missing_tables": 3, "new_tables": 2, "tables_with_differences": 3}
    assert compared.json["missing_tables"] == ["conversations", "media_assets", "sessions"]
    assert compared.json["new_tables"] == ["chats", "media"]
    files = project(
        "schema",
        "diff",
        str(HERE / "old.sql"),
        str(HERE / "schema.sql"),
        "--json",
        "--server",
        project.environment["TARGET_URL"],
    )
    assert {**files.json, "source": "", "destination": ""} == {**compared.json, "source": "", "destination": ""}


def execute(project: Project, statement: str) -> None:
    with psycopg.connect(project.environment["TARGET_URL"]) as connection:
        connection.execute(statement.encode())
