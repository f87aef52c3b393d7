"""Hack The World's application gives the same answers from either store, to the last digit."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from systems import EXAMPLES, SCALE, project_of, system_of

from scratch import MongoScratch, PostgresScratch

HERE = EXAMPLES / "hack-the-world"
sys.path[:0] = [str(EXAMPLES), str(HERE)]

from journeys import Side, Sides, served  # noqa: E402  (the examples are no package)

APP = "hack_the_world_app.replayed"
ACTS = 40


def test_a_day_has_the_same_answers(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    """It is recorded with the old store, and replayed with the new one, which is a copy of how that was before."""
    recorded = importlib.import_module("recorded")
    users = fill(mongo_db.db)
    project = project_of(HERE.name, tmp_path, SOURCE_URL=mongo_db.url, TARGET_URL=pg_db.url)
    assert project("survey").status == 0
    assert project("copy").status == 0
    sides = Sides(old=Side(mongo_db.url, mongo_db.url), new=Side(pg_db.url, pg_db.url))
    stage = tmp_path / "stage.json"
    with served(APP, HERE, sides, stage) as url:
        day = recorded.recorded(url, ACTS, users)
    stage.write_text(json.dumps({"stage": "target"}))
    with served(APP, HERE, sides, stage) as url:
        assert recorded.replayed(url, day) == []
        refused(url, pg_db)
    assert {one.status for one in day} == {200, 201, 401, 403, 404, 409, 422, 423}


def fill(database: Any) -> set[str]:
    """The example's data without what the target refuses, which somebody has to decide about; return its users."""
    system = system_of(HERE.name)
    out = {planted.key for planted in system.planted(SCALE) if "quarantined" in planted.flaw.end("postgresql")}
    for entity in system.sizes:
        database[entity].insert_many(one for one in system.documents(entity, SCALE) if one["_id"] not in out)
    return {str(one["_id"]) for one in database["users"].find(projection={"_id": 1})}


def refused(url: str, pg_db: PostgresScratch) -> None:
    """Who may write is told later; who reads is answered."""
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET default_transaction_read_only = on")
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    pg_db.execute(f"SELECT pg_terminate_backend(pid) {others}")
    someone = {"username": "late", "email": "late@mail.example", "password": "correct horse"}
    answer = httpx.post(f"{url}/api/auth/register", json=someone, timeout=240)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert httpx.get(f"{url}/api/leaderboard", timeout=240).status_code == 200


@pytest.mark.torture
def test_the_whole_journey() -> None:
    """There and back, and there again: nobody notices but what is refused for a moment."""
    words = ("--scale", "0.05", "--day", "60", "--rate", "3")
    subprocess.run([sys.executable, str(HERE / "journey.py"), *words], check=True, timeout=1500)
