"""What the phases of a move share: the two stores, and everything that is read once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial

from crossfade.assess.lock import dump_lock, read_lock
from crossfade.errors import MappingFault, Misused
from crossfade.journal import agreed, journal
from crossfade.mapping.language.compile import Compiled, compile_all, read_mappings
from crossfade.mapping.owners import owners
from crossfade.model.described import Described
from crossfade.model.events import Listener, ignore
from crossfade.model.patterns import is_pattern, matching
from crossfade.model.program import Program
from crossfade.model.shape import Shape, parse_path
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.move.emitter import Emitter
from crossfade.project import Discard, Project
from crossfade.records.codec import Codec
from crossfade.runtime.session import Work, close_sessions, get_ready
from crossfade.runtime.warmup import Awaited
from crossfade.schema import journaled, live
from crossfade.schema.load import LIVE, load_schema, made_of
from crossfade.stores.contract import Store, TargetTransaction, need
from crossfade.stores.open import SOURCES, TARGETS, anywhere, codec_of, open_store


class Context:
    """What the phases of one move share. See `Move` (facade.py) for its arguments."""

    def __init__(
        self,
        project: Project,
        *,
        workers: int = 1,
        scheduler: str = "",
        most: int | None = None,
        listen: Listener = ignore,
    ) -> None:
        self.project = project
        self.listen = listen
        self.workers = workers
        self.most_workers = most
        self._scheduler = scheduler
        self.run = uuid.uuid4().hex
        self.events = Emitter(self.run)
        self.only_compares = False  # then a target whose tables have changed is a result, not an error
        self.takes_part = False  # in work that only one run may do at a time
        self._open: dict[str, Store] = {}
        self.schema_ahead = Awaited[TargetSchema | None]()

    def close(self) -> None:
        self.schema_ahead.close()
        self._close_sessions()
        while self._open:
            self._open.popitem()[1].close()

    def _close_sessions(self) -> None:
        if (work := self.__dict__.pop("work", None)) is not None:
            close_sessions(work.token)

    @property
    def scheduler(self) -> str:
        """The address of the Dask scheduler, or "" if the work is done on this machine."""
        return self._scheduler or self.project.scheduler

    @property
    def source_url(self) -> str:
        """The URL of the source, independent of the working directory."""
        return anywhere(self.project.source_url)

    @property
    def source(self) -> Store:
        return self._store("source", self.project.source_url)

    @property
    def snapshot(self) -> str:
        """Names the state of the source that this process sees, for the others; "" where a source has no such name."""
        source = self.source
        return "" if source.snapshot is None else source.snapshot()

    @property
    def codec(self) -> Codec:
        """The codec of the source's records. The source need not be reachable, nor its URL be set."""
        try:
            url = self.project.source_url
        except Misused:
            url = ""
        return codec_of(url)

    @property
    def target(self) -> Store:
        return self._store("target", self.project.target_url)

    def _store(self, role: str, url: str) -> Store:
        if role not in self._open:
            self._open[role] = open_store(url, self.run, SOURCES if role == "source" else TARGETS)
        return self._open[role]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        return {s.entity: s for s in read_lock(self.project.lock_file)}

    @cached_property
    def schema(self) -> TargetSchema:
        """The schema that the target should have; of a live target, the schema when the move began.

        It has no SQLAlchemy metadata if it was read from the journal: the description of a schema that SQL files made,
        while the files are unchanged.
        """
        ahead = self.schema_ahead.take()
        return self._read_schema() if ahead is None else ahead

    def read_schema_ahead(self) -> None:
        """Begin to read the schema of a new move if that needs a scratch database, which takes the server some time.

        It may begin before this run holds the lock: what SQL files make does not depend on other runs in the target.
        """
        if "schema" not in self.__dict__ and not self.is_live and self.schema_is_made_of is not None:
            ddl = need(self.target.ddl, self.target, "be inspected")
            self.schema_ahead.begin(lambda: None if ddl.has_journal() else self._load_schema())

    def _read_schema(self) -> TargetSchema:
        was = self._journaled_schema
        if was is not None and not self.is_live:
            return was
        if was is not None and self.only_compares:
            return was
        now = self._load_schema()
        return now if was is None else live.as_it_was(was, now)

    def _load_schema(self) -> TargetSchema:
        target, settings = self.target, self.project.settings.target
        root = self.project.root
        return load_schema(settings.schema_, root, target.traits.dialect, target.ddl, comments=settings.comments)

    @cached_property
    def schema_is_made_of(self) -> str | None:
        return made_of(self.project.settings.target.schema_, self.project.root)

    @property
    def _journaled_schema(self) -> TargetSchema | None:
        made = self.schema_is_made_of
        if made is None or not self.has_journal:
            return None
        with self.transaction() as tx:
            text = journal.kept_schema(tx)
        return None if text is None else journaled.from_text(text, made)

    @property
    def is_live(self) -> bool:
        return self.project.settings.target.schema_ == LIVE

    def expected_from_now(self) -> Described:
        """Return the expected catalog of the target after the copy: the current one, and what the schema makes.

        What the schema makes is read from a scratch database, so that changes in the target meanwhile do not affect it.
        """
        ddl = need(self.target.ddl, self.target, "be inspected")
        now = ddl.describe()
        return now if self.is_live else now.joined(ddl.describe_made(self.schema))

    @property
    def expected(self) -> Described:
        """The description that was recorded when the move began. Another version of the server may print definitions
        differently: then it is made again, and objects from before the move are described as they are now.
        """
        ddl = need(self.target.ddl, self.target, "be inspected")
        with self.transaction() as tx:
            noted = journal.expected(tx)
        if noted is None:
            return ddl.describe_made(self.schema)
        found = ddl.describe()
        if noted.server == found.server or self.is_live:
            return noted
        known = {t.key for t in noted.things}
        before = Described(found.server, tuple(t for t in found.things if t.key in known))
        return before.joined(ddl.describe_made(replace(self.schema, described=None)))

    @property
    def fed_entities(self) -> list[str]:
        return [f.entity for f in self.program.feeds.values() if f.branches]

    @property
    def fed_tables(self) -> set[str]:
        return {b.table for b in self.program.branches}

    @property
    def steps_before(self) -> Sequence[Step]:
        return live.steps_before(self.schema, self.fed_tables) if self.is_live else self.schema.pre

    def steps_after(self, done: Collection[str]) -> Sequence[Step]:
        return live.steps_after(self.schema, self.fed_tables, done) if self.is_live else self.schema.post

    @cached_property
    def discards(self) -> tuple[Discard, ...]:
        """The project's discards, one for each entity that a pattern matches. If the discard names a path, the entity
        must have it; if it says that the entity is empty, it must be empty.
        """
        out: list[Discard] = []
        for discard in self.project.settings.discard:
            entities = [discard.entity] if discard.table is not None else self._meant(discard)
            out += [discard.model_copy(update={"entity": e}) for e in entities]
        return tuple(out)

    def _meant(self, discard: Discard) -> Sequence[str | None]:
        """Return the entities that a discard applies to, or its own text if there are none: `check` calls it stale."""
        assert discard.entity is not None
        matched = matching(discard.entity, self.shapes)
        if discard.empty:
            return [e for e in matched if not self.shapes[e].count] or [discard.entity]
        if discard.path is None or not is_pattern(discard.entity):
            return matched or [discard.entity]
        try:
            place = parse_path(discard.path)
        except ValueError:
            return matched
        return [e for e in matched if self.shapes[e].node(place) is not None] or matched or [discard.entity]

    @cached_property
    def compiled(self) -> Compiled:
        """The mappings that could be compiled, and the faults of the others."""
        return compile_all(read_mappings(self.project.mapping_dir), self.shapes, self.discards)

    @property
    def program(self) -> Program:
        """The compiled mappings. Raises MappingFault with all of their faults, Misused if there are none."""
        compiled = self.compiled
        if compiled.faults:
            raise MappingFault(list(compiled.faults))
        if not compiled.program.files:
            folder, hint = self.project.mapping_dir, "write mapping/<table>.sql: a SELECT that makes its rows"
            raise Misused(f"no mapping files in {folder}", hint=hint)
        return compiled.program

    @cached_property
    def digests(self) -> dict[str, str]:
        lock = hashlib.sha256(dump_lock(self.shapes.values()).encode()).hexdigest()[:16]
        return {
            "lock_digest": lock,
            "schema_digest": self.schema.digest,
            "mapping_digest": self.program.digest,
        }

    @cached_property
    def parts(self) -> dict[agreed.Part, str]:
        """Digests of each table's mapping and of each entity's shape, including the discards that concern them."""
        texts = read_mappings(self.project.mapping_dir)
        found: dict[agreed.Part, str] = {}
        for table, text in texts.items():
            own = [d.model_dump() for d in self.discards if d.table == table]
            found[agreed.TABLE, table] = _digest(repr((text, own)))
        for entity in self.fed_entities:
            own = [d.model_dump() for d in self.discards if d.entity == entity]
            found[agreed.ENTITY, entity] = _digest(repr((dump_lock([self.shapes[entity]]), own)))
        return found

    @property
    def digests_so_far(self) -> dict[str, str]:
        """The digests, without those of mappings if there is no survey yet: creating the schema needs neither."""
        if self.is_live or self.project.lock_file.exists():
            return self.digests
        return {"lock_digest": "", "schema_digest": self.schema.digest, "mapping_digest": ""}

    @cached_property
    def work(self) -> Work:
        tables = {t.name: t for t in self.schema.tables}
        return Work(
            token=uuid.uuid4().hex,
            program=self.program,
            shapes=self.shapes,
            tables=tables,
            owners=owners(self.program, self.shapes, tables),
            open_source=partial(open_store, self.source_url, self.run, snapshot=self.snapshot),
            open_target=partial(open_store, self.project.target_url, self.run),
            run=self.run,
        )

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        target = self.target
        with need(target.writer, target, "keep a journal").transaction() as tx:
            if self.takes_part:
                journal.take_part(tx, self.run)
            yield tx

    def take_over(self) -> None:
        """Make this run the only one that can write to the target."""
        with self.transaction() as tx:
            journal.take_over(tx, self.run)
        self.takes_part = True

    @property
    def writers(self) -> int:
        target = self.target
        return min(self.workers, need(target.writer, target, "be written to").fill_rank())

    @property
    def chunk_bytes(self) -> int:
        return int(self.project.settings.limits.chunk_mb * 1_000_000)

    @property
    def get_ready(self) -> Callable[[], None]:
        """Return a function with which a worker prepares itself before its first call."""
        return partial(get_ready, self.project.source_url, self.project.target_url)

    @property
    def has_journal(self) -> bool:
        return bool(need(self.target.ddl, self.target, "be inspected").has_journal())

    def tables(self, names: Collection[str]) -> list[TargetTable]:
        return [t for t in self.schema.tables if t.name in names]

    def chunks(self) -> list[journal.ChunkRecord]:
        """Return the chunks that the copy has planned so far."""
        with self.transaction() as tx:
            return journal.chunks(tx)

    def forget_survey(self) -> None:
        """Drop what was read from the lock file, so that it is read again."""
        self._close_sessions()
        for name in ("shapes", "discards", "compiled", "digests", "parts"):
            self.__dict__.pop(name, None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
