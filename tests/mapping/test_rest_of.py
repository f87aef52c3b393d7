"""What `rest_of` keeps: everything that no mapping mentions and no discard names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossfade.mapping.coverage.uncovered import uncovered
from crossfade.mapping.language.compile import compile_program
from crossfade.project import Discard
from crossfade.records.bson.columns import compile_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.encode import to_bson

DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "name": "Ada",
    "__v": 3,
    "token": "secret",
    "meta": {"device": {"token": "secret", "os": "linux"}, "seen": 2},
    "visits": [{"ip": "10.0.0.1", "page": "/"}, {"ip": "10.0.0.2"}],
}
MAPPINGS = {"people": "SELECT p._id AS id, p.name AS name, rest_of(p) AS legacy FROM people AS p"}


def discard(path: str, *types: str, entity: str = "people") -> Discard:
    return Discard(entity=entity, path=path, types=types, reason="left behind")


def legacy(*discards: Discard, documents: tuple[dict[str, Any], ...] = (DOCUMENT,)) -> dict[str, Any] | None:
    """The remainder of the first document."""
    raw = b"".join(to_bson(d) for d in documents)
    histogram = Histogram()
    histogram.add(raw)
    shape = histogram.to_shape("people")
    program = compile_program(MAPPINGS, {"people": shape}, discards)
    assert list(uncovered(program, {"people": shape}, discards)) == []
    columns = program.feeds["people"].columns
    (name,) = [c.name for c in columns if c.form == "rest"]
    text = compile_columns(shape, columns).read(raw).table[name].to_pylist()[0]
    return None if text is None else dict(json.loads(text))


def test_without_discards_it_keeps_all_that_no_mapping_mentions() -> None:
    assert legacy() == {name: DOCUMENT[name] for name in ("__v", "token", "meta", "visits")}


@pytest.mark.parametrize(
    ("discards", "gone"),
    [
        ([discard("__v")], "__v"),
        ([discard("meta")], "meta"),
        ([discard("token", "string")], "token"),
        ([discard("token", "string", "null")], "token"),
    ],
)
def test_it_leaves_out_what_is_discarded(discards: list[Discard], gone: str) -> None:
    left = {name: DOCUMENT[name] for name in ("__v", "token", "meta", "visits") if name != gone}
    assert legacy(*discards) == left


def test_it_leaves_out_what_is_discarded_inside_objects_and_elements() -> None:
    left = legacy(discard("meta.device.token"), discard("visits[].ip"))
    assert left is not None
    assert left["meta"] == {"device": {"os": "linux"}, "seen": 2}
    assert left["visits"] == [{"page": "/"}, None]


def test_nothing_is_left_where_all_is_discarded() -> None:
    assert legacy(*map(discard, ("__v", "token", "meta", "visits"))) is None


def test_a_discard_of_one_type_does_not_take_the_others_with_it() -> None:
    other = {"_id": 2, "name": "Bob", "token": {"id": 7}}
    left = legacy(discard("token", "string"), documents=(other, DOCUMENT))
    assert left == {"token": {"id": 7}}


def test_a_discard_of_another_entity_changes_nothing() -> None:
    assert legacy(discard("token", entity="orders")) == legacy()
