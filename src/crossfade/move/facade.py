"""A project at work, with a method for everything that can be done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Self

from crossfade.journal.causes import ALL_OPEN, Cause, Selection
from crossfade.journal.journal import Entry
from crossfade.journal.status import Status
from crossfade.mapping.lineage import Lineage, lineage
from crossfade.model.findings import Finding
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema
from crossfade.move import accounts, checks, copying, surveying, target_ownership, verifying
from crossfade.move import again as copying_again
from crossfade.move import not_carried as gathering
from crossfade.move import preview as previewing
from crossfade.move import quarantine as held
from crossfade.move import reset as resetting
from crossfade.move.context import Context
from crossfade.move.events import Listener, deaf
from crossfade.move.inventory import inventory
from crossfade.move.preview import Preview
from crossfade.move.reset import Reset
from crossfade.move.watching import watching
from crossfade.pipeline.retry import Retried
from crossfade.project import Project
from crossfade.records.codec import Codec
from crossfade.schema.diagram import dbml, mermaid
from crossfade.stores.contract import EntityInfo, Store
from crossfade.verify.not_carried import Changed, LeftBehind
from crossfade.verify.verdict import Verdict


class Move:
    """One project at work. Use as a context manager: it closes what it opened.

    `workers` processes work at once on this machine. On the cluster of a Dask scheduler (`scheduler`, or what
    crossfade.toml names) as many tasks do as it has threads, or `most`. `hear` is told of waits in what takes no
    listener of its own.
    """

    def __init__(
        self,
        project: Project,
        *,
        workers: int = 1,
        scheduler: str = "",
        most: int | None = None,
        hear: Listener = deaf,
    ) -> None:
        self.context = Context(project, workers=workers, scheduler=scheduler, most=most, hear=hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the stores, and what works."""
        self.context.close()

    @property
    def project(self) -> Project:
        return self.context.project

    @property
    def source(self) -> Store:
        return self.context.source

    @property
    def target(self) -> Store:
        return self.context.target

    @property
    def codec(self) -> Codec:
        """How the source's records are read."""
        return self.context.codec

    @property
    def shapes(self) -> dict[str, Shape]:
        """Entity -> its shape, as source.lock.json has it."""
        return self.context.shapes

    @property
    def program(self) -> Program:
        """The mappings, compiled. Raises MappingFault with every fault of theirs."""
        return self.context.program

    @property
    def schema(self) -> TargetSchema:
        """The target as it is to be. Raises SchemaFault with every fault found."""
        return self.context.schema

    def entities(self) -> Sequence[EntityInfo]:
        """Everything that the source holds, with its class and what becomes of it."""
        return surveying.entities(self.context)

    def survey(self, listen: Listener = deaf) -> tuple[list[Shape], list[EntityInfo]]:
        """Scans the source and writes source.lock.json; the shapes, and all entities with their plans."""
        return surveying.survey(self.context, listen)

    def lock_before(self) -> list[Shape] | None:
        """The shapes of the last survey; None where there was none, or its file is damaged."""
        return surveying.lock_before(self.context)

    def check(self) -> list[Finding]:
        """Every fault and note that can be known before anything is written. Raises MappingFault, SchemaFault."""
        return checks.check(self.context)

    def lineage(self, place: str) -> Lineage:
        """The source paths behind a target table, or one of its columns (`table.column`)."""
        return lineage(self.program, self.shapes, place)

    def diagram(self, form: str) -> str:
        """The target's schema as an entity-relationship diagram: `mermaid` or `dbml`."""
        return {"mermaid": mermaid, "dbml": dbml}[form](self.schema)

    def preview(self, table: str, *, limit: int = 20, key: str | None = None) -> Preview:
        """The rows that the first documents (or the one with a key) make in a table, and what is refused. Writes
        nothing.
        """
        return previewing.of_table(self.context, table, limit, key)

    def sample(self, size: int, table: str | None = None, listen: Listener = deaf) -> Preview:
        """What `size` records of each entity that is mapped (into a table) would become. Writes nothing."""
        return previewing.of_sample(self.context, table, size, listen)

    def apply_schema(self, listen: Listener = deaf) -> int:
        """Makes the target ready for the copy; the number of steps done now. Refuses a target that is not this
        move's.
        """
        with watching(self.context, listen) as tell, target_ownership.locked(self.context):
            return target_ownership.apply_schema(self.context, tell)

    def copy(self, listen: Listener = deaf, *, source_moved: bool = False) -> Status:
        """Copies what is not copied yet, clears and makes the constraints. Resumes by itself.

        Raises Stale where it would go on from another source; `source_moved` confirms that it is the same at another
        place.
        """
        self.context.read_schema_ahead()
        with watching(self.context, listen) as tell, target_ownership.locked(self.context):
            return copying.copy(self.context, tell, source_moved=source_moved)

    def restart(self) -> None:
        """Forgets the copy: the tables that it filled are emptied, and the journal of chunks and quarantine too."""
        with watching(self.context, self.context.hear), target_ownership.locked(self.context):
            copying.restart(self.context)

    def forget(self, *, tables: Collection[str] = (), entities: Collection[str] = ()) -> None:
        """Takes out what these entities, and those that feed these tables, have made; `copy` brings it in again.

        All else stays as it is, but for records that refer to one that does not come in again.
        """
        with target_ownership.locked(self.context):
            copying_again.forget(self.context, tables, entities)

    def plan_reset(self, including: Collection[str] = ()) -> Reset | None:
        """What a reset would do; None where there is nothing of a move in the target. Raises NotEmpty, as it would."""
        with watching(self.context, self.context.hear):
            return resetting.plan(self.context, including)

    def reset(self, including: Collection[str] = ()) -> Reset | None:
        """Drops what the move made in the target, and nothing else: the journal and quarantine too. Raises NotEmpty
        where it would delete what others put there, unless the table is named in `including`.
        """
        with watching(self.context, self.context.hear):
            return resetting.reset(self.context, including)

    def verify(self, listen: Listener = deaf) -> Verdict:
        """Compares every column of every row, every key, and the counts; asks the rules.

        Raises Refused before a copy is done, and where the mappings no longer speak of all that it carried.
        """
        self.context.only_compares = True
        with watching(self.context, listen) as tell:
            return verifying.verify(self.context, tell)

    def status(self) -> Status:
        """The count equation of every entity, as the journal has it, and what the source holds beside that.

        A mapping at fault or a source that is away does not hide the journal.
        """
        with watching(self.context, self.context.hear):
            return accounts.status(self.context)

    def left_behind(self, found: Status) -> list[LeftBehind]:
        """What stays in the source, each with the reason. `found` is the status as it is now."""
        return gathering.left_behind(self.context, found, inventory(self.context))

    def changed(self) -> list[Changed]:
        """The values that the mappings change on purpose."""
        return gathering.changed(self.context)

    def quarantine(self) -> list[Entry]:
        """All entries, open and closed."""
        with watching(self.context, self.context.hear):
            return held.entries(self.context)

    def causes(self, of: Selection = ALL_OPEN, *, examples: int = 3) -> list[Cause]:
        """Quarantine by cause, the most frequent first, each with some of its entries."""
        with watching(self.context, self.context.hear):
            return held.causes(self.context, of, examples)

    def quarantine_pages(self, of: Selection = ALL_OPEN) -> Iterator[list[Entry]]:
        """The entries of a selection, a page at a time."""
        return held.pages(self.context, of)

    def quarantined_record(self, entry_id: str) -> tuple[Entry, bytes]:
        """An entry (its id, or the beginning of it) with its raw document. Raises Misused where it is not one."""
        with watching(self.context, self.context.hear):
            return held.record(self.context, entry_id)

    def retry(self, ids: Sequence[str] = (), of: Selection = ALL_OPEN, listen: Listener = deaf) -> list[Retried]:
        """Tries entries again (those of the selection where none is named: unless told otherwise, all open ones), by
        the mapping and the lock file as they are now.
        """
        with watching(self.context, listen) as tell, target_ownership.locked(self.context):
            return held.retry(self.context, ids, of, tell)

    def discard(self, ids: Sequence[str], reason: str) -> list[Entry]:
        """Closes entries as discarded by a person, with the reason."""
        with watching(self.context, self.context.hear), target_ownership.locked(self.context):
            return held.discard(self.context, ids, reason)

    def discard_all(self, of: Selection, reason: str) -> dict[str, int]:
        """Closes the open entries of a selection as discarded by a person; entity -> how many."""
        with watching(self.context, self.context.hear), target_ownership.locked(self.context):
            return held.discard_all(self.context, of, reason)
