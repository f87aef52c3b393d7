"""What the phases of a move share: the two stores, and everything that is read once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial

from crossfade.assess.lock import read_lock
from crossfade.errors import MappingFault, Misused
from crossfade.journal import agreed, agreement, feed, journal, passes
from crossfade.mapping.as_printed import as_printed
from crossfade.mapping.language.compile import Compiled, compile_all, read_mappings
from crossfade.mapping.owners import owners
from crossfade.model.events import Listener, ignore
from crossfade.model.positions import Floor
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.move import digests
from crossfade.move.discards import of_entities
from crossfade.move.emitter import Emitter
from crossfade.move.feed_names import FeedNames, names_of
from crossfade.pipeline.throttle import Throttle
from crossfade.project import Discard, Project
from crossfade.records.codec import Codec
from crossfade.runtime.session import Work, close_sessions, get_ready
from crossfade.runtime.warmup import Awaited
from crossfade.schema import journaled, live
from crossfade.schema.load import LIVE, load_schema, made_of
from crossfade.stores.contract import Group, Store, TargetTransaction, need
from crossfade.stores.open import SOURCES, TARGETS, anywhere, codec_of, open_store, with_groups


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
        self.forget_work()
        while self._open:
            self._open.popitem()[1].close()

    def forget_work(self) -> None:
        """Discard `work`: a source that is followed from now on is read with another floor."""
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
        """The name of the snapshot that this process reads, for other processes; "" if the source cannot share one."""
        source = self.source
        return "" if source.snapshot is None else source.snapshot()

    @property
    def feed_names(self) -> FeedNames:
        return names_of(self.project, self.target.url)

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
            known, of = (SOURCES, self.source_group) if role == "source" else (TARGETS, self.target_group)
            store = open_store(url, self.run, known, of=of)
            self._open[role] = store if role == "source" else with_groups(store, of)
        return self._open[role]

    def named(self, store: Store) -> str:
        """Return the name of what a fence closes: the store, or the group in it."""
        return f"the group {self.project.group} of {store.url}" if self.project.group else store.url

    @property
    def source_group(self) -> Group | None:
        """The group that is moved, with its entities in the source; None if everything is moved at once."""
        return Group(self.project.group, tuple(sorted(self.shapes))) if self.project.group else None

    @property
    def target_group(self) -> Group | None:
        return Group(self.project.group, tuple(sorted(self.compiled_tables))) if self.project.group else None

    @property
    def compiled_tables(self) -> set[str]:
        """The tables that mappings fill, of those that could be compiled."""
        return {branch.table for branch in self.compiled.program.branches}

    @cached_property
    def surveyed(self) -> dict[str, Shape]:
        """The shapes of all entities, also of those that are in other groups."""
        return {s.entity: s for s in read_lock(self.project.lock_file)}

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the move's own entities."""
        return {e: shape for e, shape in self.surveyed.items() if self.project.has_entity(e)}

    @cached_property
    def schema(self) -> TargetSchema:
        """The schema that the target should have; of a live target, the schema when the move began.

        It has no SQLAlchemy metadata if it was read from the journal: the description of a schema that SQL files made,
        while the files are unchanged.
        """
        ahead = self.schema_ahead.take()
        return self._read_schema() if ahead is None else ahead

    def use_schema(self, schema: TargetSchema) -> None:
        """Use another schema from now on."""
        self.forget_work()
        self.__dict__.pop("digests", None)
        self.__dict__["schema"] = schema

    def read_schema_ahead(self) -> None:
        """Begin to read the schema of a new move if that needs a scratch database, which takes the server some time.

        It may begin before this run holds the lock: what SQL files make does not depend on other runs in the target.
        """
        if "schema" not in self.__dict__ and not self.is_live and self.schema_is_made_of is not None:
            ddl = need(self.target.ddl, self.target, "be inspected")
            self.schema_ahead.begin(lambda: None if ddl.has_journal() else self._load_schema())

    def _read_schema(self) -> TargetSchema:
        was = self.journaled_schema
        if was is not None and not self.is_live:
            return was
        if was is not None and self.only_compares:
            return was
        now = self._load_schema()
        return now if was is None else live.as_it_was(was, now)

    def _load_schema(self) -> TargetSchema:
        return self.own_tables(self.load_schema())

    def own_tables(self, schema: TargetSchema) -> TargetSchema:
        """Return what a schema has of the tables of the move's group."""
        return live.of_tables(schema, self.mappings) if self.project.group else schema

    def load_schema(self) -> TargetSchema:
        """Read the schema again: the tables of all groups."""
        target, settings = self.target, self.project.settings.target
        root, dialect = self.project.root, target.traits.dialect
        return load_schema(settings.schema_, root, dialect, target.ddl, comments=settings.comments)

    @cached_property
    def schema_is_made_of(self) -> str | None:
        return made_of(self.project.settings.target.schema_, self.project.root)

    @property
    def journaled_schema(self) -> TargetSchema | None:
        """The schema in the journal; None if it has none, or that of other files."""
        made = self.schema_is_made_of
        if made is None or not self.has_journal:
            return None
        with self.transaction() as tx:
            text = journal.kept_schema(tx)
        return None if text is None else journaled.from_text(text, made)

    @property
    def is_live(self) -> bool:
        return self.project.settings.target.schema_ == LIVE

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
        return of_entities(self.project.settings.discard, self.shapes, self.surveyed)

    @cached_property
    def compiled(self) -> Compiled:
        """The mappings that could be compiled, and the faults of the others."""
        return compile_all(self.mappings, self.shapes, self.discards)

    @cached_property
    def mappings(self) -> dict[str, str]:
        """The texts of the move's own mappings, by table, and of all that do not compile: their group is unknown."""
        found, group = read_mappings(self.project.mapping_dir), self.project.group
        if not group:
            return found
        feeds = compile_all(found, self.surveyed, ()).program.feeds.values()
        of = {b.table: self.project.settings.group_of(feed.entity) for feed in feeds for b in feed.branches}
        return {table: text for table, text in found.items() if of.get(table, group) == group}

    @property
    def mapped_elsewhere(self) -> set[str]:
        """The tables that mappings of other groups fill."""
        return {*read_mappings(self.project.mapping_dir)} - self.mappings.keys() if self.project.group else set()

    @property
    def program(self) -> Program:
        """The compiled mappings. Raises MappingFault with all of their faults, Misused if there are none."""
        compiled = self.compiled
        if compiled.faults:
            raise MappingFault(list(compiled.faults))
        if not compiled.program.files and self.project.group:
            raise Misused(f"no mapping reads an entity of the group {self.project.group}; nothing was done")
        if not compiled.program.files:
            folder, hint = self.project.mapping_dir, "write mapping/<table>.sql: a SELECT that makes its rows"
            raise Misused(f"no mapping files in {folder}", hint=hint)
        return compiled.program

    @cached_property
    def digests(self) -> dict[str, str]:
        return digests.of_move(self.shapes, self.schema.digest, self.program.digest)

    @cached_property
    def parts(self) -> dict[agreed.Part, str]:
        """Digests of each table's mapping and of each entity's shape, including the discards that concern them."""
        return digests.of_parts(self.mappings, self.discards, self.shapes, self.fed_entities)

    @property
    def digests_so_far(self) -> dict[str, str]:
        """The digests, without those of mappings as long as there is no survey, or none that compile: creating the
        schema needs neither.
        """
        if self.is_live or (self.project.lock_file.exists() and self.compiled.is_whole):
            return self.digests
        return {"lock_digest": "", "schema_digest": self.schema.digest, "mapping_digest": ""}

    def fitted(self, schema: TargetSchema) -> TargetSchema:
        """Return the schema with the types of columns as the mappings that could be compiled fill them."""
        return as_printed(self.compiled.program, self.shapes, schema)

    @cached_property
    def work(self) -> Work:
        tables = {t.name: t for t in self.fitted(self.schema).tables}
        floor = self.floor
        snapshot = self.snapshot if floor is None and not self.is_returning else ""
        return Work(
            token=uuid.uuid4().hex,
            program=self.program,
            shapes=self.shapes,
            tables=tables,
            owners=owners(self.program, self.shapes, tables),
            open_source=partial(open_store, self.source_url, self.run, snapshot=snapshot, of=self.source_group),
            open_target=partial(open_store, self.project.target_url, self.run, of=self.target_group),
            run=self.run,
            floor=floor,
        )

    @property
    def floor(self) -> Floor | None:
        """What every read of the source must have seen if it is followed by a feed; otherwise None."""
        noted = self._noted_feed
        return None if noted is None or noted.is_back or passes.is_polled(noted) else noted.floor

    @property
    def is_returning(self) -> bool:
        """Whether the target is followed, and the source is written back."""
        noted = self._noted_feed
        return noted is not None and noted.is_back

    @property
    def may_be_written(self) -> bool:
        """Whether others may write to the source while it is read: it is followed, or polled."""
        return self._noted_feed is not None

    @property
    def is_polled(self) -> bool:
        """Whether the source has no feed, and is compared again and again."""
        return passes.is_polled(self._noted_feed)

    @property
    def _noted_feed(self) -> feed.FeedRecord | None:
        if not self.has_journal:
            return None
        with self.transaction() as tx:
            return feed.find(tx)

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        target = self.target
        with need(target.writer, target, "keep a journal").transaction() as tx:
            if self.takes_part:
                journal.take_part(tx, self.run)
            yield tx

    @property
    def is_at_work(self) -> bool:
        """Whether a run holds the lock on the target, this one or another."""
        target = self.target
        return need(target.writer, target, "keep a journal").is_locked()

    def keep_lock(self) -> None:
        """Take the lock again, if its connection to the target was lost while it was idle."""
        with self.transaction():
            pass

    def release_source(self) -> None:
        """Close the source, and so its snapshot; it is opened again when it is needed."""
        if (opened := self._open.pop("source", None)) is not None:
            opened.close()

    def take_over(self, *, after_cutover: bool = False) -> None:
        """Make this run the only one that can write to the target. After a cutover, refuse unless that is meant."""
        with self.transaction() as tx:
            journal.take_over(tx, self.run)
            if not after_cutover:
                agreement.require_before_cutover(tx)
        self.takes_part = True

    @cached_property
    def throttle(self) -> Throttle:
        return Throttle(self.project.settings.throttle, lambda: self.source, self.project.root)

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
        self.forget_work()
        for name in ("surveyed", "shapes", "discards", "compiled", "mappings", "digests", "parts"):
            self.__dict__.pop(name, None)
