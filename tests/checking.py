"""`check` of a few mappings against tables made by hand: its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from bson import ObjectId
from sqlalchemy import MetaData

from crossfade.assess.check import check
from crossfade.model.findings import Finding
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable
from crossfade.project import Discard
from crossfade.transform.engine import Engine
from mapping_world import World, transcode

INT, TEXT, JSONB = ColumnType("int4", "int4"), ColumnType("text", "text"), ColumnType("jsonb", "jsonb")

WORLD = World(
    {
        "e": [{"_id": 1, "n": 5, "s": "x", "o": {"a b": 1}, "l": [{"x": 1}], "tags": ["a"], "m": 1, "oid": ObjectId()},
              {"_id": 2, "m": "text"}],
        "f": [{"_id": 1, "s": "x"}],
    }
)  # fmt: skip


def column(name: str, kind: ColumnType = INT, **more: bool) -> TargetColumn:
    return TargetColumn(name, kind, **more)


def table(name: str, *columns: TargetColumn, key: tuple[str, ...] = ("id",)) -> TargetTable:
    return TargetTable(name, None, name, columns, key)


PLAIN = table("t", column("id"), column("v"), column("text", TEXT), column("data", JSONB))


def empty(shape: Any, columns: Any) -> Any:
    return transcode(shape, columns, b"").table


def findings(
    mappings: Mapping[str, str] | str, *tables: TargetTable, discards: Sequence[Discard] = (), world: World = WORLD
) -> list[Finding]:
    """All but what is said of coverage."""
    program = world.program(mappings, discards)
    target = TargetSchema("postgresql", tables or (PLAIN,), (), (), MetaData, "")
    with closing(Engine()) as engine:
        found = check(program, world.shapes, target, discards, empty, engine)
    return [f for f in found if f.kind not in ("uncovered", "unmapped_entity", "in_part")]
