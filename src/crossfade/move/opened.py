"""What every step of a move uses: the context, what is read of the project, and who hears of a phase."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

from crossfade.mapping.lineage import Lineage, lineage
from crossfade.model.events import Listener, ignore
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema
from crossfade.move.context import Context
from crossfade.move.emitter import phase
from crossfade.move.records import Records
from crossfade.move.watching import watching
from crossfade.project import Project
from crossfade.schema.diagram import dbml, mermaid
from crossfade.stores.contract import Store


class OpenedProject:
    """An opened project: its stores, its mappings and its schema. Nothing of a database is read before it is needed."""

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

    def lineage(self, place: str) -> Lineage:
        """Return the source paths that a target table or a column (`table.column`) is computed from."""
        return lineage(self.program, self.shapes, place)

    def diagram(self, form: str) -> str:
        """Return the target's schema as an entity-relationship diagram: `mermaid` or `dbml`."""
        return {"mermaid": mermaid, "dbml": dbml}[form](self.schema)
