"""The facade of a move: the only place that opens stores and runs a phase. The command line and the dashboard stand
on it.

    survey -> check -> schema apply -> copy (and constraints) -> verify        `run` is all of them
    status, quarantine: at any time

Each method takes a listener for the events of its phase, and gives a value.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

from crossfade.assess.lock import dump_lock, read_lock, write_lock
from crossfade.assess.survey import choose
from crossfade.assess.survey import survey as run_survey
from crossfade.documents.columns import compile_columns
from crossfade.errors import Misused, NotEmpty, Refused, Stale, Uncovered
from crossfade.journal import journal
from crossfade.journal.journal import Counts, Entry, MoveRecord
from crossfade.mapping.check import check as run_check
from crossfade.mapping.compile import compile_program, read_mappings
from crossfade.mapping.coverage import Finding
from crossfade.mapping.program import Program
from crossfade.model.shape import Shape, parse_path
from crossfade.model.target import Step, TargetSchema
from crossfade.pipeline import constraints, mend
from crossfade.pipeline import copy as copying
from crossfade.pipeline.executor import make_executor
from crossfade.pipeline.session import Work, close_sessions, session
from crossfade.pipeline.steps import run_steps
from crossfade.project import Discard, Project
from crossfade.schema.load import load_schema
from crossfade.stores.contract import EntityInfo, Loader, Store, need
from crossfade.stores.open import open_store
from crossfade.verify import run as verifying
from crossfade.verify.held import held_records
from crossfade.verify.rules import read_rules
from crossfade.verify.verdict import Account, Verdict

Listener = Callable[[Any], None]


def _deaf(event: Any) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Found:
    """An event: the survey begins, of about so many documents."""

    entities: int
    documents: int


@dataclass(frozen=True)
class Planned:
    """An event: this many documents in this many chunks are still to be copied, of so many in all."""

    documents: int
    chunks: int
    all_documents: int


@dataclass(frozen=True)
class Verifying:
    """An event: a verification begins, of so many documents."""

    documents: int
    tables: int
    rules: int


@dataclass(frozen=True)
class StepDone:
    """An event: a DDL step of the target is done."""

    step: Step


@dataclass(frozen=True)
class EntityStatus:
    """The count equation of one entity, with what its chunks say."""

    entity: str
    counts: Counts
    chunks: int
    chunks_done: int
    planned: int
    reasons: dict[str, int]

    @property
    def done(self) -> bool:
        return self.chunks == self.chunks_done

    @property
    def balanced(self) -> bool:
        return self.done and self.counts.balanced

    @property
    def quarantined_share(self) -> float:
        return self.counts.quarantined / self.counts.source if self.counts.source else 0.0


@dataclass(frozen=True)
class Status:
    name: str
    source: str
    stage: str
    started_at: str
    entities: tuple[EntityStatus, ...]
    rows: dict[str, int]
    """Target table -> rows that the copy wrote."""
    limit: float

    @property
    def ok(self) -> bool:
        """Every entity balanced, and none with more in quarantine than its limit."""
        return all(e.balanced and e.quarantined_share <= self.limit for e in self.entities)


class Move:
    """One project at work. Use as a context manager: it closes what it opened."""

    def __init__(self, project: Project, *, workers: int = 1) -> None:
        self.project = project
        self.workers = workers
        self._open: dict[str, Store] = {}

    def __enter__(self) -> Move:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        close_sessions()
        while self._open:
            self._open.popitem()[1].close()

    # -- what the phases stand on

    @property
    def source(self) -> Store:
        return self._store("source", self.project.source_url)

    @property
    def target(self) -> Store:
        return self._store("target", self.project.target_url)

    def _store(self, role: str, url: str) -> Store:
        if role not in self._open:
            self._open[role] = open_store(url)
        return self._open[role]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        return {s.entity: s for s in read_lock(self.project.lock_file)}

    @cached_property
    def schema(self) -> TargetSchema:
        target = self.target
        return load_schema(self.project.settings.target.schema_, self.project.root, target.scheme, target.ddl)

    @cached_property
    def discards(self) -> tuple[Discard, ...]:
        """The project's discards; one of entity "*" counts for every entity that has its path."""
        out: list[Discard] = []
        for discard in self.project.settings.discard:
            entities = self._having(discard.path) if discard.entity == "*" else [discard.entity]
            out += [discard.model_copy(update={"entity": e}) for e in entities]
        return tuple(out)

    def _having(self, path: str | None) -> list[str]:
        """The entities that have a path; all of them where none has it: `check` says then that it is stale."""
        try:
            place = parse_path(path or ".")
        except ValueError:
            return list(self.shapes)
        return [e for e, s in self.shapes.items() if s.node(place) is not None] or list(self.shapes)

    @cached_property
    def program(self) -> Program:
        return compile_program(read_mappings(self.project.mapping_dir), self.shapes, self.discards)

    @cached_property
    def _digests(self) -> dict[str, str]:
        lock = hashlib.sha256(dump_lock(self.shapes.values()).encode()).hexdigest()[:16]
        return {
            "lock_digest": lock,
            "schema_digest": self.schema.digest,
            "mapping_digest": self.program.digest,
        }

    @cached_property
    def _work(self) -> Work:
        return Work(
            token=uuid.uuid4().hex,
            program=self.program,
            shapes=self.shapes,
            tables={t.name: t for t in self.schema.tables},
            open_source=partial(open_store, self.project.source_url),
            open_target=partial(open_store, self.project.target_url),
        )

    @contextmanager
    def _transaction(self) -> Iterator[Loader]:
        target = self.target
        with need(target.writer, target, "keep a journal").transaction() as tx:
            yield tx

    @property
    def _writers(self) -> int:
        target = self.target
        return min(self.workers, need(target.writer, target, "be written to").fill_rank())

    # -- survey

    def entities(self) -> Sequence[EntityInfo]:
        """Everything that the source holds, with its class and what becomes of it."""
        source = self.source
        return need(source.inspector, source, "be looked into").entities()

    def survey(self, listen: Listener = _deaf) -> tuple[list[Shape], list[EntityInfo]]:
        """Scans the source and writes source.lock.json; the shapes, and all entities with their plans."""
        entities = list(self.entities())
        opener = partial(open_store, self.project.source_url)
        named = self.project.settings.entities
        chosen = choose(entities, named)
        listen(Found(len(chosen), sum(e.count for e in chosen)))
        if self.workers > 1:
            with make_executor(self.workers) as executor:
                shapes = run_survey(opener, entities, named=named, executor=executor, listener=listen)
        else:
            shapes = run_survey(opener, entities, named=named, listener=listen)
        write_lock(self.project.lock_file, shapes)
        for name in ("shapes", "discards", "program", "_digests", "_work"):
            self.__dict__.pop(name, None)
        return shapes, entities

    # -- check

    def check(self) -> list[Finding]:
        """Every fault and note that can be known before anything is written. Raises MappingFault, SchemaFault."""
        return run_check(self.program, self.shapes, self.schema, self.discards, _empty)

    def _require_covered(self) -> None:
        faults = [f for f in self.check() if f.severity == "fault"]
        if faults:
            lines = [f"{f.place}: {f.message}" + (f"\n  Try: {f.hint}" if f.hint else "") for f in faults]
            raise Uncovered("\n".join([f"{len(faults)} faults; nothing was written", *lines]), hint="crossfade check")

    def _require_current_lock(self) -> None:
        """What came into the source after the survey would be left behind without a word."""
        entities = self.entities()
        chosen = {e.name for e in choose(entities, self.project.settings.entities)}
        new, gone = sorted(chosen - self.shapes.keys()), sorted(self.shapes.keys() - {e.name for e in entities})
        parts = [f"{what}: {', '.join(names)}" for what, names in (("new", new), ("no longer there", gone)) if names]
        if parts:
            raise Stale(
                f"{self.project.lock_file.name} is older than the source ({'; '.join(parts)}); nothing was written",
                hint="crossfade survey, then crossfade check",
            )

    # -- schema

    def apply_schema(self, listen: Listener = _deaf) -> int:
        """Makes the target ready for the copy; the number of steps done now. Refuses a target that is not this
        move's.
        """
        self._own_target()
        return self._steps(self.schema.pre, listen)

    def _steps(self, steps: Sequence[Step], listen: Listener) -> int:
        done: list[Step] = []

        def tell(step: Step) -> None:
            done.append(step)
            listen(StepDone(step))

        run_steps(self.target, steps, tell)
        return len(done)

    def _own_target(self) -> MoveRecord:
        """Begins the move in the target, or finds that it is this one's."""
        target = self.target
        journal_there = _journal_exists(target)
        if not journal_there and self.project.settings.target.schema_ != "live":
            there = need(target.ddl, target, "be looked into").is_empty()
            if there:
                raise NotEmpty(
                    f"the target {target.url} is not empty: {', '.join(there[:8])}; nothing was written",
                    hint='name an empty database, or schema = "live" to fill tables that are there',
                )
        journal.create(target)
        with self._transaction() as tx:
            move = journal.find_move(tx)
            if move is None:
                journal.begin_move(tx, self.project.name, self.source.url, self._digests)
                move = journal.find_move(tx)
        assert move is not None
        self._require_own(move)
        return move

    def _require_own(self, move: MoveRecord) -> None:
        if move.name != self.project.name:
            raise NotEmpty(
                f"the target {self.target.url} belongs to the move {move.name!r}, not {self.project.name!r};"
                " nothing was written",
                hint="name another database",
            )
        if move.schema_digest != self.schema.digest:
            raise Stale(
                "the target schema has changed since this move began; nothing was written",
                hint="put the schema back, or begin anew in an empty database",
            )

    def _record(self) -> MoveRecord:
        """The move in the target. Raises Misused where none has begun."""
        if not _journal_exists(self.target):
            raise Misused(f"no move has begun in {self.target.url}", hint="crossfade schema apply")
        with self._transaction() as tx:
            move = journal.find_move(tx)
        if move is None:
            raise Misused(f"no move has begun in {self.target.url}", hint="crossfade schema apply")
        self._require_own(move)
        return move

    # -- copy

    def copy(self, listen: Listener = _deaf) -> Status:
        """Copies what is not copied yet, clears and makes the constraints. Resumes by itself."""
        self._require_covered()
        self._require_current_lock()
        move = self._own_target()
        self._steps(self.schema.pre, listen)
        self._require_same_agreement(move)
        entities = [f.entity for f in self.program.feeds.values() if f.branches]
        target_bytes = int(self.project.settings.limits.chunk_mb * 1_000_000)
        pending = copying.plan(self.source, self.target, entities, target_bytes)
        all_chunks = self._chunks()
        listen(Planned(sum(c.count for c in pending), len(pending), sum(c.chunk.count for c in all_chunks)))
        with make_executor(min(self._writers, max(1, len(pending)))) as executor:
            copying.copy(self._work, pending, executor, listen)
        with self._transaction() as tx:
            if move.stage != journal.FINISHED:
                journal.set_stage(tx, journal.COPIED)
        self._finish(listen)
        return self.status()

    def _require_same_agreement(self, move: MoveRecord) -> None:
        """A copy that has begun goes on under the mapping and the lock file that it began with."""
        done = [c for c in self._chunks() if c.counts is not None]
        for name, what in (("mapping_digest", "a mapping or a discard"), ("lock_digest", "source.lock.json")):
            if getattr(move, name) == self._digests[name]:
                continue
            if done:
                raise Stale(
                    f"{what} has changed since the copy began, and {len(done)} chunks are copied; nothing was written",
                    hint="crossfade copy --restart to begin the copy anew, or crossfade quarantine retry after a mend",
                )
            with self._transaction() as tx:
                journal.set_digests(tx, self._digests)

    def _finish(self, listen: Listener) -> None:
        chunks = [c.chunk for c in self._chunks() if c.chunk.number != journal.LATER]
        with self._transaction() as tx:
            done = journal.steps_done(tx)
        if any(step.id not in done for step in self.schema.post):
            with make_executor(min(self._writers, max(1, len(chunks)))) as executor:
                constraints.clear(self._work, self.schema, chunks, executor, listen)
            self._steps(self.schema.post, listen)
        with self._transaction() as tx:
            journal.set_stage(tx, journal.FINISHED)

    def restart(self) -> None:
        """Forgets the copy: the target's tables are emptied, and the journal of chunks and quarantine with them."""
        self._record()
        names = {b.table for b in self.program.branches}
        with self._transaction() as tx:
            done = journal.steps_done(tx)
            if done & {s.id for s in self.schema.post}:
                raise Refused(
                    "the constraints of this target are made already; it was left as it is",
                    hint="begin anew in an empty database",
                )
            for table in self.schema.tables:
                if table.name in names:
                    quoted = ".".join(_quoted(p) for p in (table.schema, table.table) if p)
                    tx.execute(f"DELETE FROM {quoted}")
            journal.forget_copy(tx)
            journal.set_digests(tx, self._digests)
            journal.set_stage(tx, journal.PREPARED)

    def _chunks(self) -> list[journal.ChunkRecord]:
        with self._transaction() as tx:
            return journal.chunks(tx)

    # -- verify

    def verify(self, listen: Listener = _deaf) -> Verdict:
        """Compares every column of every row, every key, and the counts; asks the rules.

        Raises Refused before a copy is done.
        """
        status = self.status()
        if status.stage != journal.FINISHED:
            raise Refused(
                f"the copy has not finished (it is {status.stage}); nothing was compared", hint="crossfade copy"
            )
        subject = self._subject(status)
        documents = sum(e.counts.source for e in status.entities)
        listen(Verifying(documents, len(subject.fed_tables), len(subject.rules)))
        chunks = sum(e.chunks for e in status.entities)
        with make_executor(min(self.workers, max(1, chunks))) as executor:
            return verifying.verify(partial(session, self._work), subject, executor, listen)

    def _subject(self, status: Status) -> verifying.Subject:
        limits = self.project.settings.limits
        with self._transaction() as tx:
            held = held_records(journal.entries(tx), partial(journal.raw_of, tx))
        return verifying.Subject(
            feeds={f.entity: sorted({b.table for b in f.branches}) for f in self.program.feeds.values() if f.branches},
            tables=self._work.tables,
            held=held,
            recorded={e.entity: Account(**asdict(e.counts)) for e in status.entities},
            rules=read_rules(self.project.rules_dir),
            limit=limits.differences,
            target_bytes=int(limits.chunk_mb * 1_000_000),
        )

    # -- status

    def status(self) -> Status:
        """The count equation of every entity, as the journal has it now."""
        move = self._record()
        with self._transaction() as tx:
            chunks, reasons = journal.chunks(tx), journal.open_by_reason(tx)
        names = sorted({c.chunk.entity for c in chunks} | {f.entity for f in self.program.feeds.values() if f.branches})
        rows: dict[str, int] = {}
        for chunk in chunks:
            for table, count in chunk.rows.items():
                rows[table] = rows.get(table, 0) + count
        return Status(
            name=move.name,
            source=move.source,
            stage=move.stage,
            started_at=move.started_at,
            entities=tuple(
                _entity_status(n, [c for c in chunks if c.chunk.entity == n], reasons.get(n, {})) for n in names
            ),
            rows=dict(sorted(rows.items())),
            limit=self.project.settings.limits.quarantine,
        )

    # -- quarantine

    def quarantine(self) -> list[Entry]:
        self._record()
        with self._transaction() as tx:
            return journal.entries(tx)

    def quarantined_record(self, entry_id: str) -> tuple[Entry, bytes]:
        """An entry (its id, or the beginning of it) with its raw document."""
        entry = self._entry(entry_id)
        with self._transaction() as tx:
            return entry, journal.raw_of(tx, entry)

    def _entry(self, entry_id: str) -> Entry:
        found = [e for e in self.quarantine() if e.id.startswith(entry_id)]
        if len(found) != 1:
            what = "no entry" if not found else f"{len(found)} entries"
            raise Misused(
                f"{what} in quarantine with an id that begins with {entry_id!r}", hint="crossfade quarantine list"
            )
        return found[0]

    def retry(self, ids: Sequence[str] = ()) -> list[mend.Retried]:
        """Tries entries again (all open ones where none is named), by the mapping and the lock file as they are now."""
        self._require_covered()
        entries = [self._entry(i) for i in ids] or [e for e in self.quarantine() if e.state == "open"]
        with self._transaction() as tx:
            journal.set_digests(tx, self._digests)
        return mend.retry(self._work, entries)

    def discard(self, ids: Sequence[str], reason: str) -> list[Entry]:
        entries = [self._entry(i) for i in ids]
        with self._transaction() as tx:
            return [replace(e, state="discarded", note=reason) for e in mend.discard(tx, entries, reason)]


def _entity_status(name: str, chunks: Sequence[journal.ChunkRecord], reasons: dict[str, int]) -> EntityStatus:
    counts = sum((c.counts for c in chunks if c.counts is not None), Counts())
    own = [c for c in chunks if c.chunk.number != journal.LATER]
    done = sum(1 for c in own if c.counts is not None)
    return EntityStatus(name, counts, len(own), done, sum(c.chunk.count for c in own), reasons)


def _empty(shape: Shape, columns: Sequence[Any]) -> Any:
    return compile_columns(shape, columns).read(b"").table


def _journal_exists(target: Store) -> bool:
    ddl = need(target.ddl, target, "be looked into")
    return bool(ddl.has_journal())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
