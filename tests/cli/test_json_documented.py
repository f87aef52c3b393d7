"""docs/reference/json.md and the output of the commands agree, key by key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from all_commands import all_commands
from tinies import BOB, EVE, Tiny

PAGE = Path(__file__).parents[2] / "docs/reference/json.md"

FREE = {
    "problems",
    "reasons",
    "records",
    "counts",
    "tables",
    "types",
    "changed_columns",
    "document",
    "versions",
    "cause",
    "row",
    "rows",
    "moving",
    "rows_named",
}
"""Objects whose keys are data."""


def documented() -> dict[str, Any]:
    """Heading -> the example below it."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        name: json.loads(body) for name, body in re.findall(r"^## (.+?)\n.*?^```json\n(.*?)^```", text, re.M | re.S)
    }


def differences(page: Any, printed: Any, place: str = "", name: str = "") -> Iterator[str]:
    """Where the two are of other shapes. Empty lists and null have nothing to compare."""
    if page is None or printed is None:
        return
    if isinstance(page, dict) and isinstance(printed, dict):
        if name in FREE:
            return
        yield from (f"{place}: {key!r} is only in json.md" for key in page.keys() - printed.keys())
        yield from (f"{place}: {key!r} is not in json.md" for key in printed.keys() - page.keys())
        for key in page.keys() & printed.keys():
            yield from differences(page[key], printed[key], f"{place}.{key}", key)
    elif isinstance(page, list) and isinstance(printed, list):
        for item in printed if page else ():
            yield from differences(page[0], item, f"{place}[]")
    elif type(page) is not type(printed):
        yield f"{place}: {type(page).__name__} in json.md, {type(printed).__name__} printed"


@pytest.fixture
def flawed(tiny: Tiny) -> Tiny:
    """With a record for quarantine and one that breaks a rule, so that lists have something in them."""
    tiny.mongo.db.people.update_one({"_id": EVE}, {"$set": {"name": None}})
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": -1}})
    return tiny


COMMANDS = (
    "survey-show check groups preview schema-show schema-diagram schema-apply status copy verify repair run start stop "
    "rehearse cutover quarantine-list quarantine-show quarantine-retry explain invert id quarantine-discard reset"
).split()


def test_every_document_is_as_documented(flawed: Tiny) -> None:
    flawed("survey")
    pages = documented()
    entry = ""
    for command in ["survey", *COMMANDS]:
        ended = flawed(*command.split("-"), *_arguments(command, entry), "--json")
        printed = ended.json
        page = pages["status" if command in ("copy", "start") else command.replace("-", " ")]
        assert "error" not in printed, (command, printed)
        assert list(differences(page, printed, command)) == []
        if command == "run":
            for step in ("check", "schema", "copy", "verify"):
                name = {"schema": "schema apply", "copy": "status"}.get(step, step)
                assert list(differences(pages[name], printed[step], step)) == []
        if command == "quarantine-list":
            entry = printed["entries"][0]["id"]


def _arguments(command: str, entry: str) -> list[str]:
    return {
        "survey-show": ["people"],
        "preview": ["people"],
        "start": ["--for", "1s"],
        "cutover": ["--dry-run", "--plan", "820fb047cbaf"],
        "quarantine-list": ["--each"],
        "quarantine-show": [entry],
        "quarantine-discard": [entry, "--why", "nobody"],
        "explain": ["people"],
        "reset": ["--yes"],
        "id": [str(BOB)],
    }.get(command, [])


def test_a_sample_is_as_documented(flawed: Tiny) -> None:
    flawed("survey")
    printed = flawed("preview", "--sample", "10", "--json").json
    assert printed["samples"][0]["causes"]
    assert list(differences(documented()["preview"], printed)) == []


def test_round_trips_are_as_documented(flawed: Tiny) -> None:
    flawed("run")
    flawed.postgres.execute("UPDATE people SET name = 'Somebody' WHERE name IS NOT NULL")
    for command in ("check", "verify"):
        printed = flawed(command, "--round-trip", "--json").json
        assert list(differences(documented()[f"{command} --round-trip"], printed)) == []
    assert printed["entities"][0]["differing_records"]


def test_differences_are_as_documented(flawed: Tiny) -> None:
    flawed("run")
    flawed.postgres.execute("UPDATE people SET tags = '{}' WHERE tags IS NOT NULL")
    printed = flawed("verify", "--json").json
    assert printed["tables"][0]["differences"]
    assert printed["rules"][0]["rows"]
    assert list(differences(documented()["verify"], printed)) == []


def test_faults_and_errors_are_as_documented(tiny: Tiny) -> None:
    tiny("survey")
    tiny.edit("crossfade.toml", 'path = "__v"', 'path = "nothing"')
    printed = tiny("check", "--json").json
    assert printed["faults"]
    assert printed["notes"]
    assert list(differences(documented()["check"], printed)) == []
    tiny.edit("mapping/people.sql", "p.name AS", "p.nome AS")
    printed = tiny("check", "--json").json
    assert "mapping" in {fault["kind"] for fault in printed["faults"]}
    failed = tiny("copy", "--json").json
    assert failed["error"]["faults"]
    assert list(differences(documented()["error"], failed)) == []


def test_a_copy_that_coverage_refuses_has_the_faults_of_check(tiny: Tiny) -> None:
    tiny("survey")
    tiny.edit("crossfade.toml", 'path = "__v"', 'path = "nothing"')
    refused = tiny("copy", "--json").json["error"]
    assert (refused["kind"], refused["message"]) == ("uncovered", "1 fault; nothing was written")
    assert refused["faults"] == tiny("check", "--json").json["faults"] != []


def test_every_command_has_a_section() -> None:
    parts = {"error", "check --round-trip", "verify --round-trip", "verify --daily"}
    assert documented().keys() == {*all_commands(), *parts} - {"copy"}  # it prints the status


def test_a_difference_would_be_found() -> None:
    found = differences({"a": 1, "b": [{"c": 1}]}, {"a": "x", "b": [{"d": 1}]})
    assert sorted(found) == [
        ".a: int in json.md, str printed",
        ".b[]: 'c' is only in json.md",
        ".b[]: 'd' is not in json.md",
    ]
