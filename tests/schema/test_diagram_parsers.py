"""Diagrams, read by the parsers that people use: mermaid and @dbml/core, from npm where node is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crossfade.model.quoting import identifier
from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetSchema, TargetTable, Unique
from crossfade.schema.diagram import dbml, mermaid

HERE = Path(__file__).parent / "diagrams"

NAMES = [
    *"accDescr accTitle as class classDef click constructor default direction end enum erDiagram FK hide".split(),
    *"identifying indexes LR many non note null o one only optionally PK pk_x pkey project Ref show style".split(),
    *"Table table TableGroup TB title to u UK x zero __proto__".split(),
    *("1x", "a b", "a%b", "a-b", "a'b", "a:b", "a\\b", "a\nb", "a`b", "pk-x", "pk(1)", "q\"q", "uk[2]", "x--y"),
    *("{", "}", "#", " ", "é", "日本", "\u2028", "one or more", "only one", 'a "b" \\c', "one of 日本"),
]  # fmt: skip


@pytest.fixture
def parsers() -> Path:
    """The folder with the parsers, installed once for this environment by the lock file beside this test."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not there")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "diagram-parsers" / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not install the parsers within four minutes")
        if done.returncode:
            pytest.skip(f"npm could not install the parsers: {done.stderr.strip()[-300:]}")
    shutil.copy(HERE / "parse.mjs", folder)
    return folder


def schema(name: str, *keys: ForeignKey) -> TargetSchema:
    """Tables that are called `name`, as are a column, a type, a label and a foreign key of theirs."""
    kind = ColumnType("enum", identifier(name), labels=("", "(empty)", "other", 'b"c', "x\ny", "x y"))
    text = ColumnType("text", "text")
    columns = (TargetColumn("id", text, nullable=False), TargetColumn(name, kind), TargetColumn("parent", text))
    table = TargetTable(
        name,
        "public",
        name,
        columns,
        ("id",),
        (Unique("u", (identifier(name),)),),
        (ForeignKey(name, ("parent",), name, ("id",)), *keys),
    )
    return TargetSchema("postgresql", (table,), (), (), None, "")


ALIKE = ("a b", "a%b", "a_b", "a\nb", "a b_")
"""Names of which a diagram cannot have all as they are."""


def alike() -> TargetSchema:
    """Tables, columns, enums and labels of these names, in a schema that is named, too; each refers to the next."""
    kinds = [ColumnType("enum", identifier(name), labels=ALIKE) for name in ALIKE]
    columns = tuple(TargetColumn(name, kind, nullable=False) for name, kind in zip(ALIKE, kinds, strict=True))
    uniques = tuple(Unique(name, (identifier(name),)) for name in ALIKE)
    names = [*ALIKE, "public.a_b", *(f"{schema}.t" for schema in ALIKE)]
    schemas = ["app"] * len(ALIKE) + ["public", *ALIKE]
    tables = [
        TargetTable(
            name,
            schema,
            name.removeprefix(f"{schema}."),
            columns,
            (),
            uniques,
            (ForeignKey("f", (ALIKE[place % 5],), names[place - 1], (ALIKE[place % 4],)),),
        )
        for place, (name, schema) in enumerate(zip(names, schemas, strict=True))
    ]
    return TargetSchema("postgresql", tuple(tables), (), (), None, "")


def read(parsers: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What the parsers make of all diagrams, by kind and name: one process, as it takes seconds to start."""
    asked = [(kind.__name__, name, kind(schema(name))) for name in NAMES for kind in (mermaid, dbml)]
    again = [ForeignKey("again", ("parent",), "t", ("id",)), ForeignKey("itself", ("id",), "t", ("id",))]
    asked.append(("dbml", "again", dbml(schema("t", *again))))
    asked += [(kind.__name__, "alike", kind(alike())) for kind in (mermaid, dbml)]
    sent = json.dumps([(kind, text) for kind, _, text in asked])
    done = subprocess.run(["node", parsers / "parse.mjs"], input=sent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {(kind, name): each for (kind, name, _), each in zip(asked, json.loads(done.stdout), strict=True)}


def faults(diagram: dict[str, Any]) -> list[str]:
    if "error" in diagram:
        return [diagram["error"]]
    ((_, columns),) = diagram["tables"]
    whole = (columns[0], columns[2], len(columns), diagram["references"]) == ("id", "parent", 3, 1)
    return [] if whole else [f"not whole: {diagram}"]


def _distinct(diagram: dict[str, Any]) -> tuple[int, int, int]:
    """How many tables, columns and references a diagram has, each counted by its name."""
    assert "error" not in diagram, diagram
    columns = sum(len(set(columns)) for _, columns in diagram["tables"])
    return len({str(table) for table, _ in diagram["tables"]}), columns, diagram["references"]


def test_any_name_may_stand_in_a_diagram(parsers: Path) -> None:
    """One test for all names: the parsers run once, not once for each of the processes that share the tests."""
    found = read(parsers)
    assert [_distinct(found.pop((kind, "alike"))) for kind in ("mermaid", "dbml")] == [(11, 55, 11)] * 2
    assert {key: said for key, diagram in found.items() if (said := faults(diagram))} == {}
    assert len(found) == 2 * len(NAMES) + 1
    name = 'a "b" \\c'
    assert found["dbml", name]["tables"] == [[name, ["id", name, "parent"]]]
    assert found["mermaid", "one of 日本"]["tables"] == [["one of 日本", ["id", "one_of_日本", "parent"]]]
