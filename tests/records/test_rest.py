from __future__ import annotations

from typing import Any

import pytest
from slow_shapes import shape_of

from crossfade.model.batch import Column
from crossfade.model.shape import Path, parse_path
from crossfade.records.bson.columns import compile_columns
from crossfade.records.bson.encode import to_bson

DOC: dict[str, Any] = {"_id": 1, "o": {"x": 1, "y": {"z": 2}}, "a": [{"p": 1, "q": 2}, {"p": 3}, 4], "e": {}, "[]": 0}


def rest(doc: dict[str, Any], *paths: str | Path) -> str | None:
    without = frozenset(parse_path(p) if isinstance(p, str) else p for p in paths)
    column = Column("rest", (), "rest", without=without)
    (text,) = compile_columns(shape_of([doc]), [column]).read(to_bson(doc)).table["rest"].to_pylist()
    assert text is None or isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        (["_id", "o", "a", "e"], '{"[]":0}'),
        (["_id", "a", "e", '"[]"', "o.x"], '{"o":{"y":{"z":2}}}'),
        (["_id", "a", "e", '"[]"', "o.x", "o.y.z"], None),
        (["_id", "a", "e", '"[]"', "o.x", "o.y.z", "o"], None),
        (["_id", "o", "a", '"[]"', "e.nothing"], '{"e":{}}'),
        (["_id", "o", "e", '"[]"', "a[].p"], '{"a":[{"q":2},null,4]}'),
        (["_id", "o", "e", '"[]"', "a[]"], None),
        (["_id", "o", "e", '"[]"', "a.p"], '{"a":[{"p":1,"q":2},{"p":3},4]}'),
        ([()], None),
    ],
)
def test_what_is_left(paths: list[str | Path], left: str | None) -> None:
    assert rest(DOC, *[("\\[]",) if p == '"[]"' else p for p in paths]) == left


def test_a_value_in_place_of_an_object_that_the_mapping_reads_is_kept() -> None:
    assert rest({"price": 5.0}, "price.amount") == '{"price":5.0}'


def test_nothing_taken_leaves_the_document() -> None:
    assert rest({"b": None, "a": 1}) == '{"b":null,"a":1}'
    assert rest({}) is None
