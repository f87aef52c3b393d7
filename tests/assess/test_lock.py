from __future__ import annotations

import json
from pathlib import Path

import pytest
from bson import encode
from hypothesis import given
from hypothesis import strategies as st

from crossfade.assess.drift import compare
from crossfade.assess.lock import dump_lock, load_lock, read_lock, write_lock
from crossfade.errors import Refused, Unreachable
from crossfade.model.map_rules import MapRules
from crossfade.model.names import engine_names
from crossfade.model.shape import ELEMENT, ENTRY, Node, Shape, TypeStats
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.vocabulary import WORDS

COUNTS = st.integers(0, 10**12)
TEXTS = st.text(max_size=8)
STATS = st.builds(
    TypeStats,
    COUNTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | COUNTS,
    st.none() | COUNTS,
    st.lists(TEXTS, max_size=3).map(tuple),
)
TYPES = st.dictionaries(st.sampled_from(["int", "string", "null", "binData:4"]), STATS, max_size=3)
NAMES = TEXTS.filter(lambda name: "\0" not in name) | st.sampled_from(
    ["", "[]", "\\[]", "{}", "a.b", '"', "a", "A", "."]
)


def places(name: str, engine: str, depth: int) -> st.SearchStrategy[Node]:
    below = st.lists(NAMES, unique=True, max_size=3 if depth else 0)
    element = st.just(None) if not depth else st.none() | places(ELEMENT, ELEMENT, depth - 1)
    fields = below.flatmap(
        lambda names: st.builds(
            Node,
            st.just(name),
            st.just(engine),
            TYPES,
            COUNTS,
            st.tuples(*(places(n, engine_names(names)[n], depth - 1) for n in sorted(names))),
            element,
            vocabulary=st.just(WORDS),
            declared=st.sampled_from(["", "numeric(10,2)"]),
        )
    )
    if not depth or not name:
        return fields
    entry = places(ENTRY, ENTRY, depth - 1)
    head = [st.just(name), st.just(engine), TYPES, COUNTS, st.just(()), element, entry, STATS]
    return fields | st.builds(Node, *head, vocabulary=st.just(WORDS))


SHAPES = st.builds(
    Shape,
    TEXTS,
    COUNTS,
    places("", "", 2),
    TEXTS,
    TEXTS,
    COUNTS,
    st.dictionaries(st.sampled_from(["broken", "duplicate_key"]), COUNTS),
    st.sampled_from([(), (("id",),), (("a",), ("b.c",))]),
)


@given(st.lists(SHAPES, max_size=3, unique_by=lambda shape: shape.entity))
def test_what_is_read_is_what_was_written(shapes: list[Shape]) -> None:
    text = dump_lock(shapes)
    assert load_lock(text) == sorted(shapes, key=lambda shape: shape.entity)
    assert dump_lock(load_lock(text)) == text
    assert dump_lock(reversed(shapes)) == text
    assert json.loads(text)["crossfade"] == 1


def surveyed(*docs: dict[str, object], entity: str = "users") -> Shape:
    histogram = Histogram()
    histogram.add(b"".join(map(encode, docs)))
    return histogram.to_shape(entity, plan="copied")


def test_one_path_a_line() -> None:
    text = dump_lock([surveyed({"_id": 1, "a": "x", "tags": ["t"]}, {"_id": 2, "A": None})])
    assert text == (
        """{
  "crossfade": 1,
  "entities": {
    "users": {
      "class": "collection",
      "plan": "copied",
      "count": 2,
      "bytes": 60,
      "paths": [
        {"path": ".", "types": {"object": {"count": 2, "min_length": 2, "max_length": 3}}},
        {"path": "A", "sql": "A#559a", "missing": 1, "types": {"null": {"count": 1, "keys": ["{\\"$numberInt\\":\\"2\\"}"]}}},
        {"path": "_id", "types": {"int": {"count": 2, "least": "{\\"$numberInt\\":\\"1\\"}", "greatest": "{\\"$numberInt\\":\\"2\\"}"}}},
        {"path": "a", "sql": "a#ca97", "missing": 1, "types": {"string": {"count": 1, "least": "\\"x\\"", "greatest": "\\"x\\"", "min_length": 1, "max_length": 1, "keys": ["{\\"$numberInt\\":\\"1\\"}"]}}},
        {"path": "tags", "missing": 1, "types": {"array": {"count": 1, "min_length": 1, "max_length": 1, "keys": ["{\\"$numberInt\\":\\"1\\"}"]}}},
        {"path": "tags[]", "types": {"string": {"count": 1, "least": "\\"t\\"", "greatest": "\\"t\\"", "min_length": 1, "max_length": 1}}}
      ]
    }
  }
}
"""  # noqa: E501 (one path a line is the point)
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "source.lock.json"
    shapes = [surveyed({"_id": 1})]
    write_lock(file, shapes)
    assert read_lock(file) == shapes
    assert [path.name for path in tmp_path.iterdir()] == ["source.lock.json"]
    with pytest.raises(Unreachable, match="could not be written"):
        write_lock(tmp_path / "nowhere" / "source.lock.json", shapes)


def test_no_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"there is no .*source\.lock\.json"):
        read_lock(tmp_path / "source.lock.json")


GOOD = dump_lock([surveyed({"_id": 1, "a": {"b": 1}})])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "source.lock.json:1:1: damaged, not JSON"),
        (GOOD[:-40], "damaged, not JSON"),
        ("[]", "damaged"),
        ("{}", "'crossfade' is missing"),
        ('{"crossfade": 2, "entities": {}}', "has format 2; this crossfade reads 1"),
        (GOOD.replace('"count": 1', '"count": "1"', 1), "'1' is not a count"),
        (GOOD.replace('"count": 1', '"count": -1', 1), "-1 is not a count"),
        (GOOD.replace('"path": "a"', '"path": "a..b"'), "not a path"),
        (GOOD.replace('"path": "a"', '"path": "c"'), "the parent of a.b is missing"),
        (GOOD.replace('"path": "a.b"', '"path": "a"'), "occurs twice"),
        (GOOD.replace('{"path": ".",', '{"path": "z",'), "is missing"),
        (GOOD.replace('"types"', '"tpyes"'), "'types' is missing"),
        (GOOD.replace('"least": "', '"least": 1, "x": "'), "1 is not a string"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Refused, match=r"source\.lock\.json") as caught:
        load_lock(text)
    assert said in caught.value.message
    assert "crossfade survey" in (caught.value.hint or "")


def test_nothing_changed_nothing_said() -> None:
    shapes = [surveyed({"_id": 1, "a": [1]})]
    assert compare(shapes, load_lock(dump_lock(shapes))) == []


def test_what_is_left_out_on_purpose_is_not_said_to_be_gone() -> None:
    old = [surveyed({"_id": 1}, entity="logs"), surveyed({"_id": 1}, entity="old")]
    assert compare(old, [], there={"logs"}) == ["logs: no longer surveyed", "old: no longer in the source"]


def test_every_difference_is_said_in_words() -> None:
    old = [surveyed({"_id": 1, "a": 5, "gone": 1}), surveyed({"_id": 1}, entity="old")]
    new = [surveyed({"_id": 1, "a": 6, "b": "x"}, {"_id": 2, "a": "y"}), surveyed({"_id": 1}, entity="new")]
    assert compare(old, new) == [
        "new: not surveyed before (1 document)",
        "old: no longer in the source",
        "users: 1 document before, 2 now",
        "users: .: object: 1 time before, 2 now",
        "users: .: object: lengths 3 to 3 before, 2 to 3 now",
        "users: _id: int: 1 time before, 2 now",
        'users: _id: int: from {"$numberInt":"1"} to {"$numberInt":"1"} before, '
        'from {"$numberInt":"1"} to {"$numberInt":"2"} now',
        'users: a: int: from {"$numberInt":"5"} to {"$numberInt":"5"} before, '
        'from {"$numberInt":"6"} to {"$numberInt":"6"} now',
        "users: a: string: a new type here, 1 time",
        "users: b: new, as string",
        "users: gone: no longer there",
    ]


def test_an_object_that_becomes_a_map_is_one_change() -> None:
    fields = {f"name{n}": {"a": 1} for n in range(12)}
    old = surveyed({"_id": 1, "by": fields}, {"_id": 2, "by": {}})
    histogram = Histogram(MapRules(maps=frozenset({("by",)})))
    histogram.add(encode({"_id": 1, "by": fields}) + encode({"_id": 2, "by": {}}))
    new = histogram.to_shape("users", plan="copied")
    assert compare([old], [new]) == ["users: by: is a map now"]
    assert compare([new], [old]) == ["users: by: is not a map now"]
