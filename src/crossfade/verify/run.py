"""Verification: map every record of the source again, and account for every row of the target.

    rules     run the user's own rules in the target
    chunks    read and map each chunk again, and compare it with the target's rows by key, in the executor
    keys      find extra and duplicate rows by counting, and name them by comparing all keys

The journal is used only for the records in quarantine and the discarded ones: the source is counted again.
"""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.counts import Counts
from crossfade.model.events import ChunkVerified, Listener, RuleChecked, TableVerified
from crossfade.model.target import TargetTable
from crossfade.runtime.again import again, again_from
from crossfade.runtime.executor import Executor
from crossfade.runtime.sent_once import Once
from crossfade.runtime.tasks import run_tasks
from crossfade.verify.chunk import ACCOUNTS, Agreed, ChunkResult, Opening, Task, Tools, verify_chunk
from crossfade.verify.keys import NO_FINDINGS, KeyFindings, compare_keys, none_twice
from crossfade.verify.not_copied import NOTHING, NotCopied
from crossfade.verify.rules import run_rule
from crossfade.verify.spool import spool as keep_keys
from crossfade.verify.tally import Tally
from crossfade.verify.verdict import RuleVerdict, Verdict


@dataclass
class Differing:
    """All that differs: entity -> the keys of its records; table -> the primary keys of rows that should not be there.
    `lost`: entities with records in the journal that the source no longer has. `accounts`: while others write, a folder
    with the accounts of all records (equation.py).
    """

    records: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, pa.Table] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    accounts: Path | None = None

    def add(self, records: Iterable[tuple[str, str]]) -> None:
        """Add records by entity and key."""
        for entity, key in records:
            self.records.setdefault(entity, set()).add(key)


@dataclass(frozen=True)
class Subject:
    """What is verified. `feeds` has the tables that each entity fills.

    `recorded` and `not_copied` are the journal's: its figures for each entity, and the records in quarantine or
    discarded.
    """

    feeds: Mapping[str, Sequence[str]]
    tables: Mapping[str, TargetTable]
    not_copied: Mapping[str, NotCopied] = field(default_factory=dict)
    recorded: Mapping[str, Counts] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    limit: int = 100
    target_bytes: int = 8_000_000
    live: bool = False
    """Others write meanwhile."""
    unread: frozenset[str] = frozenset()
    """Tables whose rows cannot be read as they are now. Their records are counted, but the rows are not compared."""

    @property
    def fed_tables(self) -> list[TargetTable]:
        """Return every table that a mapping fills and that can be read, sorted by name."""
        names = {t for tables in self.feeds.values() for t in tables} - self.unread
        return [self.tables[name] for name in sorted(names)]


def verify(
    opening: Opening,
    subject: Subject,
    executor: Executor,
    listen: Listener,
    *,
    folder: Path | None = None,
    wrong: Differing | None = None,
) -> Verdict:
    """Compare everything and return the verdict. Keys are spooled in `folder` (default: a temporary folder).

    `opening` returns the open stores and mappings of a process; it is called here and, pickled, in the workers. Raises
    Misused for a table without a primary key, Unreachable if a store cannot be reached. Ctrl-C leaves no files behind.
    """
    require_keys(subject)
    start = time.perf_counter()
    with room_on_disk(), tempfile.TemporaryDirectory(prefix="crossfade-verify-", dir=folder) as name:
        tools = again(opening, listen)
        rules = tuple(ask_rules(tools, subject, listen))  # first, so that a change by a rule would be found below
        asked = time.perf_counter()
        verdict = compare_all(opening, subject, executor, listen, Path(name), wrong)
    durations = {"rules": asked - start, **verdict.durations}
    return replace(verdict, rules=rules, seconds=time.perf_counter() - start, durations=durations)


def compare_all(
    opening: Opening,
    subject: Subject,
    executor: Executor,
    listen: Listener,
    spool: Path,
    wrong: Differing | None = None,
) -> Verdict:
    """Compare all records and all keys, and return the verdict without the rules. Keys are spooled in `spool`."""
    start = time.perf_counter()
    tally = Tally(subject.feeds, subject.tables, subject.limit)
    tools = again(opening, listen)
    _compare_chunks(opening, tools, subject, spool, executor, tally, listen, wrong)
    compared = time.perf_counter()
    _compare_keys(tools, subject, spool, tally, listen, wrong)
    end = time.perf_counter()
    entities = tally.entities(subject.recorded, subject.not_copied)
    if wrong is not None:
        wrong.lost = {one.entity for one in entities if one.not_in_source}
    durations = {"chunks": compared - start, "keys": end - compared}
    return Verdict(entities, tally.tables(), (), end - start, durations)


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Raise a CrossfadeError instead of an OSError if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        where = error.filename or tempfile.gettempdir()
        raise CrossfadeError(
            f"could not write to {where}: {error.strerror or error}; the target was only read",
            hint="TMPDIR=/a/folder/with/space crossfade verify",
        ) from error


def require_keys(subject: Subject) -> None:
    bare = [t.name for t in subject.fed_tables if not t.primary_key]
    if bare:
        raise Misused(
            f"tables without a primary key cannot be compared: {', '.join(bare)}; nothing was compared",
            hint="give the table a primary key",
        )


def _compare_chunks(
    opening: Opening,
    tools: Tools,
    subject: Subject,
    spool: Path,
    executor: Executor,
    tally: Tally,
    listen: Listener,
    wrong: Differing | None,
) -> None:
    for number in range(len(subject.fed_tables)):
        (spool / str(number)).mkdir()

    numbers = {t.name: number for number, t in enumerate(subject.fed_tables)}
    if wrong is not None and subject.live:
        wrong.accounts = spool / "accounts"
        for number in range(len(subject.feeds)):
            (wrong.accounts / str(number)).mkdir(parents=True)
    of_entity = {entity: number for number, entity in enumerate(sorted(subject.feeds))}

    def take(found: tuple[ChunkResult, Mapping[str, bytes]]) -> None:
        result, keys = found
        for table, data in keys.items():
            if table == ACCOUNTS:
                keep_keys(spool / "accounts" / str(of_entity[result.chunk.entity]), data)
            else:
                keep_keys(spool / str(numbers[table]), data)
        tally.add(result)
        if wrong is not None:
            wrong.records.setdefault(result.chunk.entity, set()).update(result.wrong)
        listen(ChunkVerified(result.chunk, result.account, result.differences, result.seconds))

    tasks = _tasks(tools, subject, listen, names_all=wrong is not None)
    run_tasks(executor, verify_chunk, ((opening, task) for task in tasks), take, ahead=32, tell=listen)


def _tasks(tools: Tools, subject: Subject, listen: Listener, *, names_all: bool) -> Iterator[Task]:
    agreed = Once(agreement(tools, subject, listen, names_all=names_all))
    for entity in sorted(subject.feeds):
        not_copied = Once(subject.not_copied.get(entity, NOTHING))
        scan = partial(tools.reader.chunks, entity, target_bytes=subject.target_bytes)
        for chunk in again_from(scan, listen):
            yield Task(chunk, not_copied, agreed)


def agreement(tools: Tools, subject: Subject, listen: Listener, *, names_all: bool) -> Agreed:
    """Return what is the same for all pieces of the comparison."""
    has_trigger = tools.row_reader.has_insert_trigger
    triggered = frozenset(t.name for t in subject.fed_tables if again(partial(has_trigger, t), listen))
    return Agreed(frozenset(t.name for t in subject.fed_tables), subject.limit, triggered, names_all, subject.live)


def _compare_keys(
    tools: Tools, subject: Subject, spool: Path, tally: Tally, listen: Listener, wrong: Differing | None
) -> None:
    for number, table in enumerate(subject.fed_tables):
        find = partial(_key_findings, tools, table, spool / str(number), tally, subject, wrong)
        found = again(find, listen)
        tally.add_keys(table.name, found)
        listen(TableVerified(table.name, found.extra, found.duplicate))


def _key_findings(
    tools: Tools, table: TargetTable, folder: Path, tally: Tally, subject: Subject, wrong: Differing | None
) -> KeyFindings:
    """Compare all keys, unless the counts show that there are no extra or duplicate rows (verify/keys.py). While others
    write, counts show nothing.
    """
    seen, runs = tally.expected(table.name)
    at_rest = not subject.live and tools.row_reader.count(table) == seen
    if at_rest and (runs.apart or none_twice(folder, table)):
        return NO_FINDINGS
    target = tools.row_reader.scan(table, list(table.primary_key))
    tell = None if wrong is None else partial(wrong.rows.__setitem__, table.name)
    twice = None if wrong is None or not subject.live else wrong.add
    return compare_keys(folder, table, target, limit=subject.limit, tell=tell, tell_twice=twice)


def ask_rules(tools: Tools, subject: Subject, listen: Listener) -> Iterator[RuleVerdict]:
    for name, sql in sorted(subject.rules.items()):
        ask = partial(run_rule, name, sql, tools.row_reader, limit=subject.limit, tables=subject.fed_tables)
        rule = again(ask, listen)
        listen(RuleChecked(rule.name, rule.total, rule.error))
        yield rule
