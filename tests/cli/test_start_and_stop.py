"""`start` and `stop` as processes on real servers: an application writes, runs are killed, stopped, refused."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from bson import ObjectId
from test_json_documented import differences, documented
from tinies import ADA, BOB, Tiny

from crossfade.cli.durations import seconds_of
from crossfade.errors import Misused
from crossfade.stores import patience
from following import Run, running, wait_for
from outcome import open_move


@pytest.fixture
def following(tiny: Tiny) -> subprocess.Popen[str]:
    """A run that follows."""
    tiny("survey")
    run = tiny.start("start")
    wait_for(lambda: follows(tiny) or run.poll() is not None)
    assert run.poll() is None, run.communicate()
    return run


@pytest.fixture
def followed(tiny: Tiny) -> Iterator[Run]:
    """A run that follows, in a thread of the test: for tests that do nothing to its process."""
    tiny("survey")
    with running(lambda: open_move(tiny.root, tiny.mongo.url, tiny.postgres.url)) as run:
        yield run


def status(tiny: Tiny) -> dict[str, Any]:
    found: dict[str, Any] = tiny("status", "--json").json
    return found.get("following") or {}


def follows(tiny: Tiny) -> bool:
    found = status(tiny)
    return bool(found) and found["running"] and found["state"] == "following"


def names(tiny: Tiny) -> list[str]:
    return sorted(row[0] for row in tiny.postgres.execute("SELECT name FROM people"))


def test_it_follows_until_it_is_stopped(
    tiny: Tiny, following: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.mongo.db.people.insert_one({"_id": ObjectId(), "name": "Zoe", "age": 1, "tags": []})
    tiny.mongo.db.people.delete_one({"_id": ADA})
    wait_for(lambda: "Zoe" in names(tiny) and "Ada" not in names(tiny))
    assert psutil.Process(following.pid).children() == [], "one worker is the process itself"
    monkeypatch.setattr(patience, "SECONDS", 0.3)
    refused = tiny("start", "--for", "1s")
    assert (refused.status, "another run" in refused.err, "crossfade stop" in refused.err) == (1, True, True)
    stopped = tiny("stop", "--json")
    assert (stopped.status, stopped.json["following"]["state"]) == (0, "stopped")
    assert following.wait(120) == 0


def test_ctrl_c_is_the_usual_end(tiny: Tiny, following: subprocess.Popen[str]) -> None:
    following.send_signal(signal.SIGINT)
    out, err = following.communicate(timeout=120)
    assert following.returncode == 0, (out, err)
    assert status(tiny)["state"] == "stopped"


def test_a_killed_run_is_continued(tiny: Tiny, following: subprocess.Popen[str]) -> None:
    following.kill()
    following.wait(120)
    wait_for(lambda: status(tiny).get("running") is False)
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"name": "Rob"}})
    again = tiny.start("start", "--json")
    wait_for(lambda: "Rob" in names(tiny) or again.poll() is not None)
    assert tiny("stop").status == 0
    out, err = again.communicate(timeout=120)
    assert (again.returncode, json.loads(out)["following"]["moving"]) == (0, {}), err
    assert "Rob" in names(tiny)
    assert tiny("verify").status == 0, "nothing was written since the run ended"


def test_what_is_written_while_following_is_stopped_is_a_difference(
    tiny: Tiny, following: subprocess.Popen[str]
) -> None:
    assert tiny("stop").status == 0
    following.wait(120)
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"name": "Rob"}})
    found = tiny("verify", "--json")
    assert (found.status, found.json["differences"]) == (1, 1)
    assert any("following is stopped" in note for note in found.json["notes"])
    assert tiny("verify", "--again").status == 1


def test_it_runs_in_the_background(tiny: Tiny) -> None:
    tiny("survey")
    begun = tiny("start", "--detach", "--for", "10m", "--json").json
    assert list(differences(documented()["start"], begun)) == []
    try:
        wait_for(lambda: follows(tiny))
        tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"name": "Rob"}})
        wait_for(lambda: "Rob" in names(tiny))
    finally:
        assert tiny("stop").status == 0
    first, *log = (tiny.root / "start.log").read_text().splitlines()
    assert first.startswith("== ")
    assert first.endswith("crossfade start --for 10m")
    assert any("following with the feed" in line and line.startswith("20") for line in log)
    assert begun["pid"]


def test_a_second_run_is_not_said_to_have_started(tiny: Tiny, followed: Run) -> None:
    found = tiny("start", "--detach", "--json")
    assert (found.status, found.json["error"]["kind"]) == (1, "busy")
    assert not (tiny.root / "start.log").exists()


def test_ctrl_c_ends_the_watch_without_a_word(tiny: Tiny, followed: Run) -> None:
    watch = tiny.start("status", "--watch", "--json")
    assert watch.stdout is not None
    assert watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=120)
    assert (watch.returncode, err) == (0, "")


def test_keys_of_a_person_are_applied_by_the_run_that_follows(tiny: Tiny, followed: Run) -> None:
    tiny.postgres.execute("UPDATE people SET name = 'nobody'")
    key = f'{{"$oid":"{BOB}"}}'
    found = tiny("repair", "--entity", "people", "--key", key, "--json")
    assert (found.status, found.json["handed_over"], found.json["moving"]) == (0, True, 0)
    assert "Bob\x1b[31m" in names(tiny)


def test_a_record_in_quarantine_is_retried_by_the_run_that_follows(tiny: Tiny, followed: Run) -> None:
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 300}})
    wait_for(lambda: len(names(tiny)) == 2)
    found = tiny("quarantine", "retry", "--json")
    assert (found.status, found.json["counts"]) == (1, {"quarantined": 1})


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("0.5s", 0.5), ("7d", 604800)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "-1s", "1h 30m"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(Misused):
        seconds_of(text)
