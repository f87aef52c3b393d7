"""`crossfade survey show`: names that a mapping writes otherwise, and values that are times."""

from __future__ import annotations

from typing import Any

from bson import Timestamp

from crossfade.cli.survey_show import _place, _rows
from crossfade.move.records import Records
from crossfade.records.bson.codec import BSON
from mapping_world import shape_of

RECORDS = Records(BSON)


def shown(*documents: dict[str, Any]) -> dict[str, str]:
    """The name of each field as it is shown -> its values."""
    shape = shape_of("e", documents)
    return {name: values for path, node in shape.root.walk() if path
            for name, _, _, _, values in [next(iter(_rows(_place(RECORDS, path, node))))]}  # fmt: skip


def test_a_bson_timestamp_is_shown_in_full() -> None:
    found = shown({"_id": 1, "at": Timestamp(1700000000, 5)}, {"_id": 2, "at": Timestamp(1800000000, 15)})
    assert found["at"] == "Timestamp(1700000000, 5) to Timestamp(1800000000, 15)"


def test_a_name_that_sql_has_otherwise_is_shown_with_that() -> None:
    names = list(shown({"_id": 1, "na\u200bme": 1, "o": {"a#b": 1}, "list": [1]}))
    assert names == ["_id", "list", "  []", '"na\u200bme" (in SQL "name#7cbd")', "o", '  "a#b" (in SQL "a#b#8187")']
