"""Who is measured: what each runs, on how many of the documents, and where its rows must be in the end."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crossfade.records.native import extension
from tools import Tools

HERE = Path(__file__).parent
# What is so slow that nobody would wait for all of it runs on this share, but on no fewer documents than these.
SHARE, FEWEST = 0.05, 5000
DECODER, UNCOLLECTED = "pymongo's decoder", "pymongo's decoder, no garbage collection"
ONE_THREAD, TWO_THREADS = (f"columns, native reader, {n} by the clock" for n in ("one thread", "two threads"))

LIBRARY = "crossfade copy, native reader, as a library"


@dataclass(frozen=True)
class Subject:
    """What is loaded: a project's folder (a copy, with its lock file), its collection, and the rows that it makes."""

    project: str
    folder: Path
    entity: str
    documents: int
    tables: Mapping[str, int]

    @property
    def few(self) -> int:
        return min(self.documents, max(FEWEST, int(self.documents * SHARE)))


@dataclass(frozen=True)
class Contender:
    """`inside` takes the time that the process itself measured, without start and imports, in its favour. `tables` are
    the rows that must be there in the end. `target` says what it starts from: "none", "empty", "tables" (made by the
    schema file) or "kept" (what the contender before it has left, after `before` was run on it). `status` is the one
    that it ends with, `into` the kind of the target.
    """

    name: str
    command: list[str]
    documents: int
    target: str
    tables: Mapping[str, int] = field(default_factory=dict)
    inside: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    status: int = 0
    into: str = "postgresql"


def contenders(subject: Subject, tools: Tools) -> list[Contender]:
    """In the order in which a round runs them."""
    return [*_limits(subject), *_ours(subject), *_others(subject, tools), *_today(subject)]


def readers(entity: str, documents: int, tools: Tools) -> list[Contender]:
    """Who reads batches in memory: by seconds of the processor, but where threads are compared."""

    def one(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Contender:
        return Contender(name, _script("read.py", *arguments), documents, "none", inside=True, env=env or {})

    arrow = _script("arrow_read.py", entity, python=str(tools.pymongoarrow))
    works = ("columns", "survey", "digests")
    native = [
        *(one(f"{what}, native reader", what) for what in works),
        one(ONE_THREAD, "columns", "1"),
        one(TWO_THREADS, "columns", "2"),
    ]
    return [
        one(DECODER, "decode"),
        one(UNCOLLECTED, "decode-uncollected"),
        *([Contender("pymongoarrow", arrow, documents, "none", inside=True)] if tools.pymongoarrow else []),
        *(one(f"{what}, reader in Python", what, env={"CROSSFADE_NATIVE": "0"}) for what in works),
        *(native if extension() is not None else []),
    ]


def _script(name: str, *arguments: str, python: str = sys.executable) -> list[str]:
    return [python, str(HERE / name), *arguments]


def _limits(subject: Subject) -> list[Contender]:
    def one(name: str, what: str, target: str, tables: Mapping[str, int]) -> Contender:
        return Contender(name, _script("limits.py", what), subject.documents, target, tables, inside=True)

    return [
        one("limit: scan", "scan", "none", {}),
        one("limit: COPY", "load", "tables", subject.tables),
        one("limit: both at once", "pipe", "tables", subject.tables),
    ]


def _ours(subject: Subject) -> list[Contender]:
    """With the reader in Python; and with the native one, where it is installed."""

    def one(name: str, what: str, workers: int, target: str, *, native: bool = False) -> Contender:
        command = [sys.executable, "-m", "crossfade", what, "--project", str(subject.folder), "--quiet"]
        tables = {} if what == "survey" else subject.tables
        env = {} if native else {"CROSSFADE_NATIVE": "0"}
        return Contender(name, [*command, "--workers", str(workers)], subject.documents, target, tables, env=env)

    library = _script("library.py", str(subject.folder))
    native = [
        one("crossfade survey, native reader", "survey", 2, "none", native=True),
        one("crossfade copy, native reader", "copy", 2, "empty", native=True),
        one("crossfade verify, native reader", "verify", 2, "kept", native=True),
        Contender(LIBRARY, library, subject.documents, "empty", subject.tables, inside=True),
    ]
    return [
        one("crossfade survey", "survey", 2, "none"),
        one("crossfade copy, 1 worker", "copy", 1, "empty"),
        one("crossfade copy", "copy", 2, "empty"),
        one("crossfade verify", "verify", 2, "kept"),
        *(native if extension() is not None else []),
    ]


def _today(subject: Subject) -> list[Contender]:
    def one(name: str, what: str, documents: int) -> Contender:
        tables = dict.fromkeys(subject.tables, documents)
        return Contender(name, _script("today.py", what), documents, "tables", tables, inside=True)

    return [
        one("loop with an ORM", "orm", subject.few),
        one("upserts by the hundred", "upserts", subject.few),
        one("COPY script by hand", "script", subject.documents),
    ]


def _others(subject: Subject, tools: Tools) -> list[Contender]:
    found = []
    if tools.sling is not None:
        found += [_sling(subject, tools.sling, flat=False), _sling(subject, tools.sling, flat=True)]
    if tools.dlt is not None:
        tables = {f"dlt_rows.{subject.entity}": subject.few}
        command = _script("dlt_load.py", python=str(tools.dlt))
        env = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
        found.append(Contender("dlt", command, subject.few, "empty", tables, env=env))
    return found


def _sling(subject: Subject, binary: Path, *, flat: bool) -> Contender:
    stream = f"bench_{subject.project}.{subject.entity}"
    command = [str(binary), "run", "--src-conn", "BENCH_SOURCE", "--src-stream", stream]
    command += ["--tgt-conn", "BENCH_TARGET", "--tgt-object", "public.sling_rows", "--mode", "full-refresh"]
    command += ["--src-options", '{"flatten": true}'] if flat else []
    name = "sling, flattened" if flat else "sling"
    env = {"SLING_DISABLE_TELEMETRY": "TRUE"}
    return Contender(name, command, subject.documents, "empty", {"sling_rows": subject.documents}, env=env)
