"""What `check` says of the way back, when the project has a folder inverse/."""

from __future__ import annotations

import datetime
from typing import Any

from crossfade.assess.coming_back import coming_back
from crossfade.mapping.invert.derive import derive
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable
from crossfade.project import Discard
from mapping_world import World

DAY = datetime.datetime(2024, 5, 6)
KIND = {
    "id": "text", "made": "text", "v": "text", "either": "text", "at": "timestamptz", "free": "text",
}  # fmt: skip
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": str(n), "v": "x", "a": "y", "b": "z", "at": DAY, "token": "t", "tags": [str(n)]} for n in range(3)
]
MAPPING = {
    "t": "SELECT e._id AS id, md5(e.v) AS made, e.v AS v, coalesce(e.a, e.b) AS either, e.at AS at FROM e AS e",
    "tags": "SELECT t.t AS id FROM e AS e, unnest(e.tags) AS t(t)",
}
DISCARD = Discard(entity="e", path="token", reason="not needed")


def notes(*, exact: bool = True) -> set[tuple[str, str, str]]:
    columns = tuple(TargetColumn(n, ColumnType(k, k), has_default=n == "free") for n, k in KIND.items())
    table = TargetTable("t", None, "t", columns, ("id",))
    tags = TargetTable("tags", None, "tags", columns[:1], ("id",))
    other = TargetTable("other", None, "other", columns[:1], ("id",))
    world = World({"e": DOCUMENTS})
    program = world.program(MAPPING, [DISCARD])
    inverse = derive("e", MAPPING, program, world.shapes, {"t": table, "tags": tags})
    schema = TargetSchema("postgresql", (table, tags, other), (), (), None, "")
    found = coming_back([inverse], program, world.shapes, schema, [DISCARD], times_are_exact=exact)
    return {(one.kind, one.place, "3 values" if "3 values" in one.message else "") for one in found}


def test_everything_that_cannot_come_back_is_listed_with_counts() -> None:
    assert notes() == {
        ("no_way_back", "t.made", "3 values"),
        ("not_rebuilt", "e.token", "3 values"),
        ("chosen_place", "t.either", ""),
        ("stays_there", "t.free", ""),
        ("stays_there", "other", ""),
        ("finer_times", "t", ""),
        ("no_owner", "tags", ""),
    }


def test_times_that_are_cut_are_no_note() -> None:
    assert "finer_times" not in {kind for kind, _, _ in notes(exact=False)}
