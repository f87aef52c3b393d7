"""Steps of a document store: one command each, as JSON on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from crossfade.model.target import Step, TargetTable

DIALECT, KEY = "mongodb", "_id"


def are_steps_of(dialect: str) -> bool:
    """Return whether the steps of this dialect are commands."""
    return dialect == DIALECT


def is_command(sql: str) -> bool:
    """Return whether a step's text is a command, not SQL."""
    return sql.startswith("{")


def text_of(command: Mapping[str, Any]) -> str:
    return json.dumps(command, ensure_ascii=False)


def parsed(sql: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sql)
    return found


def create(name: str, options: Mapping[str, Any]) -> Step:
    return Step(f"table {name}", text_of({"create": name, **options}))


CHANGEABLE = ("validator", "validationLevel", "validationAction")
"""Options of a collection that can be changed."""


def change(sql: str) -> Step:
    """Return the step that gives an existing collection the validator with which this command creates it."""
    command = parsed(sql)
    options = {name: value for name, value in command.items() if name in CHANGEABLE}
    return Step(f"validator {command['create']}", text_of({"collMod": command["create"], "validator": {}, **options}))


def create_index(collection: str, index: Mapping[str, Any]) -> Step:
    return Step(f"index {collection}.{index['name']}", text_of({"createIndexes": collection, "indexes": [index]}))


def collection_of(sql: str) -> str:
    """Return the collection that a command is about."""
    command = parsed(sql)
    return str(command[next(iter(command))])


def index_of(sql: str) -> dict[str, Any] | None:
    """Return the index that a command creates, if it does."""
    command = parsed(sql)
    found: list[dict[str, Any]] = command.get("indexes", [])
    return found[0] if found else None


def leading(sql: str, table: TargetTable) -> set[str]:
    """Return the column that the index of a command begins with, unless it leaves documents out."""
    index = index_of(sql)
    if index is None or "partialFilterExpression" in index or index.get("sparse"):
        return set()
    return {column_of(table, next(iter(index["key"])))}


def column_of(table: TargetTable, field: str) -> str:
    """Return the column that a field of the documents holds: a key of one column is `_id`."""
    return table.primary_key[0] if field == KEY and len(table.primary_key) == 1 else field


def drop_of(sql: str) -> str | None:
    """Return the command that drops what this one creates; None for what is dropped with its collection."""
    command = parsed(sql)
    return text_of({"drop": command["create"]}) if "create" in command else None


def undo_of(sql: str) -> str | None:
    """Return the command that removes what this one creates; None for one that creates nothing."""
    return drop_of(sql) or (drop_index(sql) if index_of(sql) is not None else None)


def drop_index(sql: str) -> str:
    """Return the command that drops the index which this one creates."""
    index = index_of(sql)
    assert index is not None, "it creates an index"
    return text_of({"dropIndexes": collection_of(sql), "index": index["name"]})
