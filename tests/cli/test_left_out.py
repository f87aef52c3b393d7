"""Verification refuses to ignore data that was copied and that no mapping includes any more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tinies import Tiny


def test_a_mapping_that_is_gone_after_the_copy(tiny: Tiny) -> None:
    tiny.mongo.db.pets.insert_one({"_id": 1, "name": "Rex"})
    tiny.edit("schema.sql", "CREATE INDEX", "CREATE TABLE pets (id integer PRIMARY KEY, name text);\nCREATE INDEX")
    tiny.write("mapping/pets.sql", "SELECT p._id AS id, p.name AS name FROM pets AS p")
    assert tiny("run").status == 0
    tiny.write("mapping/pets.sql", "SELECT p._id AS id, p.name AS name FROM pets AS p -- the same")
    assert tiny("verify").status == 0
    (tiny.root / "mapping" / "pets.sql").unlink()
    ended = tiny("verify", "--json")
    assert (ended.status, ended.json["error"]["kind"]) == (1, "refused")
    message = "no mapping includes pets any more, which was copied; nothing was compared"
    assert ended.json["error"]["message"] == message


def test_a_second_table_that_is_gone_after_the_copy(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "CREATE INDEX", "CREATE TABLE ages (id uuid PRIMARY KEY, age integer);\nCREATE INDEX")
    tiny.write("mapping/ages.sql", "SELECT uuid_of(p._id) AS id, p.age AS age FROM people AS p")
    assert tiny("run").status == 0
    (tiny.root / "mapping" / "ages.sql").unlink()
    ended = tiny("verify")
    assert ended.status == 1
    assert "no mapping includes ages any more, which was copied" in ended.err


def test_a_column_that_the_mapping_no_longer_makes(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "age integer NOT NULL CHECK", "age integer CHECK")
    assert tiny("run").status == 0
    tiny.postgres.execute("UPDATE people SET age = 1")
    tiny.edit("mapping/people.sql", "p.age AS age, ", "")
    ended = tiny("verify")
    assert ended.status == 1
    assert "people.age: not mapped:" in ended.err


def test_a_table_whose_rows_are_all_in_quarantine_is_not_called_the_targets_own(tiny: Tiny) -> None:
    tiny.mongo.db.people.update_many({}, {"$set": {"age": 900}})
    ended = tiny("run", "--json")
    assert ended.status == 1
    (table,) = ended.json["verify"]["tables"]
    assert (table["rows"], table["not_compared"]) == (0, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_takes_no_more(tiny: Tiny) -> None:
    command = [sys.executable, "-m", "crossfade", "schema", "show", "--project", str(tiny.root)]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=tiny.settings, check=False)
    assert ended.returncode == 3, ended.stderr
    assert "could not write the output" in ended.stderr


def test_a_retry_does_not_let_another_mapping_into_the_middle_of_a_copy(tiny: Tiny) -> None:
    assert tiny("run").status == 0
    tiny.postgres.execute("DELETE FROM people; UPDATE crossfade.chunk SET done_at = NULL")  # as a kill leaves it
    assert tiny("quarantine", "retry").status == 0
    tiny.edit("mapping/people.sql", "p.name AS name", "upper(p.name) AS name")
    ended = tiny("quarantine", "retry", "--json")
    assert (ended.status, ended.json["error"]["kind"]) == (1, "stale")
    assert "1 chunk is not copied yet" in ended.json["error"]["message"]
