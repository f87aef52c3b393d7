"""Writing sessions as rows: out of PostgreSQL and SQLite, into PostgreSQL and MongoDB, and compared where they are."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import stores as there
from contenders import HERE, Contender
from data import size_of
from measure import measure
from row_sources import TABLE, sessions
from tools import Tools

COPY, VERIFY, UNLIKE = "crossfade copy", "crossfade verify", "crossfade verify, 100 differences"
PIPE, INSERT, ADBC, LOOP = "limit: COPY into COPY", "limit: insert_many", "ADBC into ADBC", "loop with insert_many"
PGLOADER, RELADIFF, RELADIFF_UNLIKE = "pgloader", "reladiff", "reladiff, 100 differences"
RATIOS = (
    *(("copy, in rows a second", COPY, other) for other in (PIPE, INSERT, ADBC, LOOP, PGLOADER)),
    ("verification, in rows a second", VERIFY, RELADIFF),
    ("verification, in rows a second", UNLIKE, RELADIFF_UNLIKE),
)
_DIFFERENCES = f"""
UPDATE {TABLE} SET duration = duration + 1
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS total FROM {TABLE}
    ) AS s
    WHERE n % greatest(1, total / 100) = 0 LIMIT 100
)
"""


@dataclass(frozen=True)
class Sources:
    """`postgresql` and `sqlite` are URLs; `documents` is a file of BSON."""

    postgresql: str
    sqlite: str
    documents: str
    count: int
    size: int


@dataclass(frozen=True)
class Pair:
    title: str
    contenders: Sequence[Contender]
    env: dict[str, str]
    tables: Mapping[str, int]
    schema: Path | None = None


def fill(stores: there.Stores, work: Path, scale: float) -> Sources:
    sqlite, documents = str(work / "rows.db"), str(work / "rows.bson")
    there.fresh_target(stores, None)
    for what, where in (("postgresql", stores.rows), ("sqlite", sqlite), ("documents", documents)):
        there.fill_rows(stores, what, where, scale)
    size = len(json.dumps(next(sessions(scale)), default=str))
    return Sources(stores.rows, f"sqlite:///{sqlite}", documents, size_of("writingsessions", scale), size)


def pairs(stores: there.Stores, work: Path, sources: Sources, tools: Tools) -> list[Pair]:
    return [
        _rows(stores, work, sources, tools),
        _out_of_sqlite(stores, work, sources, tools),
        _into_mongodb(stores, work, sources),
    ]


def _rows(stores: there.Stores, work: Path, sources: Sources, tools: Tools) -> Pair:
    folder, env = _project(work, "rows", sources.postgresql, stores.target)
    tables = {TABLE: sources.count}
    env |= {"BENCH_SOURCE": sources.postgresql + "?sslmode=disable", "BENCH_TARGET": stores.target + "?sslmode=disable"}
    of = [
        _by_hand(PIPE, "pipe", sources.count, "tables", tables),
        *_crossfade(folder, sources.count, tables),
        *_reladiff(tools, sources, stores, tables, ""),
        replace(_ours(UNLIKE, "verify", folder, sources.count, "kept", tables), before=_DIFFERENCES, status=1),
        *_reladiff(tools, sources, stores, tables, RELADIFF_UNLIKE),
        *_sling(tools, sources.count, f"public.{TABLE}"),
    ]
    return Pair("rows, PostgreSQL into PostgreSQL", of, env, tables, folder / "schema.sql")


def _out_of_sqlite(stores: there.Stores, work: Path, sources: Sources, tools: Tools) -> Pair:
    folder, env = _project(work, "rows-sqlite", sources.sqlite, stores.target)
    tables, own = {TABLE: sources.count}, {"adbc_rows": sources.count}
    env |= {
        "BENCH_SOURCE": sources.sqlite.replace("sqlite:///", "sqlite://"),
        "BENCH_TARGET": stores.target + "?sslmode=disable",
    }
    of = _crossfade(folder, sources.count, tables)
    if tools.adbc is not None:
        of.append(replace(_by_hand(ADBC, "adbc", sources.count, "empty", own, python=str(tools.adbc))))
    if tools.pgloader is not None:
        path = sources.sqlite.removeprefix("sqlite:///")
        call = [str(tools.pgloader), "--quiet", f"sqlite://{path}", stores.target.replace("postgresql://", "pgsql://")]
        of.append(Contender(PGLOADER, call, sources.count, "empty", tables))
    of += _sling(tools, sources.count, f"main.{TABLE}")
    return Pair("rows, SQLite into PostgreSQL", of, env, tables, folder / "schema.sql")


def _into_mongodb(stores: there.Stores, work: Path, sources: Sources) -> Pair:
    folder, env = _project(work, "rows-mongodb", sources.postgresql, stores.documents)
    tables, env = {TABLE: sources.count}, {**env, "BENCH_READY": sources.documents}
    of = [
        _by_hand(INSERT, "insert", sources.count, "empty", tables),
        *_crossfade(folder, sources.count, tables),
        _by_hand(LOOP, "loop", sources.count, "empty", tables),
    ]
    return Pair("rows, PostgreSQL into MongoDB", [replace(one, into="mongodb") for one in of], env, tables)


def _project(work: Path, name: str, source: str, target: str) -> tuple[Path, dict[str, str]]:
    """A copy of the project, surveyed, and the environment of its contenders."""
    folder = Path(shutil.copytree(HERE / "projects" / name, work / name))
    env = {**os.environ, "SOURCE_URL": source, "TARGET_URL": target, "BENCH_ENTITY": TABLE}
    measure([sys.executable, "-m", "crossfade", "survey", "--project", str(folder), "--quiet"], env)
    return folder, env


def _ours(name: str, what: str, folder: Path, count: int, target: str, tables: Mapping[str, int]) -> Contender:
    command = [sys.executable, "-m", "crossfade", what, "--project", str(folder), "--quiet", "--workers", "2"]
    return Contender(name, command, count, target, tables)


def _crossfade(folder: Path, count: int, tables: Mapping[str, int]) -> list[Contender]:
    return [
        _ours("crossfade survey", "survey", folder, count, "none", {}),
        _ours(COPY, "copy", folder, count, "empty", tables),
        _ours(VERIFY, "verify", folder, count, "kept", tables),
    ]


def _by_hand(
    name: str, what: str, count: int, target: str, tables: Mapping[str, int], python: str = sys.executable
) -> Contender:
    return Contender(name, [python, str(HERE / "rows_by_hand.py"), what], count, target, tables, inside=True)


def _reladiff(
    tools: Tools, sources: Sources, stores: there.Stores, tables: Mapping[str, int], name: str
) -> list[Contender]:
    """All columns of both tables, by their key."""
    if tools.reladiff is None:
        return []
    call = [str(tools.reladiff.with_name("reladiff")), sources.postgresql, TABLE, stores.target, TABLE]
    call += ["--key-columns", "id", "--columns", "%", "--threads", "2"]
    return [Contender(name or RELADIFF, call, sources.count, "kept", tables)]


def _sling(tools: Tools, count: int, stream: str) -> list[Contender]:
    if tools.sling is None:
        return []
    call = [str(tools.sling), "run", "--src-conn", "BENCH_SOURCE", "--src-stream", stream]
    call += ["--tgt-conn", "BENCH_TARGET", "--tgt-object", "public.sling_rows", "--mode", "full-refresh"]
    env = {"SLING_DISABLE_TELEMETRY": "TRUE"}
    return [Contender("sling", call, count, "empty", {"sling_rows": count}, env=env)]
