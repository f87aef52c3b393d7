"""A record whose values need too much memory is rejected; others are processed, and the limit ends with the query."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform import memory_bound
from crossfade.transform.memory_bound import bounded_memory
from mapping_world import World, python_rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process takes")

COLUMNS = (
    TargetColumn("id", ColumnType("int4", "int4"), nullable=False),
    TargetColumn("v", ColumnType("text", "text")),
)
TABLES = {"t": TargetTable("t", None, "t", COLUMNS, ("id",))}


@pytest.mark.parametrize(
    "select",
    [
        "SELECT p._id AS id, repeat('x', p.n) AS v FROM people p",
        "SELECT p._id AS id, left(repeat('x', p.n), 3) AS v FROM people p, unnest([1]) AS t(x)",
        "SELECT p._id AS id, as_text(parse_int(as_string(p.s))) AS v FROM people p WHERE length(repeat('x', p.n)) >= 0",
    ],
)
def test_a_record_that_takes_too_much(select: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    sizes = [1, 2, 2_000_000_000, 3, 2_100_000_000, 4, 5]
    world = World({"people": [{"_id": i, "n": n, "s": "y" if n == 4 else "5"} for i, n in enumerate(sizes)]})
    program = world.program(select)
    result = world.carrier(program, "people", TABLES).map(world.batch(program, "people"))
    wrong = {m.row: m.reason for m in result.rejections}
    refused = {5: "mapping_error"} if "p.s" in select else {}
    assert wrong == {2: "too_large", 4: "too_large", **refused}
    rows: list[dict[str, Any]] = [row for part in result.tables for row in python_rows(part.rows)]
    assert {row["id"] for row in rows} == set(range(7)) - wrong.keys()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_bounds_that_overlap_end_with_the_last() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first, second = bounded_memory(), bounded_memory()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) != before
    second.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_process_keeps_within_a_bound_of_its_own() -> None:
    """What the user bounds already (ulimit -d) is not widened."""
    code = (
        "import resource; from crossfade.transform.memory_bound import bounded_memory, turn_on; turn_on()\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 400 << 20))\n"
        "with bounded_memory(): print(resource.getrlimit(resource.RLIMIT_DATA)[0] <= 300 << 20)\n"
        "print(resource.getrlimit(resource.RLIMIT_DATA) == (300 << 20, 400 << 20))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "True"]


@pytest.mark.parametrize("asked", ["types", "plan"])
def test_a_constant_is_bounded_where_it_is_bound(asked: str) -> None:
    """DuckDB evaluates constants when it binds them: the check of a mapping needed 4 GB and 45 seconds."""
    code = (
        "import resource; from crossfade.transform.engine import Engine, EngineError\n"
        "from crossfade.transform.memory_bound import turn_on; turn_on()\n"
        "try:\n"
        f"    Engine().{asked}(\"SELECT left(repeat('x', 2000000000), 3) AS v WHERE random() < 2\", {{}})\n"
        "except EngineError:\n"
        "    pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_500_000)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True"]


@pytest.mark.parametrize("fails", ["read", "set"])
def test_where_nothing_can_be_bounded_queries_run_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: str
) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    with monkeypatch.context() as patched:
        if fails == "read":
            patched.setattr(memory_bound, "_STATM", tmp_path / "none")
        else:
            patched.setattr(resource, "setrlimit", refuse)
        with bounded_memory():
            assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with bounded_memory():
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
