"""`make bench`: crossfade beside the limit, beside what people write today, and beside other tools, in one run;
and the reading of BSON alone, beside other readers.

Contenders run one after another, several rounds of all, so that a slow minute of the machine harms all alike. The
rows are counted after every run; what miscounts has failed. A whole run (scale 1) writes
bench/RESULTS.md; any other prints alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duplicates
import orders
import quarantine
import stores as there
from contenders import Contender, Subject, contenders, readers
from crossfade.records.native import extension, native_status
from measure import Failed, Measured, measure
from report import Outcome, Results, render
from tools import Tools, install, versions

HERE = Path(__file__).parent
PROJECTS = {"sessions": "writingsessions", "users": "users"}
READERS, ORDERS, QUARANTINE, DUPLICATES = "readers", "orders", "quarantine", "duplicates"
EVERY = [*PROJECTS, ORDERS, QUARANTINE, DUPLICATES, READERS]
READ = {**PROJECTS, "reports": "reports"}
"""What the readers are measured on."""


def main() -> int:
    asked = _arguments()
    cache = Path(asked.cache)
    cache.mkdir(parents=True, exist_ok=True)
    tools = install(cache) if not asked.no_tools else Tools()
    missing = {**tools.missing, **({} if extension() else {"the native reader": native_status()})}
    for name, reason in missing.items():
        _say(f"without {name}: {reason}")
    with tempfile.TemporaryDirectory(prefix="crossfade-bench-") as work, there.servers(Path(work)) as stores:
        Path(work).chmod(0o755)  # for the account that PostgreSQL runs under
        found = [_project(stores, Path(work), name, tools, asked) for name in asked.projects if name in PROJECTS]
        if ORDERS in asked.projects:
            found.append(_refused(stores, Path(work), asked))
        if QUARANTINE in asked.projects:
            found.append(_quarantine(stores, Path(work), asked))
        if DUPLICATES in asked.projects:
            found.append(_duplicates(stores, Path(work), asked))
        if READERS in asked.projects:
            found += [_readers(stores, Path(work), name, tools, asked) for name in READ]
        used = {**there.versions(stores), **versions(cache, tools)}
    text = render(found, used, missing, asked.scale, asked.rounds)
    print(text)
    if asked.scale >= 1 and len(found) == len(PROJECTS) + 3 + len(READ) and asked.only == [""]:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    return 1 if any(outcome.failed for one in found for outcome in one.outcomes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1: a million sessions and 200,000 users")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--projects", nargs="+", choices=EVERY, default=EVERY)
    parser.add_argument("--only", nargs="+", default=[""], help="only contenders whose names hold one of these texts")
    parser.add_argument("--no-tools", action="store_true", help="without sling, dlt and pymongoarrow")
    parser.add_argument("--cache", default=str(HERE / ".cache"), help="where the other tools are installed")
    return parser.parse_args()


def _project(stores: there.Stores, work: Path, name: str, tools: Tools, asked: argparse.Namespace) -> Results:
    entity = PROJECTS[name]
    _say(f"{name}: filling MongoDB")
    documents, size = there.fill(stores, name, entity, asked.scale)
    folder = Path(shutil.copytree(HERE / "projects" / name, work / name))
    env = _environment(stores, work, name)
    _say(f"{name}: {documents:,} documents of {size} bytes; the rows, once")
    tables = _first_copy(stores, folder, documents, env, work)
    subject = Subject(name, folder, entity, documents, tables)
    outcomes = _rounds(stores, name, contenders(subject, tools), asked, env, folder / "schema.sql")
    there.drop_source(stores, name)
    return Results(name, documents, size, tables, outcomes)


def _refused(stores: there.Stores, work: Path, asked: argparse.Namespace) -> Results:
    """Copies of which a share is refused."""
    count = max(1000, int(orders.ORDERS * asked.scale))
    _say(f"{ORDERS}: filling the sources with {count:,} documents, {len(orders.SHARES)} times")
    env = {**os.environ, "TARGET_URL": stores.target}
    names = [f"{ORDERS}{number}" for number in range(len(orders.SHARES))]
    wanted = orders.copies(work, [stores.source(name) for name in names], env, count)
    outcomes = _rounds(stores, ORDERS, wanted, asked, env)
    for name in names:
        there.drop_source(stores, name)
    size = len(json.dumps(next(orders.orders(1, 0.0))))
    return Results(ORDERS, count, size, {"orders": count}, outcomes)


def _quarantine(stores: there.Stores, work: Path, asked: argparse.Namespace) -> Results:
    """Records that are set aside, and come in again."""
    count = max(2 * quarantine.CUSTOMERS, int(quarantine.ORDERS * asked.scale))
    _say(f"{QUARANTINE}: filling MongoDB with {count:,} orders")
    env = {**os.environ, "TARGET_URL": stores.target}
    wanted = quarantine.steps(work, stores.source(QUARANTINE), env, count)
    outcomes = _rounds(stores, QUARANTINE, wanted, asked, env)
    there.drop_source(stores, QUARANTINE)
    size = len(json.dumps(next(quarantine.orders(1))))
    return Results(QUARANTINE, count, size, {"orders": count}, outcomes)


def _duplicates(stores: there.Stores, work: Path, asked: argparse.Namespace) -> Results:
    """Copies of records that want the primary keys of others."""
    count = max(1000, int(duplicates.ORDERS * asked.scale))
    _say(f"{DUPLICATES}: filling MongoDB with {count:,} orders, {len(duplicates.SHARES)} times")
    env = {**os.environ, "TARGET_URL": stores.target}
    names = [f"{DUPLICATES}{number}" for number in range(len(duplicates.SHARES))]
    wanted = duplicates.copies(work, [stores.source(name) for name in names], env, count)
    outcomes = _rounds(stores, DUPLICATES, wanted, asked, env)
    for name in names:
        there.drop_source(stores, name)
    size = len(json.dumps(next(duplicates.orders(1, 0.0))))
    return Results(DUPLICATES, count, size, {"orders": count}, outcomes)


def _readers(stores: there.Stores, work: Path, name: str, tools: Tools, asked: argparse.Namespace) -> Results:
    """The reading alone, of batches in memory; no server has a part in it."""
    folder, title = work / f"{name}-batches", f"{READERS}, {name}"
    _say(f"{title}: making the batches")
    command = [sys.executable, str(HERE / "batches.py"), str(folder), name, READ[name], str(asked.scale)]
    made = measure(command, os.environ).printed
    wanted = readers(READ[name], made["documents"], tools)
    outcomes = _rounds(stores, title, wanted, asked, {**os.environ, "BENCH_BATCHES": str(folder)})
    shutil.rmtree(folder)
    return Results(title, made["documents"], made["bytes"] // made["documents"], {}, outcomes)


def _rounds(
    stores: there.Stores,
    name: str,
    wanted: Sequence[Contender],
    asked: argparse.Namespace,
    env: dict[str, str],
    schema: Path | None = None,
) -> list[Outcome]:
    outcomes = [Outcome(one) for one in wanted if any(text in one.name for text in asked.only)]
    for number in range(asked.rounds):
        for outcome in outcomes:
            _round(stores, outcome, schema, env)
            _say(f"{name}: round {number + 1}: {outcome.last}")
    return outcomes


def _environment(stores: there.Stores, work: Path, project: str) -> dict[str, str]:
    source = stores.source(project)
    return {
        **os.environ,
        "SOURCE_URL": source,
        "TARGET_URL": stores.target,
        "BENCH_ENTITY": PROJECTS[project],
        "BENCH_BINARY": str(work / f"{project}-binary"),
        "BENCH_SOURCE": source,  # sling takes its connections from the environment, by name
        "BENCH_TARGET": stores.target + "?sslmode=disable",
    }


def _first_copy(stores: there.Stores, folder: Path, documents: int, env: dict[str, str], work: Path) -> dict[str, int]:
    """The lock file, and the target's rows as binary COPY data; table -> how many rows every load must make."""
    crossfade = [sys.executable, "-m", "crossfade"]
    there.fresh_target(stores, None)
    for what in ("survey", "copy"):
        measure([*crossfade, what, "--project", str(folder), "--quiet"], env)
    names = dict.fromkeys((file.stem for file in (folder / "mapping").glob("*.sql")), documents)
    tables = there.count_rows(stores, names)
    if tables != names:
        raise Failed(f"{tables} rows of {documents} documents")
    there.export(stores, tables, Path(env["BENCH_BINARY"]))
    return tables


def _round(stores: there.Stores, outcome: Outcome, schema: Path | None, env: dict[str, str]) -> None:
    """Measures a contender once, and holds its rows against what they must be."""
    one = outcome.contender
    make: dict[str, Callable[[], None]] = {
        "empty": lambda: there.fresh_target(stores, None),
        "tables": lambda: there.fresh_target(stores, schema),
    }
    if outcome.failed:
        return
    make.get(one.target, lambda: None)()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            own = {"BENCH_DOCUMENTS": str(one.documents), "BENCH_WORK": scratch, **one.env}
            measured = measure(one.command, {**env, **own})
        _require_rows(stores, one, measured)
    except Failed as error:
        outcome.failed = str(error)
        return
    outcome.runs.append(measured)


def _require_rows(stores: there.Stores, one: Contender, measured: Measured) -> None:
    rows = there.count_rows(stores, one.tables) if one.tables else {}
    if rows != dict(one.tables):
        raise Failed(f"it left {rows} rows where {dict(one.tables)} were due")
    if measured.printed.get("documents", one.documents) != one.documents:
        raise Failed(f"it took {measured.printed['documents']} documents of {one.documents}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
