"""Steps of a schema: commands that cannot run in a transaction, each of which may be run again."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.errors import Unsupported
from crossfade.model.target import Step
from crossfade.schema.documents import commands
from crossfade.stores.contract import RowRejected, Standing, Steps
from crossfade.stores.mongodb import refusals
from crossfade.stores.mongodb.commands import run_command
from crossfade.stores.mongodb.errors import speaking


class MongoSteps:
    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db, self._url = db, url

    def is_alone(self, step: Step) -> bool:
        """Return True: no step runs in a transaction."""
        return True

    def check(self, step: Step) -> Standing:
        """Return ABSENT: every command may be repeated."""
        return Standing.ABSENT

    def start(self, step: Step) -> None:
        with speaking(self._url, f"running the step {step.id!r}"):
            try:
                run_command(self._db, step.sql)
            except OperationFailure as error:
                if error.code not in refusals.REASONS:
                    raise
                raise RowRejected(refusals.REASONS[error.code], refusals.said(error), table="") from error

    def finish(self, step: Step) -> None:
        self.start(step)

    def undo(self, step: Step) -> None:
        command = commands.undo_of(step.sql)
        if command is None:
            raise Unsupported(f"it is not known how to undo the step {step.id!r}")
        with speaking(self._url, f"undoing the step {step.id!r}"):
            run_command(self._db, command)


_: type[Steps] = MongoSteps
