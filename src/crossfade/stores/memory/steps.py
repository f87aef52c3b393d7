"""Steps of a schema in memory that do not commit with their record in the journal."""

from __future__ import annotations

from crossfade.errors import Unsupported
from crossfade.model.target import Step
from crossfade.schema.things import StepThing, drop_of, thing_of
from crossfade.stores.contract import Standing, Steps
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.target import MemoryWriter


class MemorySteps:
    def __init__(self, database: Database) -> None:
        self._database = database

    def is_alone(self, step: Step) -> bool:
        return False

    def check(self, step: Step) -> Standing:
        thing = thing_of(step)
        if thing is None:
            return Standing.ABSENT
        return Standing.DONE if self._is_there(thing) != thing.drops else Standing.ABSENT

    def start(self, step: Step) -> None:
        self._run(step.sql)

    def finish(self, step: Step) -> None:
        self.undo(step)
        self.start(step)

    def undo(self, step: Step) -> None:
        thing = thing_of(step)
        if thing is None or thing.drops:
            raise Unsupported(f"it is not known how to undo the step {step.id!r}")
        if (statement := drop_of(thing)) is not None:
            self._run(statement)

    def _run(self, statement: str) -> None:
        with MemoryWriter(self._database).transaction() as tx:
            tx.run(statement)

    def _is_there(self, thing: StepThing) -> bool:
        tables = self._database.catalog.tables
        match thing.kind:
            case "TABLE":
                return thing.name in tables
            case "INDEX":
                return any(thing.name in table.indexes for table in tables.values())
        table = tables.get(thing.on[1])
        return table is not None and (thing.name in table.foreign_keys or thing.name in table.indexes)


_: type[Steps] = MemorySteps
