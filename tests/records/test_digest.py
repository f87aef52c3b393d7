from __future__ import annotations

import random
from typing import Any

import bson
from bson import Code, Int64
from hypothesis import given
from hypothesis import strategies as st

from crossfade.records.bson.digest import python_digests
from crossfade.records.bson.encode import to_bson
from strategies import documents

DOC: dict[str, Any] = {"_id": 1, "a": {"x": [{"p": 1, "q": 2}], "y": 2}, "c": Code("f", {"s": 1, "t": 2})}


def digest(doc: dict[str, Any], *, ordered: bool = True) -> bytes:
    (found,) = python_digests(to_bson(doc), ordered=ordered)
    assert found is not None
    assert len(found) == 16
    return found


def shuffled(value: Any, chance: random.Random) -> Any:
    if type(value) is dict:
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    if type(value) is list:
        return [shuffled(v, chance) for v in value]
    if isinstance(value, Code) and value.scope is not None:
        return Code(str(value), shuffled(dict(value.scope), chance))
    return value


@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_fields_means_nothing_where_asked(doc: dict[str, Any], chance: random.Random) -> None:
    other = shuffled(doc, chance)
    assert digest(doc, ordered=False) == digest(other, ordered=False)
    assert (digest(doc) == digest(other)) is (to_bson(doc) == to_bson(other))


def test_every_other_difference_counts() -> None:
    others: list[dict[str, Any]] = [
        {**DOC, "_id": Int64(1)},
        {**DOC, "n": None},
        {**DOC, "a": {"x": [{"p": 1, "q": 2}, None], "y": 2}},
        {**DOC, "a": {"x": {"0": {"p": 1, "q": 2}}, "y": 2}},
        {**DOC, "c": Code("f", {"s": 1})},
        {**DOC, "c": Code("f")},
    ]
    for ordered in (True, False):
        assert len({digest(doc, ordered=ordered) for doc in [DOC, *others]}) == len(others) + 1


def test_the_digest_stays_what_it_is() -> None:
    assert digest({"_id": 1, "b": "é", "a": [1.5, None]}).hex() == "f783dbd127ce6415154d5ee718039593"
    assert digest({"_id": 1, "b": "é", "a": [1.5, None]}, ordered=False).hex() == "eef073d9320572870471d3d5f28698b4"


def test_a_broken_document_has_none() -> None:
    good = bson.encode({"_id": 1})
    assert [found is None for found in python_digests(good + b"\5\0\0\0\1" + good)] == [False, True, False]
