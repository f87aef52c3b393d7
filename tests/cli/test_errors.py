"""Every error that people meet: the fact, what is true now, a hint, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pymongo
import pytest
from tinies import PEOPLE, Tiny

from calling import Ended, call
from crossfade.cli.failure import BROKEN_PIPE, failure_of, kind_of
from crossfade.errors import CrossfadeError, Unreachable
from crossfade.testing import as_user, mongodb_reader, postgresql_login, with_database
from following import wait_for

NOWHERE = "mongodb://127.0.0.1:1/app?serverSelectionTimeoutMS=300"


def _says(ended: Ended, status: int, *parts: str) -> None:
    assert ended.status == status, ended
    assert ended.err.startswith("error: ") or "\nerror: " in ended.err
    for part in parts:
        assert part in ended.err
    assert ended.out == ""


def test_an_unreachable_source(tiny: Tiny) -> None:
    _says(tiny("survey", SOURCE_URL=NOWHERE), 3, "127.0.0.1:1", "Try: ")
    assert not (tiny.root / "source.lock.json").exists()


def test_an_unreachable_target(tiny: Tiny) -> None:
    tiny("survey")
    _says(tiny("check", TARGET_URL="postgresql://postgres@127.0.0.1:1/app"), 3, "127.0.0.1:1", "Try: ")


def test_a_source_file_that_is_not_there(tiny: Tiny) -> None:
    _says(tiny("survey", SOURCE_URL="dump:/nowhere/at/all"), 3, "/nowhere/at/all")


@pytest.mark.parametrize("options", [["--json"], ["--log-format", "json"], []])
def test_a_wrong_password_is_never_printed(tiny: Tiny, options: list[str]) -> None:
    tiny("survey")
    with postgresql_login(tiny.postgres.url) as url:
        wrong = as_user(url, url.partition("//")[2].partition(":")[0], "Sesame-open-1")
        ended = tiny("check", *options, TARGET_URL=wrong)
    assert ended.status == 3
    assert "Sesame" not in ended.out + ended.err
    assert "password" in ended.out + ended.err


def test_a_variable_that_is_not_set(tiny: Tiny) -> None:
    tiny.edit("crossfade.toml", "${SOURCE_URL}", "${NO_SUCH_URL}")
    _says(tiny("survey"), 2, "uses the environment variable NO_SUCH_URL", "Try: export NO_SUCH_URL=")


def test_a_table_that_the_target_does_not_have(tiny: Tiny) -> None:
    (tiny.root / "mapping/people.sql").rename(tiny.root / "mapping/persons.sql")
    tiny("survey")
    ended = tiny("check")
    assert ended.status == 1
    assert "mapping/persons.sql: the target has no table 'persons'\n      Try: one of people" in ended.out


def test_a_table_that_went_away(tiny: Tiny) -> None:
    tiny("survey")
    tiny("schema", "apply")
    tiny.postgres.execute("DROP TABLE people")
    _says(tiny("copy"), 1, "people", "does not exist")


def test_a_target_that_is_not_empty(tiny: Tiny) -> None:
    tiny.postgres.execute("CREATE TABLE invoices (id int); INSERT INTO invoices VALUES (1)")
    _says(tiny("run"), 1, "is not empty: ", "invoices (has rows); nothing was written", "Try: use an empty database")
    assert tiny.postgres.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'people'") == [(0,)]


def test_a_target_of_another_move(tiny: Tiny) -> None:
    tiny("run")
    tiny.write("crossfade.toml", 'name = "other"\n' + (tiny.root / "crossfade.toml").read_text())
    _says(tiny("copy"), 1, "belongs to the move 'tiny', not 'other'; nothing was written")


def test_a_schema_that_has_changed(tiny: Tiny) -> None:
    tiny("run")
    tiny.edit("schema.sql", "tags text[]", "tags text[], nick text")
    _says(tiny("copy"), 1, "the target schema has changed since this move began; nothing was written", "Try: ")


def test_an_unknown_key_names_its_neighbour(tiny: Tiny) -> None:
    tiny.edit("crossfade.toml", "[source]", "[limits]\nquarantin = 0.5\n[source]")
    _says(tiny("survey"), 2, "crossfade.toml: unknown key 'limits.quarantin'; nothing was done", "Try: 'quarantine'")


def test_a_collection_that_came_after_the_survey(tiny: Tiny) -> None:
    tiny("survey")
    tiny.mongo.db.pets.insert_one({"name": "Rex"})
    ended = tiny("copy")
    _says(ended, 1, "source.lock.json is older than the source (new: pets); nothing was written")
    assert "Try: crossfade survey" in ended.err


def test_a_field_that_came_after_the_survey_is_not_lost(tiny: Tiny) -> None:
    tiny("survey")
    tiny.mongo.db.people.insert_one({**PEOPLE[0], "_id": 7, "nick": "A."})
    ended = tiny("copy")
    assert ended.status == 1
    assert "people: in quarantine: unseen_" in ended.out
    assert "the survey had not seen what some of its records have: crossfade survey" in ended.out


def test_a_user_who_may_only_read_suffices(tiny: Tiny, owned_url: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](owned_url) as client:
        client[tiny.mongo.name].people.insert_many(PEOPLE)
        ended = tiny("run", SOURCE_URL=mongodb_reader(owned_url, tiny.mongo.name))
        client.drop_database(tiny.mongo.name)
    assert ended.status == 0, ended.err


def test_a_role_that_may_not_write_to_the_target(tiny: Tiny) -> None:
    tiny("survey")
    with postgresql_login(tiny.postgres.url) as url:
        ended = tiny("run", TARGET_URL=with_database(url, tiny.postgres.name))
    _says(ended, 1, "permission denied", "Try: ")


def test_faults_of_a_schema_all_in_one_go(tiny: Tiny) -> None:
    faulty = "CREATE TABLE a (id int PRIMARY KEY, UNIQUE (id) WHERE id > 0);\nCREATE TABEL b (id int);\n"
    tiny.write("schema.sql", faulty)
    ended = tiny("schema", "show", "--json")
    error = ended.json["error"]
    assert (ended.status, error["kind"]) == (1, "schema_fault")
    assert [(f["file"], f["line"]) for f in error["faults"]] == [("schema.sql", 1), ("schema.sql", 2)]
    assert "\n" not in error["message"]


def test_faults_of_a_mapping_name_the_nearest_field(tiny: Tiny) -> None:
    tiny("survey")
    tiny.edit("mapping/people.sql", "p.name AS", "p.nome AS")
    checked = tiny("check")
    assert checked.status == 1
    assert all(word in checked.out for word in ("mapping/people.sql:2:", "nome", "Try: name"))
    _says(tiny("copy"), 1, "mapping/people.sql:2:", "nome", "Try: name")


def test_what_databases_hold_is_not_obeyed_by_the_terminal(tiny: Tiny) -> None:
    tiny.mongo.db["pe\x1b]0;title\x07ts"].insert_one({"[red]x[/red]\u202e": 1})
    tiny("survey")
    for ended in (tiny("survey"), tiny("check"), tiny("check", "--json"), tiny("check", "--log-format", "json")):
        assert not {"\x1b", "\x07", "\u202e"} & set(ended.out + ended.err)
    assert "pe\\x1b]0;title\\x07ts" in tiny("check").out


@pytest.mark.parametrize("arguments", [["nonsense"], ["survey", "--nonsense"], ["copy", "--workers", "0"], ["explain"]])
def test_wrong_usage(arguments: list[str]) -> None:
    ended = call(*arguments)
    _says(ended, 2, "Try: crossfade")
    assert call(*arguments, "--json").json["error"]["kind"] == "usage"


def test_no_project() -> None:
    ended = call("survey", "--project", "/nowhere")
    _says(ended, 2, "no crossfade.toml in /nowhere", "Try: name the project's folder with --project")


def test_a_fault_of_our_own_says_so(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("secret " + "correct-horse-battery")

    monkeypatch.setattr("crossfade.move.context.read_lock", break_down)
    target = as_user(tiny.postgres.url, "me", "correct-horse-battery")
    ended = tiny("check", TARGET_URL=target)
    _says(ended, 70, "Traceback", "this is a bug in crossfade: ZeroDivisionError")
    assert "correct-horse-battery" not in ended.err
    assert tiny("check", "--json").json["error"]["kind"] == "internal"


def test_a_file_that_may_not_be_written(tiny: Tiny) -> None:
    _says(tiny("schema", "diagram", "--output", "/nowhere/x.mmd"), 3, "/nowhere/x.mmd could not be written")


def test_a_disk_without_room_for_the_lock_file() -> None:
    failure = failure_of(OSError(28, "No space left on device", "source.lock.json"))
    assert (failure.status, failure.kind) == (3, "unreachable")
    assert failure.message == "source.lock.json: No space left on device"


def test_kinds_are_stable_words() -> None:
    assert kind_of(CrossfadeError) == "failed"
    assert kind_of(Unreachable) == "unreachable"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_in_order_and_says_how_to_resume(tiny: Tiny, workers: str) -> None:
    tiny.edit("crossfade.toml", "[[discard]]", "[limits]\nchunk_mb = 0.001\n[[discard]]")
    tiny.mongo.db.people.insert_many([{**PEOPLE[0], "_id": n} for n in range(20_000)])
    tiny("survey")
    with tiny.start("copy", "--log-format", "json", "--json", "--workers", workers) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"ChunkCopied"' in line:
                break
        os.kill(process.pid, signal.SIGINT)
        err = process.stderr.read()  # not communicate(), which loses the lines that were read ahead
        assert process.stdout is not None
        out = process.stdout.read()
    assert process.returncode == 130
    assert json.loads(out)["error"]["kind"] == "interrupted"
    events = [json.loads(line) for line in err.splitlines()]  # every line is one
    assert "stopping: finishing the work in progress" in next(e for e in events if e["event"] == "Said")["text"]
    assert events[-1]["hint"] == "run the same command again"
    chunks = tiny("status", "--json").json["entities"][0]
    assert 0 < chunks["chunks_done"] < chunks["chunks"]
    assert tiny.postgres.execute("SELECT count(*) FROM people") == [(chunks["copied"],)]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what a process has loaded")
@pytest.mark.parametrize("library", ["/_multiprocessing.", "/_pydantic_core.", "/_cbson."])
def test_ctrl_c_while_the_libraries_are_loaded(tiny: Tiny, library: str) -> None:
    """As soon as it has loaded this one. Before our first line, what happens is up to Python."""
    with tiny.start("survey") as process:
        loaded = Path(f"/proc/{process.pid}/maps")
        wait_for(lambda: process.poll() is not None or library in loaded.read_text())
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=240)[1]
    assert "Traceback" not in err
    assert process.returncode in (0, 130)  # 0: Python has it built in, or the survey was done


def test_a_report_that_cannot_be_written_leaves_the_old_one(tiny: Tiny) -> None:
    assert tiny("run").status == 0
    before = (tiny.root / "report.json").read_bytes()
    (tiny.root / "report.json.part").mkdir()
    ended = tiny("verify")
    assert ended.status == 3
    assert f"{tiny.root / 'report.json'} could not be written: Is a directory" in ended.out + ended.err
    assert "equal and complete" in ended.out
    assert (tiny.root / "report.old.json").read_bytes() == before


def test_a_stdout_that_takes_nothing_is_reported_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crossfade", "id", "507f1f77bcf86cd799439011", "--json"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert ended.returncode == 3
    assert ended.stderr.count("error: ") == 1


def test_a_reader_that_disappears_is_no_error(tiny: Tiny) -> None:
    command = f"{sys.executable} -m crossfade schema show | true"
    environment = {**os.environ, **tiny.settings}
    shell = ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"]
    ended = subprocess.run(shell, env=environment, capture_output=True, check=False)
    assert ended.stderr == b""
    assert ended.returncode in (0, BROKEN_PIPE)  # 0 where all of it fitted into the pipe


@pytest.mark.parametrize("arguments", [["id", "507f1f77bcf86cd799439011"], ["--help"]])
def test_a_reader_that_is_gone(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "crossfade", *arguments]
    with os.fdopen(writing, "w") as pipe:
        ended = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (BROKEN_PIPE, b"")


def test_check_without_the_url_of_the_source(tiny: Tiny) -> None:
    """The lock file has all that a check needs: that the source was not looked at is a note."""
    tiny("survey")
    tiny.edit("crossfade.toml", "${SOURCE_URL}", "${NO_SUCH_URL}")
    found = tiny("check", "--json").json
    assert found["ok"]
    assert [note["kind"] for note in found["notes"]] == ["source_not_seen"]
