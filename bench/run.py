"""`make bench`: crossfade beside the limit, beside what people write today, and beside other tools, in one run;
and the reading of BSON alone, beside other readers.

Contenders run one after another, several rounds of all, so that a slow minute of the machine harms all alike. The
rows are counted after every run; what miscounts has failed. A whole run (scale 1) writes bench/RESULTS.md; a run of
some projects replaces their sections there if --keep asks for it; any other prints alone.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import crossfade
import duplicates
import follow
import orders
import pairs
import quarantine
import stores as there
import switches
from contenders import Contender, Subject, contenders, readers
from crossfade.records.native import extension, native_status
from measure import Failed, Measured, measure
from report import Outcome, Results, render
from row_sources import TABLE
from sections import with_sections
from tools import Tools, install, versions

HERE = Path(__file__).parent
PROJECTS = {"sessions": "writingsessions", "users": "users"}
READERS, ORDERS, QUARANTINE, DUPLICATES, FOLLOW = "readers", "orders", "quarantine", "duplicates", "follow"
SWITCH, PAIRS = "switch", "pairs"
EVERY = [*PROJECTS, ORDERS, QUARANTINE, DUPLICATES, FOLLOW, SWITCH, PAIRS, READERS]
READ = {**PROJECTS, "reports": "reports"}
"""What the readers are measured on."""


def main() -> int:
    asked = _arguments()
    _compile()
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
        if FOLLOW in asked.projects:
            found.append(_follow(stores, Path(work), asked))
        if SWITCH in asked.projects:
            found += [_switch(stores, Path(work), kind, asked) for kind in asked.sources]
        if PAIRS in asked.projects:
            found += _pairs(stores, Path(work), tools, asked)
        if READERS in asked.projects:
            found += [_readers(stores, Path(work), name, tools, asked) for name in READ]
        used = {**there.versions(stores), **versions(cache, tools)}
    text = render(found, used, missing, asked.scale, asked.rounds)
    print(text)
    if asked.scale >= 1 and asked.only == [""]:
        _write(text, asked)
    return 1 if any(outcome.failed for one in found for outcome in one.outcomes) else 0


def _compile() -> None:
    """Write the bytecode, as an installation does: where PYTHONDONTWRITEBYTECODE is set, every process of a source tree
    would compile all modules once more.
    """
    compileall.compile_dir(Path(crossfade.__file__).parent, quiet=1)


def _write(text: str, asked: argparse.Namespace) -> None:
    file = HERE / "RESULTS.md"
    if set(asked.projects) == set(EVERY):
        file.write_text(text, encoding="utf-8")
    elif asked.keep:
        file.write_text(with_sections(file.read_text(encoding="utf-8"), text, asked.rounds), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1: a million sessions and 200,000 users")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--projects", nargs="+", choices=EVERY, default=EVERY)
    parser.add_argument("--only", nargs="+", default=[""], help="only contenders whose names hold one of these texts")
    parser.add_argument("--switches", type=int, default=switches.SWITCHES, help="cutovers of each round of `switch`")
    parser.add_argument("--sources", nargs="+", choices=switches.SOURCES, default=switches.SOURCES, help="of `switch`")
    parser.add_argument("--keep", action="store_true", help="replace the sections of these projects in RESULTS.md")
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


def _follow(stores: there.Stores, work: Path, asked: argparse.Namespace) -> Results:
    """A source that is written to while it is followed."""
    _say(f"{FOLLOW}: filling MongoDB")
    documents, size = there.fill(stores, FOLLOW, PROJECTS["sessions"], asked.scale)
    env = {**os.environ, "TARGET_URL": stores.target}
    wanted = follow.steps(work, stores.source(FOLLOW), env, documents)
    outcomes = _rounds(stores, FOLLOW, wanted, asked, env)
    there.drop_source(stores, FOLLOW)
    return Results(FOLLOW, documents, size, {"writing_sessions": documents}, outcomes)


def _switch(stores: there.Stores, work: Path, kind: str, asked: argparse.Namespace) -> Results:
    """A source and a target between which applications are moved, to and fro."""
    _say(f"{SWITCH}: filling the source ({kind})")
    source, documents, size = switches.fill(stores, kind, asked.scale)
    there.fresh_target(stores, None)
    env = {**os.environ, "TARGET_URL": stores.target}
    wanted = switches.steps(work, source, env, documents, asked.switches)
    title = f"{SWITCH}, {switches.NAMES[kind]} into PostgreSQL and back"
    outcomes = _rounds(stores, title, wanted, asked, env)
    switches.drop(stores, kind)
    return Results(title, documents, size, {TABLE: documents}, outcomes)


def _pairs(stores: there.Stores, work: Path, tools: Tools, asked: argparse.Namespace) -> list[Results]:
    """Rows out of PostgreSQL and SQLite, into PostgreSQL and MongoDB."""
    _say(f"{PAIRS}: filling PostgreSQL and SQLite")
    sources = pairs.fill(stores, work, asked.scale)
    found = []
    for pair in pairs.pairs(stores, work, sources, tools):
        outcomes = _rounds(stores, pair.title, pair.contenders, asked, pair.env, pair.schema)
        found.append(Results(pair.title, sources.count, sources.size, pair.tables, outcomes))
    there.drop_rows(stores)
    return found


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
    if one.into == "mongodb":
        make["empty"] = lambda: there.fresh_documents(stores)
    make.get(one.target, lambda: None)()
    if one.before:
        there.run_before(stores, one.before)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            own = {"BENCH_DOCUMENTS": str(one.documents), "BENCH_WORK": scratch, **one.env}
            measured = measure(one.command, {**env, **own}, one.status)
        _require_rows(stores, one, measured)
    except Failed as error:
        outcome.failed = str(error)
        return
    outcome.runs.append(measured)


def _require_rows(stores: there.Stores, one: Contender, measured: Measured) -> None:
    count = there.count_documents if one.into == "mongodb" else there.count_rows
    rows = count(stores, one.tables) if one.tables else {}
    if rows != dict(one.tables):
        raise Failed(f"it left {rows} rows where {dict(one.tables)} were due")
    if measured.printed.get("documents", one.documents) != one.documents:
        raise Failed(f"it took {measured.printed['documents']} documents of {one.documents}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
