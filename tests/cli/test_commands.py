"""Every command on the tiny project, on real servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tinies import BOB, PEOPLE, Tiny

UUID_OF_BOB = "5e0b0000-0000-8000-8000-000002cf01d0"


def test_run_does_everything(tiny: Tiny) -> None:
    ended = tiny("run")
    assert ended.status == 0, ended.err
    assert "people       3       3            0          0  yes" in ended.out
    assert "compared 3 rows of 1 table, in 4 columns: 0 differences" in ended.out
    assert "1 of 1 rules hold" in ended.out
    assert str(tiny.root / "report.html") in ended.out
    assert ended.out.endswith("equal and complete: 3 records in the source, 3 copied\n")
    assert tiny("verify").out.splitlines()[-1] == ended.out.splitlines()[-1]
    assert tiny.postgres.execute("SELECT count(*) FROM people") == [(3,)]
    assert (tiny.root / "report.json").exists()
    assert (tiny.root / "report.html").exists()


@pytest.mark.parametrize(("limit", "status"), [("0.0", 1), ("0.5", 0)])
def test_records_set_aside_are_said_in_figures(tiny: Tiny, limit: str, status: int) -> None:
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 900}})
    tiny.write("crossfade.toml", (tiny.root / "crossfade.toml").read_text() + f"[limits]\nquarantine = {limit}\n")
    ended, again = tiny("run"), tiny("verify", "--json")
    assert (ended.status, again.status) == (status, status)
    assert (again.json["verdict"], again.json["within_limit"]) == ("equal_but_quarantined", status == 0)
    assert ended.out.splitlines()[-1] == again.json["conclusion"]
    assert "1 record is set aside in quarantine (33.33 %)" in again.json["conclusion"]


@pytest.mark.parametrize("side", ["source", "quarantine"])
def test_a_record_in_quarantine_is_proven(tiny: Tiny, side: str) -> None:
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 900}})
    tiny("run")
    assert tiny("verify", "--json").json["verdict"] == "equal_but_quarantined"
    if side == "source":
        tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"name": "Rob"}})
    else:
        tiny.postgres.execute("UPDATE crossfade.quarantine SET raw = set_byte(raw, 30, 1)")
    document = tiny("verify", "--json").json
    assert (document["verdict"], document["differences"]) == ("not_equal", 1)
    (people,) = document["entities"]
    assert (people["quarantined"], people["altered"], people["balanced"]) == (1, 1, True)
    (record,) = people["altered_records"]
    assert str(BOB) in record["record"]
    assert record["in_source"] != record["in_quarantine"]
    assert str(BOB) in tiny("verify").out
    if side == "source":
        tiny("quarantine", "retry")
        assert tiny("verify", "--json").json["verdict"] == "equal_but_quarantined"


def test_a_report_that_cannot_be_written_does_not_take_the_verdict_with_it(tiny: Tiny) -> None:
    tiny("run")
    (tiny.root / "report.html.part").mkdir()
    ended = tiny("verify")
    assert ended.status == 3
    assert ended.out.splitlines()[-1] == "equal and complete: 3 records in the source, 3 copied"
    assert str(tiny.root / "report.html") in ended.out
    assert {f.name for f in tiny.root.glob("report*.html")} == {"report.old.html"}
    document = tiny("verify", "--json").json
    assert (document["ok"], document["report_html"]) == (True, None)
    (tiny.root / "report.html.part").rmdir()
    assert tiny("verify").status == 0
    assert {f.name for f in tiny.root.glob("report*")} == {"report.json", "report.html"}


@pytest.mark.parametrize("name", ["tmp", "t" * 100])  # the second is too long for a socket's path
def test_the_program_leaves_nothing_in_the_temporary_directory(tiny: Tiny, tmp_path: Path, name: str) -> None:
    tiny.mongo.db.people.insert_many({"_id": i, "name": "x" * 900} for i in range(3000))
    tiny.write(
        "crossfade.toml", (tiny.root / "crossfade.toml").read_text() + "[limits]\nchunk_mb = 0.5\nquarantine = 1.0\n"
    )
    temporary = tmp_path / name
    temporary.mkdir()
    program = tiny.start("run", CROSSFADE_WORKERS="2", TMPDIR=str(temporary))
    out, err = program.communicate(timeout=240)
    assert "people  " in out, err
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []


def test_run_uses_the_lock_file_that_is_there(tiny: Tiny) -> None:
    tiny("run")
    again = tiny("run")
    assert again.status == 0
    assert "using the existing" in again.err
    assert tiny("run", "--json").json["survey"] is None
    assert tiny("run", "--json", "--survey").json["survey"]["changes"] == []


def test_a_survey_says_what_crossfade_toml_leaves_out(tiny: Tiny) -> None:
    tiny.mongo.db.logs.insert_one({"_id": 1})
    tiny("survey")
    tiny.write("crossfade.toml", 'entities = ["people"]\n' + (tiny.root / "crossfade.toml").read_text())
    document = tiny("survey", "--json").json
    plans = {e["entity"]: e["plan"] for e in document["entities"]}
    assert plans == {"logs": "not copied, because `entities` in crossfade.toml does not name it", "people": "copied"}
    assert document["changes"] == ["logs: no longer surveyed"]


def test_the_status_needs_neither_mapping_nor_lock_file_nor_schema(tiny: Tiny) -> None:
    tiny("run")
    before = tiny("status", "--json").json
    assert before.pop("notes") == []
    tiny.edit("mapping/people.sql", "p.name AS", "p.nome AS")
    assert without_notes(tiny("status", "--json").json) == before
    (tiny.root / "source.lock.json").unlink()
    (tiny.root / "schema.sql").write_text("CREATE TABEL people ();")
    ended = tiny("status", "--json")
    assert (ended.status, without_notes(ended.json)) == (0, before)


def test_run_stops_where_check_finds_faults(tiny: Tiny) -> None:
    tiny.edit("crossfade.toml", 'path = "__v"', 'path = "___v"')
    ended = tiny("run", "--json")
    assert ended.status == 1
    assert [f["place"] for f in ended.json["check"]["faults"]] == ["people.__v"]
    assert ended.json["copy"] is None
    assert tiny.postgres.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'people'") == [(0,)]


def test_step_by_step(tiny: Tiny) -> None:
    for step in (["survey"], ["check"], ["schema", "apply"], ["copy"], ["verify"], ["status"]):
        ended = tiny(*step)
        assert ended.status == 0, (step, ended.err)


def test_a_run_with_two_workers(tiny: Tiny) -> None:
    tiny.edit("crossfade.toml", "[[discard]]", "[limits]\nchunk_mb = 0.001\n[[discard]]")
    tiny.mongo.db.people.insert_many([{**PEOPLE[0], "_id": n} for n in range(100)])
    with tiny.start("run", "--json", "--workers", "2") as process:
        out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    (people,) = json.loads(out)["copy"]["entities"]
    assert people["copied"] == 103
    assert people["chunks_done"] == people["chunks"] > 2


def test_survey_shows_what_has_changed(tiny: Tiny) -> None:
    tiny("survey")
    tiny.mongo.db.people.insert_one({**PEOPLE[0], "_id": 7, "nick": "A."})
    ended = tiny("survey")
    assert "people: nick: new, as string" in ended.out
    assert "people: 3 documents before, 4 now" in ended.out


def test_check_groups_faults_and_notes(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "age integer", "height integer NOT NULL, age integer")
    tiny.write("schema.sql", (tiny.root / "schema.sql").read_text() + "CREATE TABLE pets (id int PRIMARY KEY);")
    tiny("survey")
    ended = tiny("check")
    assert ended.status == 1
    assert "faults (1)\n  unfilled\n    people.height: it is NOT NULL, and no mapping fills it" in ended.out
    assert "notes (1)\n  unmapped table\n    pets:" in ended.out


def test_schema_show_is_a_script_that_runs(tiny: Tiny) -> None:
    script = tiny("schema", "show").out
    tiny.postgres.execute(script)
    assert tiny.postgres.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'people' ORDER BY 1") == [
        ("people_name",),
        ("people_pkey",),
    ]


NAMING = """
CREATE FUNCTION older() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM people WHERE age > 30';
CREATE TABLE pets (id int PRIMARY KEY, many bigint DEFAULT older());
"""


def test_the_script_runs_where_a_function_names_a_table(tiny: Tiny) -> None:
    schema = tiny.root / "schema.sql"
    schema.write_text(schema.read_text() + NAMING)
    script = tiny("schema", "show").out
    assert script.index("FUNCTION public.older") < script.index("TABLE public.people")
    tiny.postgres.execute(script)


def test_a_schema_is_applied_without_a_survey(tiny: Tiny) -> None:
    assert not (tiny.root / "source.lock.json").exists()
    assert tiny("schema", "apply").status == 0
    assert tiny("run").status == 0


def test_schema_diagram_on_stdout_and_into_a_file(tiny: Tiny, tmp_path: Path) -> None:
    assert tiny("schema", "diagram").out.startswith("erDiagram\n")
    file = tmp_path / "people.dbml"
    ended = tiny("schema", "diagram", "--format", "dbml", "--output", str(file))
    assert ended.out == f"written: {file}\n"
    assert "people" in file.read_text()


def test_explain_a_column(tiny: Tiny) -> None:
    tiny("survey")
    ended = tiny("explain", "people.age")
    assert ended.status == 0
    assert "  = p.age\n    people.age: int x 2, long x 1" in ended.out
    assert "tags" not in ended.out


def test_explain_says_what_only_decides_about_rows(tiny: Tiny) -> None:
    tiny.write("mapping/people.sql", (tiny.root / "mapping/people.sql").read_text() + "WHERE p.name <> 'x'")
    tiny("survey")
    document = tiny("explain", "people.id", "--json").json
    assert [(p["entity"], p["path"], p["types"]) for p in document["steering"]] == [("people", "name", {"string": 3})]
    assert document["columns"][0]["expressions"] == ["uuid_of(p._id)"]


def test_explain_names_the_nearest(tiny: Tiny) -> None:
    tiny("survey")
    table, column = tiny("explain", "peeple.age"), tiny("explain", "people.agge")
    assert (table.status, column.status) == (2, 2)
    assert "Try: people" in table.err
    assert "Try: age" in column.err


def test_verify_names_what_differs(tiny: Tiny) -> None:
    tiny("run")
    tiny.postgres.execute("UPDATE people SET age = -1 WHERE id = %s", [UUID_OF_BOB])
    ended = tiny("verify")
    assert ended.status == 1
    assert f"changed: people[{UUID_OF_BOB}].age" in ended.out
    assert "expected 40, found -1" in ended.out
    assert "rule ages is broken by 1 row: nobody is younger than zero" in ended.out
    document = tiny("verify", "--json").json
    assert (document["ok"], document["equal"], document["rules_hold"], document["differences"]) == (
        False,
        False,
        False,
        1,
    )
    assert str(BOB) in document["tables"][0]["differences"][0]["record"]


def test_verify_waits_for_the_copy(tiny: Tiny) -> None:
    tiny("survey")
    tiny("schema", "apply")
    stands = tiny("status")
    assert stands.status == 1
    assert "people       0       0            0          0  not started\nnot started: crossfade copy" in stands.out
    ended = tiny("verify")
    assert ended.status == 1
    assert "error: the copy has not finished" in ended.err
    assert "Try: crossfade copy" in ended.err


def test_copy_restart_starts_over(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "CREATE INDEX people_name ON people (name);", "")
    tiny("run")
    tiny.edit("mapping/people.sql", "p.age AS age", "p.age + 1 AS age")
    refused = tiny("copy")
    assert refused.status == 1
    assert "a mapping or a discard has changed since the copy began, and 1 chunk is copied" in refused.err
    assert "Try: " in refused.err
    assert "crossfade quarantine retry and crossfade verify" in refused.err
    ended = tiny("copy", "--restart")
    assert ended.status == 0, ended.err
    assert tiny.postgres.execute("SELECT age FROM people ORDER BY id") == [(37,), (41,), (29,)]


def test_id_leads_there_and_back(tiny: Tiny) -> None:
    assert UUID_OF_BOB in tiny("id", str(BOB)).out
    assert tiny("id", UUID_OF_BOB, "--json").json["object_id"] == str(BOB)
    assert tiny("id", "00000000-0000-4000-8000-000000000000").status == 1
    assert tiny("id", "nonsense").status == 2


def test_explain_names_the_document_itself_by_its_collection(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "tags text[]", "tags text[], rest jsonb")
    tiny.edit("mapping/people.sql", "p.tags AS tags", "p.tags AS tags, rest_of(p) AS rest")
    tiny("survey")
    assert "    people (all that no mapping mentions): object x 3\n" in tiny("explain", "people.rest").out


def without_notes(document: dict[str, Any]) -> dict[str, Any]:
    """What `status` says of the journal alone."""
    return {name: value for name, value in document.items() if name != "notes"}


def test_what_a_schema_file_has_and_the_target_does_not_is_reported(tiny: Tiny) -> None:
    schema = tiny.root / "schema.sql"
    schema.write_text(schema.read_text() + "ALTER TABLE people OWNER TO postgres; GRANT SELECT ON people TO PUBLIC;")
    tiny("survey")
    assert [n["kind"] for n in tiny("check", "--json").json["notes"]] == ["schema", "schema"]
    ended = tiny("run")
    assert "OWNER TO is skipped" in ended.out
    report = json.loads((tiny.root / "report.json").read_text())
    assert len(report["schema"]["file_notes"]) == 2
