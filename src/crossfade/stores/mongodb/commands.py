"""Runs the commands of a schema. Each may be run again: it has no effect then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import SON
from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.errors import CrossfadeError
from crossfade.records.bson.ejson import canonical
from crossfade.schema.documents import commands

_NAMESPACE_EXISTS, _NO_INDEX, _NO_NAMESPACE = 48, 27, 26


def run_command(db: Database[dict[str, Any]], sql: str) -> None:
    """Run one command. Raises CrossfadeError if a collection exists with other options."""
    command = commands.parsed(sql)
    try:
        db.command(SON(command))
    except OperationFailure as error:
        if error.code == _NAMESPACE_EXISTS and "create" in command:
            _require_same(db, command)
        elif error.code not in (_NO_INDEX, _NO_NAMESPACE) or not _drops(command):
            raise


def drops(sql: str) -> bool:
    """Return whether a command drops something."""
    return _drops(commands.parsed(sql))


def _drops(command: Mapping[str, Any]) -> bool:
    return next(iter(command)) in ("drop", "dropIndexes")


def _require_same(db: Database[dict[str, Any]], command: Mapping[str, Any]) -> None:
    found = next(iter(db.list_collections(filter={"name": command["create"]})), {}).get("options", {})
    wanted = {name: value for name, value in command.items() if name != "create"}
    there = {name: value for name, value in found.items() if name in wanted or name == "validator"}
    if same_text(there.get("validator", {})) != same_text(wanted.get("validator", {})):
        raise CrossfadeError(
            f"the collection {command['create']} exists with another validator; it was not changed",
            hint='drop it, or use schema = "live" to fill existing collections',
        )


def same_text(value: Any) -> str:
    """Return the value as text that is the same for the same value, whichever program wrote its numbers."""
    return canonical(_numbers(value))


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
