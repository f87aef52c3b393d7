"""The facade of a move: the only place that opens stores and runs a phase. The command line and the dashboard stand
on it.

    survey -> check -> schema apply -> copy (and constraints) -> verify        `run` is all of them
    status, quarantine: at any time

Each method takes a listener for the events of its phase, and gives a value.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from crossfade.assess.lock import dump_lock, read_lock, write_lock
from crossfade.assess.survey import choose
from crossfade.assess.survey import survey as run_survey
from crossfade.documents.columns import compile_columns
from crossfade.errors import CrossfadeError, Misused, NotEmpty, Refused, Stale, Uncovered
from crossfade.journal import agreement, journal
from crossfade.journal.journal import Entry, MoveRecord
from crossfade.journal.status import EntityStatus, Status, status_of
from crossfade.mapping.check import check as run_check
from crossfade.mapping.compile import compile_program, read_mappings
from crossfade.mapping.coverage import Finding
from crossfade.mapping.program import Program
from crossfade.model.batch import Chunk
from crossfade.model.counts import counted
from crossfade.model.shape import Shape, parse_path
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.pipeline import constraints, mend
from crossfade.pipeline import copy as copying
from crossfade.pipeline.executor import make_executor
from crossfade.pipeline.session import Work, close_sessions, session
from crossfade.pipeline.settle import settle
from crossfade.pipeline.steps import run_steps
from crossfade.project import Discard, Project
from crossfade.schema import kept, live
from crossfade.schema.load import LIVE, load_schema, made_of
from crossfade.schema.tokens import identifier
from crossfade.stores.contract import EntityInfo, Loader, Store, need
from crossfade.stores.open import open_store
from crossfade.verify import run as verifying
from crossfade.verify.held import held_records
from crossfade.verify.rules import read_rules
from crossfade.verify.verdict import Verdict

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
        """The target as it is to be; of a live target, as it was when the move began.

        It has no SQLAlchemy metadata where the journal keeps what SQL files made, and the files still say the same.
        """
        was, target = self._kept_schema, self.target
        if was is not None and not self._is_live:
            return was
        now = load_schema(self.project.settings.target.schema_, self.project.root, target.scheme, target.ddl)
        return now if was is None else live.as_it_was(was, now)

    @cached_property
    def _schema_is_made_of(self) -> str | None:
        return made_of(self.project.settings.target.schema_, self.project.root)

    @property
    def _kept_schema(self) -> TargetSchema | None:
        made = self._schema_is_made_of
        if made is None or not _journal_exists(self.target):
            return None
        with self._transaction() as tx:
            text = journal.kept_schema(tx)
        return None if text is None else kept.from_text(text, made)

    @property
    def _is_live(self) -> bool:
        return self.project.settings.target.schema_ == LIVE

    @property
    def _fed_entities(self) -> list[str]:
        return [f.entity for f in self.program.feeds.values() if f.branches]

    @property
    def _fed_tables(self) -> set[str]:
        return {b.table for b in self.program.branches}

    @property
    def _steps_before(self) -> Sequence[Step]:
        return live.steps_before(self.schema, self._fed_tables) if self._is_live else self.schema.pre

    def _steps_after(self, done: Collection[str]) -> Sequence[Step]:
        return live.steps_after(self.schema, self._fed_tables, done) if self._is_live else self.schema.post

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
            head = f"{counted(len(faults), 'fault')}; nothing was written"
            raise Uncovered("\n".join([head, *lines]), faults, hint="crossfade check")

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
        return self._steps(self._steps_before, listen)

    def _steps(self, steps: Sequence[Step], listen: Listener) -> int:
        done: list[Step] = []

        def tell(step: Step) -> None:
            done.append(step)
            listen(StepDone(step))

        run_steps(self.target, steps, tell)
        return len(done)

    def _own_target(self) -> MoveRecord:
        """Begins the move in the target, or finds that it is this one's."""
        move = self._find_move()
        if move is None:
            self._require_empty()
            journal.create(self.target)
            made = self._schema_is_made_of
            text = None if made is None else kept.as_text(self.schema, made)
            with self._transaction() as tx:
                journal.begin_move(tx, self.project.name, self.source.url, self._digests, text)
                move = journal.find_move(tx)
        assert move is not None  # it was noted just now
        self._require_own(move)
        return move

    def _begun(self) -> MoveRecord:
        move = self._find_move()
        if move is None:
            raise Misused(f"no move has begun in {self.target.url}", hint="crossfade schema apply")
        return move

    def _find_move(self) -> MoveRecord | None:
        if not _journal_exists(self.target):
            return None
        with self._transaction() as tx:
            return journal.find_move(tx)

    def _require_empty(self) -> None:
        if self._is_live:
            with self._transaction() as tx:
                there = [t.name for t in self._tables(self._fed_tables) if tx.execute(f"{_select(t)} LIMIT 1")]
            what, hint = "holds rows already in", "empty these tables, or map others"
        else:
            there = need(self.target.ddl, self.target, "be looked into").is_empty()
            what, hint = "is not empty:", 'name an empty database, or schema = "live" to fill tables that are there'
        if there:
            names = ", ".join(there[:8])
            raise NotEmpty(f"the target {self.target.url} {what} {names}; nothing was written", hint=hint)

    def _tables(self, names: Collection[str]) -> list[TargetTable]:
        return [t for t in self.schema.tables if t.name in names]

    def _require_own(self, move: MoveRecord) -> None:
        agreement.require_own(move, self.target.url, self.project.name, self.schema.digest)

    def _record(self) -> MoveRecord:
        """The move in the target. Raises Misused where none has begun."""
        move = self._begun()
        self._require_own(move)
        return move

    # -- copy

    def copy(self, listen: Listener = _deaf) -> Status:
        """Copies what is not copied yet, clears and makes the constraints. Resumes by itself."""
        self._require_covered()
        self._require_current_lock()
        move = self._own_target()
        self._steps(self._steps_before, listen)
        self._require_same_agreement(move)
        target_bytes = int(self.project.settings.limits.chunk_mb * 1_000_000)
        pending = copying.plan(self.source, self.target, self._fed_entities, target_bytes)
        chunks = [c.chunk for c in self._chunks() if c.chunk.number != journal.LATER]
        listen(Planned(sum(c.count for c in pending), len(pending), sum(c.count for c in chunks)))
        with make_executor(min(self._writers, max(1, len(chunks)))) as executor:
            copying.copy(self._work, pending, executor, listen)
            self._clear(chunks, executor, listen)
        with self._transaction() as tx:
            done = journal.steps_done(tx)
        self._steps(self._steps_after(done), listen)
        self._advance_sequences()
        with self._transaction() as tx:
            journal.set_stage(tx, journal.FINISHED)
        return self.status()

    def _require_same_agreement(self, move: MoveRecord) -> None:
        """A copy that has begun goes on under the mapping and the lock file that it began with."""
        done = sum(1 for c in self._chunks() if c.counts is not None)
        if not agreement.require_same(move, self._digests, done):
            with self._transaction() as tx:
                journal.set_digests(tx, self._digests)

    def _clear(self, chunks: Sequence[Chunk], executor: Executor, listen: Listener) -> None:
        """What may not stay leaves, before the constraints are made. What is done of it is not done again."""
        stage = self._record().stage
        if stage in (journal.PREPARED, journal.COPYING):
            settle(self._work, chunks, executor)
            with self._transaction() as tx:
                journal.set_stage(tx, journal.COPIED)
        if stage != journal.FINISHED:
            constraints.clear(self._work, self.schema, chunks, executor, listen)

    def _advance_sequences(self) -> None:
        """What the target hands out numbers by goes on after those that came in."""
        ddl = need(self.target.ddl, self.target, "count on")
        ddl.advance_sequences(self._tables(self._fed_tables))

    def restart(self) -> None:
        """Forgets the copy: the tables that it filled are emptied, and the journal of chunks and quarantine too."""
        self._record()
        with self._transaction() as tx:
            if journal.steps_done(tx) & {s.id for s in self.schema.post}:
                raise Refused(
                    "the constraints of this target are made already; it was left as it is",
                    hint="begin anew in an empty database",
                )
            filled = {name for c in journal.chunks(tx) for name in c.rows}
            for table in self._tables(self._fed_tables | filled):
                tx.execute(f"DELETE FROM {_named(table)}")
            journal.forget_copy(tx)
            journal.set_digests(tx, self._digests)
            journal.set_stage(tx, journal.PREPARED)

    def _chunks(self) -> list[journal.ChunkRecord]:
        with self._transaction() as tx:
            return journal.chunks(tx)

    # -- verify

    def verify(self, listen: Listener = _deaf) -> Verdict:
        """Compares every column of every row, every key, and the counts; asks the rules.

        Raises Refused before a copy is done, and where the mappings no longer speak of all that it carried.
        """
        status = self.status()
        if status.stage != journal.FINISHED:
            raise Refused(
                f"the copy has not finished (it is {status.stage}); nothing was compared", hint="crossfade copy"
            )
        agreement.require_made(status, self._fed_entities, self._fed_tables)
        if self._record().mapping_digest != self._digests["mapping_digest"]:
            self._require_covered()  # a column that the mapping no longer makes would not be compared
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
            recorded={e.entity: e.counts for e in status.entities},
            rules=read_rules(self.project.rules_dir),
            limit=limits.differences,
            target_bytes=int(limits.chunk_mb * 1_000_000),
        )

    # -- status

    def status(self) -> Status:
        """The count equation of every entity, as the journal has it: a mapping at fault does not hide it."""
        move = self._begun()
        agreement.require_own(move, self.target.url, self.project.name, move.schema_digest)
        try:
            fed = self._fed_entities
        except CrossfadeError:
            fed = []  # the plan knows what has begun; `check` says what is at fault
        with self._transaction() as tx:
            return status_of(tx, move, fed, self.project.settings.limits.quarantine)

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
        self._require_no_half_constraints()
        left = sum(1 for c in self._chunks() if c.counts is None and c.chunk.number != journal.LATER)
        agreement.require_nothing_left(self._record(), self._digests, left)
        entries = [self._entry(i) for i in ids] or [e for e in self.quarantine() if e.state == "open"]
        with self._transaction() as tx:
            journal.set_digests(tx, self._digests)
        results = mend.retry(self._work, entries)
        self._advance_sequences()
        if self.target.traits.constraints_after_tables or self._record().stage != journal.FINISHED:
            return results
        return self._hold_to_constraints(results)

    def _require_no_half_constraints(self) -> None:
        """Between the first constraint and the last a cascade could remove what comes in, and nobody would count it."""
        with self._transaction() as tx:
            done = journal.steps_done(tx)
        open_steps = [s for s in self._steps_after(done) if s.id not in done]
        if open_steps and done & {s.id for s in self.schema.post}:
            raise Refused(
                counted(len(open_steps), "constraint of the target is", "constraints of the target are")
                + " not made yet, others are; nothing was retried",
                hint="crossfade copy, then retry",
            )

    def _hold_to_constraints(self, results: list[mend.Retried]) -> list[mend.Retried]:
        """For a target that is not asked for parents at every row: who came in without one leaves again."""
        chunks = [c.chunk for c in self._chunks() if c.chunk.number != journal.LATER]
        with make_executor(1) as executor:
            constraints.clear(self._work, self.schema, chunks, executor, _deaf)
        left = {(e.entity, e.key): e for e in self.quarantine() if e.state == "open"}
        return [
            mend.Retried(left[r.entry.entity, r.entry.key], "quarantined")
            if r.outcome == "copied" and (r.entry.entity, r.entry.key) in left
            else r
            for r in results
        ]

    def discard(self, ids: Sequence[str], reason: str) -> list[Entry]:
        """Closes entries as discarded by a person, with the reason."""
        if not reason.strip():
            raise Misused(
                "a discard needs a reason; nothing was discarded", hint='--reason "why it may be left behind"'
            )
        entries = [self._entry(i) for i in ids]
        with self._transaction() as tx:
            return [replace(e, state="discarded", note=reason) for e in mend.discard(tx, entries, reason)]


def _empty(shape: Shape, columns: Sequence[Any]) -> Any:
    return compile_columns(shape, columns).read(b"").table


def _journal_exists(target: Store) -> bool:
    ddl = need(target.ddl, target, "be looked into")
    return bool(ddl.has_journal())


def _named(table: TargetTable) -> str:
    return ".".join(identifier(part) for part in (table.schema, table.table) if part)


def _select(table: TargetTable) -> str:
    return f"SELECT 1 FROM {_named(table)}"


__all__ = ["EntityStatus", "Found", "Move", "Planned", "Status", "StepDone", "Verifying"]
