"""`Move`: a project's move, with a method for each step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Self

from crossfade.journal.causes import ALL_OPEN, Cause, Selection
from crossfade.journal.journal import Entry
from crossfade.journal.status import Status
from crossfade.mapping.lineage import Lineage, lineage
from crossfade.model.events import Listener, ignore
from crossfade.model.findings import Finding
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema
from crossfade.move import accounts, checks, copying, repairing, surveying, target_ownership, verifying
from crossfade.move import again as copying_again
from crossfade.move import not_carried as gathering
from crossfade.move import preview as previewing
from crossfade.move import quarantine as quarantining
from crossfade.move import reset as resetting
from crossfade.move.context import Context
from crossfade.move.emitter import phase
from crossfade.move.inventory import inventory
from crossfade.move.preview import Preview
from crossfade.move.records import Records
from crossfade.move.repairing import Repaired
from crossfade.move.reset import Reset
from crossfade.move.watching import watching
from crossfade.pipeline.retry import Retried
from crossfade.project import Project
from crossfade.schema.diagram import dbml, mermaid
from crossfade.stores.contract import EntityInfo, Store
from crossfade.verify.not_carried import Changed, LeftBehind
from crossfade.verify.verdict import Verdict


class Move:
    """The move of one project. Use it as a context manager: it closes the stores that it opened.

    `workers` is the number of processes on this machine. With a Dask scheduler (`scheduler`, or the one in
    crossfade.toml), as many tasks run as the cluster has threads, or `most` if given. `listen` hears the
    events of every method that is called without a listener of its own (docs/reference/events.md).
    """

    def __init__(
        self,
        project: Project,
        *,
        workers: int = 1,
        scheduler: str = "",
        most: int | None = None,
        listen: Listener = ignore,
    ) -> None:
        self.context = Context(project, workers=workers, scheduler=scheduler, most=most, listen=listen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the stores and the sessions."""
        self.context.close()

    def _phase(self, name: str, listen: Listener | None = None) -> AbstractContextManager[Listener]:
        """Tell that a phase starts and ends. The value is the listener for its events."""
        return phase(self._numbered(listen), name)

    def _watched(self, tell: Listener | None = None) -> AbstractContextManager[None]:
        """Tell of waits for locks of others."""
        return watching(self.context, tell or self._numbered())

    def _numbered(self, listen: Listener | None = None) -> Listener:
        return self.context.events.to(listen or self.context.listen)

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
    def records(self) -> Records:
        """The printer of the source's records and keys. The source need not be reachable."""
        return Records(self.context.codec)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Return the shape of each entity, from source.lock.json."""
        return self.context.shapes

    @property
    def program(self) -> Program:
        """Return the compiled mappings. Raises MappingFault with all of their faults."""
        return self.context.program

    @property
    def schema(self) -> TargetSchema:
        """Return the schema of the target. Raises SchemaFault with all faults."""
        return self.context.schema

    def entities(self) -> Sequence[EntityInfo]:
        """Return every entity of the source, with its class and its plan."""
        return surveying.entities(self.context)

    def survey(self, listen: Listener | None = None) -> tuple[list[Shape], list[EntityInfo]]:
        """Scan the source and write source.lock.json. Return the shapes, and all entities with their plans."""
        with self._phase("survey", listen) as tell:
            return surveying.survey(self.context, tell)

    def lock_before(self) -> list[Shape] | None:
        """Return the shapes of the last survey, or None if there was none or its file is damaged."""
        return surveying.lock_before(self.context)

    def check(self) -> list[Finding]:
        """Return all faults and notes, before anything is written. Raises MappingFault, SchemaFault."""
        return checks.check(self.context)

    def lineage(self, place: str) -> Lineage:
        """Return the source paths that a target table or a column (`table.column`) is computed from."""
        return lineage(self.program, self.shapes, place)

    def diagram(self, form: str) -> str:
        """Return the target's schema as an entity-relationship diagram: `mermaid` or `dbml`."""
        return {"mermaid": mermaid, "dbml": dbml}[form](self.schema)

    def preview(self, table: str, *, limit: int = 20, key: str | None = None) -> Preview:
        """Return the rows of a table for the first records (or the one with a key). Write nothing."""
        return previewing.of_table(self.context, table, limit, key)

    def sample(self, size: int, table: str | None = None, listen: Listener | None = None) -> Preview:
        """Map a sample of `size` records of each mapped entity (or of those that feed a table). Write nothing."""
        with self._phase("sample", listen) as tell:
            return previewing.of_sample(self.context, table, size, tell)

    def apply_schema(self, listen: Listener | None = None) -> int:
        """Prepare the target for the copy; return the number of executed steps. Refuse another move's target."""
        with self._phase("schema", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return target_ownership.apply_schema(self.context, tell)

    def copy(self, listen: Listener | None = None, *, source_moved: bool = False) -> Status:
        """Copy what is not copied yet, then create the constraints. Resume an interrupted copy.

        Raises Stale if the source is not the one that the copy began with; `source_moved` confirms that it is the same
        at another address.
        """
        self.context.read_schema_ahead()
        with self._phase("copy", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return copying.copy(self.context, tell, source_moved=source_moved)

    def restart(self) -> None:
        """Undo the copy: empty the tables that it filled, and delete its chunks and quarantine from the journal."""
        with self._phase("restart") as tell, self._watched(tell), target_ownership.locked(self.context):
            copying.restart(self.context)

    def forget(self, *, tables: Collection[str] = (), entities: Collection[str] = ()) -> None:
        """Remove all rows of these entities, and of those that feed these tables, so that `copy` copies them again.

        Everything else stays as it is, except records that refer to one that is not copied again.
        """
        with self._phase("forget") as tell, self._watched(tell), target_ownership.locked(self.context):
            copying_again.forget(self.context, tables, entities)

    def plan_reset(self, including: Collection[str] = ()) -> Reset | None:
        """Return what a reset would do, or None if the target has no move. Raises NotEmpty if the reset would."""
        with self._watched():
            return resetting.plan(self.context, including)

    def reset(self, including: Collection[str] = ()) -> Reset | None:
        """Drop what the move created in the target, including the journal and quarantine, and nothing else.

        Raises NotEmpty if it would delete what others added to a table that is not in `including`.
        """
        with self._phase("reset") as tell, self._watched(tell):
            return resetting.reset(self.context, tell, including)

    def verify(self, listen: Listener | None = None) -> Verdict:
        """Compare every column of every row, all keys and all counts, and run the rules.

        Raises Refused if the copy has not finished, or if the mappings no longer include all that was copied.
        """
        self.context.only_compares = True
        with self._phase("verify", listen) as tell, self._watched(tell):
            return verifying.verify(self.context, tell)

    def repair(
        self, listen: Listener | None = None, *, dry_run: bool = False, keys: Mapping[str, Sequence[str]] | None = None
    ) -> Repaired:
        """Make the target equal to the source again: compare everything and apply the records that differ, or those
        with these keys (by entity). With `dry_run` only say what would be changed.

        Raises Refused if the copy has not finished, or if the mappings no longer include all that was copied.
        """
        with self._phase("repair", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return repairing.repair(self.context, tell, dry_run=dry_run, keys=keys)

    def status(self) -> Status:
        """Return the count equation of every entity from the journal, and what else the source holds.

        The journal is read even if a mapping has faults or the source cannot be reached.
        """
        with self._watched():
            return accounts.status(self.context)

    def left_behind(self, found: Status) -> list[LeftBehind]:
        """Return what stays in the source, each with the reason. `found` is the current status."""
        return gathering.left_behind(self.context, found, inventory(self.context))

    def changed(self) -> list[Changed]:
        """Return the values that the mappings change on purpose."""
        return gathering.changed(self.context)

    def quarantine(self) -> list[Entry]:
        """Return all entries, open and closed."""
        with self._watched():
            return quarantining.entries(self.context)

    def causes(self, of: Selection = ALL_OPEN, *, examples: int = 3) -> list[Cause]:
        """Return the causes in quarantine, the most frequent first, each with some of its entries."""
        with self._watched():
            return quarantining.causes(self.context, of, examples)

    def quarantine_pages(self, of: Selection = ALL_OPEN) -> Iterator[list[Entry]]:
        """Yield the entries of a selection, page by page."""
        return quarantining.pages(self.context, of)

    def quarantined_record(self, entry_id: str) -> tuple[Entry, bytes]:
        """Return an entry (by id, or its first characters) and its raw record. Raises Misused unless one matches."""
        with self._watched():
            return quarantining.record(self.context, entry_id)

    def retry(self, ids: Sequence[str] = (), of: Selection = ALL_OPEN, listen: Listener | None = None) -> list[Retried]:
        """Retry entries with the current mapping and lock file: those given, or else those of the selection (by default
        all open ones).
        """
        with self._phase("retry", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return quarantining.retry(self.context, ids, of, tell)

    def discard(self, ids: Sequence[str], reason: str) -> list[Entry]:
        """Close entries as discarded by a person, with the reason."""
        with self._watched(), target_ownership.locked(self.context):
            return quarantining.discard(self.context, ids, reason)

    def discard_all(self, of: Selection, reason: str) -> dict[str, int]:
        """Close the open entries of a selection as discarded by a person. Return the number for each entity."""
        with self._watched(), target_ownership.locked(self.context):
            return quarantining.discard_all(self.context, of, reason)
