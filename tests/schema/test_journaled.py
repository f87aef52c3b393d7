"""The schema in a journal that an older version wrote: what it left out is found elsewhere."""

from __future__ import annotations

import re

from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable
from crossfade.schema import journaled

KEY = ForeignKey("r", ("a", "b"), "rooms", ("a", "b"), match_full=True)
ROOMS = TargetTable("rooms", None, "rooms", (), ("a", "b"))
GUESTS = TargetTable(
    "hotel.Guests", "hotel", "Guests", (), ("id",), foreign_keys=(KEY, ForeignKey("s", ("c",), "rooms", ("c",)))
)
POST = (
    Step(
        'foreign key hotel."Guests".r',
        'ALTER TABLE hotel."Guests" ADD CONSTRAINT r FOREIGN KEY (a, b) REFERENCES rooms MATCH FULL',
    ),
    Step(
        'foreign key hotel."Guests".s',
        'ALTER TABLE hotel."Guests" ADD CONSTRAINT s FOREIGN KEY (c) REFERENCES rooms (c)',
    ),
)
PARTS = (Step("table p1", "CREATE TABLE p1 PARTITION OF p DEFAULT"),)


def older(pre: tuple[Step, ...], origin: str) -> TargetSchema | None:
    schema = TargetSchema("postgresql", (ROOMS, GUESTS), pre, POST, None, "digest")
    text = re.sub(
        r',"(match_full|predicate|parent_part|keys_of_parts)":(null|true|false|\[\])',
        "",
        journaled.as_text(schema, origin),
    )
    assert "match_full" not in text
    return journaled.from_text(text, origin)


def test_the_steps_say_which_keys_are_match_full() -> None:
    for origin in ("live", journaled.made_of_sql(["..."])):
        found = older((), origin)
        assert found is not None
        assert [key.match_full for table in found.tables for key in table.foreign_keys] == [True, False]


def test_the_files_say_what_belongs_to_partitions() -> None:
    assert older(PARTS, journaled.made_of_sql(["..."])) is None
    assert older(PARTS, "live") is not None
