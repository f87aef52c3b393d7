"""What the phases stand on: the two stores, and what is read of a project once."""

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
from crossfade.model.patterns import is_pattern, matching
from crossfade.model.program import Program
from crossfade.model.shape import Shape, parse_path
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.move.events import Listener, deaf
from crossfade.project import Discard, Project
from crossfade.records.codec import Codec
from crossfade.runtime.session import Work, close_sessions, get_ready
from crossfade.runtime.warmup import Awaited
from crossfade.schema import journaled as kept
from crossfade.schema import live
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
        hear: Listener = deaf,
    ) -> None:
        self.project = project
        self.hear = hear
        self.workers = workers
        self.most_workers = most
        self._scheduler = scheduler
        self.run = uuid.uuid4().hex
        self.only_compares = False  # a target whose tables have changed is an answer then, not an error
        self.takes_part = False  # in what only one run may do at a time
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
        """Of the Dask cluster that the work goes to; "" where it stays on this machine."""
        return self._scheduler or self.project.scheduler

    @property
    def source_url(self) -> str:
        """The source, for a worker in any folder."""
        return anywhere(self.project.source_url)

    @property
    def source(self) -> Store:
        return self._store("source", self.project.source_url)

    @property
    def codec(self) -> Codec:
        """How the source's records are read. The source need not be there for it, nor its URL be set."""
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
        """The target as it is to be; of a live target, as it was when the move began.

        It has no SQLAlchemy metadata where the journal keeps what SQL files made, and the files still say the same.
        """
        ahead = self.schema_ahead.take()
        return self._read_schema() if ahead is None else ahead

    def read_schema_ahead(self) -> None:
        """Begins to read the schema of a new move where that takes databases, for which the server takes its time.

        It may begin before this run is alone: what SQL files make does not depend on what others do in the target.
        """
        if "schema" not in self.__dict__ and not self.is_live and self.schema_is_made_of is not None:
            ddl = need(self.target.ddl, self.target, "be looked into")
            self.schema_ahead.begin(lambda: None if ddl.has_journal() else self._load_schema())

    def _read_schema(self) -> TargetSchema:
        was = self._kept_schema
        if was is not None and not self.is_live:
            return was
        if was is not None and self.only_compares:
            return was
        now = self._load_schema()
        return now if was is None else live.as_it_was(was, now)

    def _load_schema(self) -> TargetSchema:
        target, settings = self.target, self.project.settings.target
        root = self.project.root
        return load_schema(settings.schema_, root, target.scheme, target.ddl, comments=settings.comments)

    @cached_property
    def schema_is_made_of(self) -> str | None:
        return made_of(self.project.settings.target.schema_, self.project.root)

    @property
    def _kept_schema(self) -> TargetSchema | None:
        made = self.schema_is_made_of
        if made is None or not self.has_journal:
            return None
        with self.transaction() as tx:
            text = journal.kept_schema(tx)
        return None if text is None else kept.from_text(text, made)

    @property
    def is_live(self) -> bool:
        return self.project.settings.target.schema_ == LIVE

    def expected_from_now(self) -> Described:
        """What the target's catalogue is to say after the copy: what it says now, and what the schema makes.

        What the schema makes is known from a scratch database: who alters the target meanwhile changes nothing of it.
        """
        ddl = need(self.target.ddl, self.target, "be looked into")
        now = ddl.describe()
        return now if self.is_live else now.joined(ddl.describe_made(self.schema))

    @property
    def expected(self) -> Described:
        """What was noted when the move began. Another version of the server may print it otherwise: there it is made
        anew, and what was in the target before is as it is found.
        """
        ddl = need(self.target.ddl, self.target, "be looked into")
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
        """The project's discards, each of one entity: a pattern counts for every entity that it matches, and that has
        the path, or is empty, where it says so.
        """
        out: list[Discard] = []
        for discard in self.project.settings.discard:
            entities = [discard.entity] if discard.table is not None else self._meant(discard)
            out += [discard.model_copy(update={"entity": e}) for e in entities]
        return tuple(out)

    def _meant(self, discard: Discard) -> Sequence[str | None]:
        """The entities that a discard is of. Where there are none, what it says: `check` notes that it is stale."""
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
        """What could be compiled of the mappings, and the faults of the rest."""
        return compile_all(read_mappings(self.project.mapping_dir), self.shapes, self.discards)

    @property
    def program(self) -> Program:
        """The mappings. Raises MappingFault with every fault of theirs, Misused where there are none."""
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
        """Digests of each table's mapping and of each entity's shape, with the discards that go with them."""
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
        """Before there is a survey no mapping can be read either: what the schema makes needs neither."""
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
            open_source=partial(open_store, self.source_url, self.run),
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
        """No other run writes into the target from now on."""
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
        """What a worker can do before there is any work."""
        return partial(get_ready, self.project.source_url, self.project.target_url)

    @property
    def has_journal(self) -> bool:
        return bool(need(self.target.ddl, self.target, "be looked into").has_journal())

    def tables(self, names: Collection[str]) -> list[TargetTable]:
        return [t for t in self.schema.tables if t.name in names]

    def chunks(self) -> list[journal.ChunkRecord]:
        """The plan of the copy, as far as it is made."""
        with self.transaction() as tx:
            return journal.chunks(tx)

    def forget_survey(self) -> None:
        """What was read from the lock file is read anew."""
        self._close_sessions()
        for name in ("shapes", "discards", "compiled", "digests", "parts"):
            self.__dict__.pop(name, None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
