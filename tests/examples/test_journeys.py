"""Scribe Tree's application gives the same answers from either store, and nothing but 503 while one takes no writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from systems import EXAMPLES, project_of, seed

from scratch import MongoScratch, PostgresScratch

HERE = EXAMPLES / "scribe-tree"
sys.path[:0] = [str(EXAMPLES)]

from journeys import Exchange, Request, Side, Sides, record, replay, served  # noqa: E402  (the examples are no package)

SCALE = 0.01


def test_the_same_answers_from_either_store(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    seed("scribe-tree", "--url", mongo_db.url, scale=SCALE)
    project = project_of("scribe-tree", tmp_path, SOURCE_URL=mongo_db.url, TARGET_URL=pg_db.url)
    sides = Sides(Side(mongo_db.url, mongo_db.url), Side(pg_db.url, pg_db.url))
    stage = tmp_path / "stage.json"
    with served("scribe_tree_app", HERE, sides, stage) as url:
        asked, known = scripted()
        recorded = record(url, asked)
        assert {exchange.status for exchange in recorded} == {200, 201, 404, 409, 422}
        assert project("survey").status == 0
        assert project("copy").status in (0, 1)  # records are in quarantine
        stage.write_text(json.dumps({"stage": "target"}))
        differences = replay(url, recorded)
        others = [what for what in differences if not any(user in what for user in known)]
        assert (others, bool(differences)) == ([], True)
        refused(url, recorded, pg_db)


@pytest.mark.torture
@pytest.mark.parametrize("options", [[], ["--as-planned"]], ids=["without a window", "as planned"])
def test_the_journey(options: list[str], tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(HERE / "journey.py"),
        "--work",
        str(tmp_path),
        "--day",
        "40",
        "--rate",
        "3",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def scripted() -> tuple[list[Request], set[str]]:
    """What journey.py asks for, and the users whose answers differ; read by a process of its own, as both examples have
    files of the same names.
    """
    script = """
import json, sys
sys.path.insert(0, sys.argv[1])
from dataclasses import asdict
from journey import SYSTEM, known, reads, writes
scale = float(sys.argv[2])
print(json.dumps([[asdict(one) for one in [*reads(SYSTEM.at(scale)), *writes()]], sorted(known(scale))]))
"""
    done = subprocess.run([sys.executable, "-c", script, str(HERE), str(SCALE)], check=True, capture_output=True)
    requests, known = json.loads(done.stdout)
    return [Request(**one) for one in requests], set(known)


def refused(url: str, recorded: list[Exchange], pg_db: PostgresScratch) -> None:
    """Reads go on; writes are put off, each of them."""
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET default_transaction_read_only = on")
    pg_db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND pid <> pg_backend_pid()")  # fmt: skip
    accepted = [one.request for one in recorded if one.status in (200, 201)]
    assert {one.method for one in accepted} == {"GET", "POST"}
    for one in accepted[-6:]:
        answer = httpx.request(one.method, f"{url}{one.path}", json=one.body, timeout=240)
        if one.method == "GET":
            assert answer.status_code == httpx.codes.OK
        else:
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
