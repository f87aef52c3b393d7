"""A trap on disk: the source, its mapping, and the expected result (README.md)."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from crossfade.errors import CrossfadeError, Uncovered
from crossfade.model.findings import Finding
from crossfade.move import Move, Status
from crossfade.project import load_project
from crossfade.records.bson.ejson import loads, to_bson
from crossfade.verify.verdict import Verdict

SETTINGS = """\
name = "{name}"
source.url = "${{SOURCE_URL}}"
target.url = "${{TARGET_URL}}"
target.schema = "{schema}"
"""


@dataclass(frozen=True)
class Trap:
    """A folder with expected.json. What it does not hold itself it takes from the folder above."""

    folder: Path
    top: Path

    @property
    def name(self) -> str:
        return str(self.folder.relative_to(self.top))

    @property
    def expected(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "expected.json").read_text()))

    def find(self, name: str) -> Path | None:
        """The file or folder of that name, of this variant or of the whole trap."""
        places = [self.folder, *(p for p in self.folder.parents if p.is_relative_to(self.top) and p != self.top)]
        return next((place / name for place in places if (place / name).exists()), None)

    def found(self, name: str) -> Path:
        path = self.find(name)
        assert path is not None, f"{self.name} has no {name}"
        return path


def traps(top: Path) -> list[Trap]:
    return [Trap(file.parent, top) for file in sorted(top.rglob("expected.json"))]


# -- the source


def fill(trap: Trap, db: Database[dict[str, Any]], folder: Path) -> str | None:
    """Puts the documents into `db`, or writes a dump below `folder`; the URL of the dump."""
    code = trap.find("source.py")
    module = _module(code) if code is not None else None
    if module is not None and hasattr(module, "dump"):
        return f"dump:{module.dump(folder)}"
    if source := trap.find("source"):
        for file in sorted(source.glob("*.jsonl")):
            insert(db, file.stem, [to_bson(loads(line)) for line in lines(file)])
    if module is not None:
        module.fill(db)
    return None


def lines(file: Path) -> Iterator[str]:
    return (line for line in file.read_text(encoding="utf-8").split("\n") if line.strip() and line[:2] != "//")


def insert(db: Database[dict[str, Any]], collection: str, documents: list[bytes]) -> None:
    """Raw documents, as they are: the driver would not send all that a server takes."""
    if documents:
        try:
            db[collection].insert_many([RawBSONDocument(raw) for raw in documents])
        except BulkWriteError as error:
            raise AssertionError(error.details) from None


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"trap_source_{abs(hash(file))}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- the move


def project_of(trap: Trap, folder: Path, *, mapping: Path | None = None) -> Path:
    """The trap as a project on disk below `folder`."""
    root = folder / "project"
    root.mkdir()
    schema = trap.find("schema.prisma") or trap.found("schema.sql")
    shutil.copy(schema, root / schema.name)
    settings = trap.find("crossfade.toml")
    more = settings.read_text() if settings is not None else ""
    (root / "crossfade.toml").write_text(SETTINGS.format(name=trap.name, schema=schema.name) + more)
    shutil.copytree(mapping or trap.found("mapping"), root / "mapping")
    if rules := trap.find("rules"):
        shutil.copytree(rules, root / "rules")
    return root


def move_of(root: Path, source: str, target: str) -> Move:
    return Move(load_project(root, {"SOURCE_URL": source, "TARGET_URL": target}))


@dataclass
class Outcome:
    """What a run came to. `error` is what ended it; then the phase it ended."""

    entities: dict[str, dict[str, Any]]
    findings: list[Finding]
    status: Status | None = None
    quarantined: list[dict[str, Any]] | None = None
    verdict: Verdict | None = None
    error: CrossfadeError | None = None
    phase: str = ""


def run(move: Move) -> Outcome:
    """Survey, check, copy and verify, as far as it goes."""
    out = Outcome({}, [], phase="survey")
    try:
        for info in move.survey()[1]:
            out.entities[info.name] = {"class": info.entity_class, "copied": info.copied, "plan": info.plan}
        out.phase = "check"
        out.findings = move.check()
        out.phase = "copy"
        out.status = move.copy()
        out.phase = "verify"
        out.quarantined = [
            {
                "entity": e.entity,
                "key": e.key,
                "reason": e.reason,
                "table": e.table,
                "column": e.column,
                "says": e.detail,
            }
            for e in move.quarantine()
        ]
        out.verdict = move.verify()
        out.phase = "done"
    except CrossfadeError as error:
        out.error = error
    return out


# -- what came of it


def rows(url: str) -> dict[str, list[dict[str, str | None]]]:
    """Every table of the target that is not the journal's, each value as the database prints it (dates in UTC)."""
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('crossfade', 'pg_catalog', 'information_schema')"
        ).fetchall()
        return {(name if schema == "public" else f"{schema}.{name}"): _rows(connection, schema, name)
                for schema, name in tables}  # fmt: skip


def _rows(connection: Any, schema: str, table: str) -> list[dict[str, str | None]]:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            [schema, table],
        )
    ]
    listed = ", ".join('"' + c.replace('"', '""') + '"::text' for c in columns)
    quoted = ".".join('"' + n.replace('"', '""') + '"' for n in (schema, table))
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(f"SELECT {listed} FROM {quoted}")]


def answers(url: str, query: str) -> list[list[str | None]]:
    """The rows of a query, as text."""
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        return [[None if v is None else str(v) for v in row] for row in connection.execute(query)]


def settle(found: list[Any]) -> list[Any]:
    """In an order of its own: which of two rows a database names first says nothing."""
    return sorted(found, key=lambda item: json.dumps(item, sort_keys=True))


def compare(outcome: Outcome, expected: dict[str, Any], target: str) -> None:
    """Fails unless all of `expected` is so, and nothing else is there."""
    known = {"refused", "entities", "notes", "tables", "queries", "quarantined", "discarded", "verify"}
    assert set(expected) <= known, f"expected.json has keys that say nothing: {set(expected) - known}"
    for name, said in expected.get("entities", {}).items():
        found = outcome.entities.get(name)
        assert found is not None, f"{name} is not among {sorted(outcome.entities)}"
        assert said.get("plan", "") in found["plan"]
        assert {k: found[k] for k in said if k != "plan"} == {k: v for k, v in said.items() if k != "plan"}
    for note in expected.get("notes", []):
        assert any(_is(f, "note", note) for f in outcome.findings), f"{note} is not among {outcome.findings}"
    if "refused" in expected:
        _compare_refusal(outcome, expected["refused"], target)
    else:
        _compare_copy(outcome, expected, target)


def _is(finding: Finding, severity: str, said: dict[str, str]) -> bool:
    words = f"{finding.message} {finding.hint or ''}"
    return (
        finding.severity == severity
        and finding.kind == said["kind"]
        and said.get("place") in (None, finding.place)
        and said.get("says", "") in words
    )


def _compare_refusal(outcome: Outcome, refused: dict[str, Any], target: str) -> None:
    assert outcome.error is not None, f"it was not refused, but copied: {rows(target)}"
    faults = [f for f in outcome.findings if f.severity == "fault"]
    if "faults" in refused:
        assert isinstance(outcome.error, Uncovered), outcome.error
        assert len(faults) == len(refused["faults"]), faults
        for said in refused["faults"]:
            assert any(_is(f, "fault", said) for f in faults), f"{said} is not among {faults}"
    else:
        words = f"{outcome.error.message} {outcome.error.hint or ''}"
        assert (type(outcome.error).__name__, refused["says"] in words) == (refused["error"], True), words
    assert rows(target) == {}, "it was refused, but something was written"


def _compare_copy(outcome: Outcome, expected: dict[str, Any], target: str) -> None:
    if outcome.error is not None:
        raise AssertionError(f"{outcome.phase}: {outcome.error.message}") from outcome.error
    assert outcome.status is not None
    there, said = rows(target), expected["tables"]
    counted = {t for t in there if isinstance(said.get(t), int)}
    assert {t: len(there[t]) for t in counted} == {t: said[t] for t in counted}
    assert {t: settle(r) for t, r in there.items() if t not in counted} == {
        t: settle(said.get(t, [])) for t in there if t not in counted
    }
    assert set(said) <= set(there)
    for query, answer in expected.get("queries", {}).items():
        assert answers(target, query) == answer, query
    _compare_quarantine(outcome, expected.get("quarantined", []))
    discarded = {e.entity: e.counts.discarded for e in outcome.status.entities if e.counts.discarded}
    assert discarded == expected.get("discarded", {})
    assert all(e.balanced for e in outcome.status.entities), outcome.status.entities
    assert outcome.verdict is not None
    assert (outcome.verdict.equal, outcome.verdict.balanced) == (True, True), outcome.verdict
    assert outcome.verdict.schema is not None
    assert [d.sentence for d in outcome.verdict.schema.differences] == []


def _compare_quarantine(outcome: Outcome, expected: list[dict[str, Any]]) -> None:
    found = outcome.quarantined or []
    plain = [{k: v for k, v in entry.items() if k != "says" and v is not None} for entry in found]
    said = [{k: v for k, v in entry.items() if k != "says"} for entry in expected]
    assert settle(plain) == settle(said), found
    for entry in expected:
        same = [f for f in found if all(f[k] == v for k, v in entry.items() if k != "says")]
        assert any(entry.get("says", "") in f["says"] for f in same), f"{entry['says']!r} is not in {same}"
