"""Both return the same digests; digests differ if documents do."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from alike import damaged
from hypothesis import given
from hypothesis import strategies as st
from test_native_columns import INT, batch_of, corpus, framed

from crossfade.records.bson.digest import digests, python_digests
from strategies import documents


def assert_digested_alike(batch: bytes) -> None:
    for ordered in (True, False):
        assert digests(batch, ordered=ordered) == python_digests(batch, ordered=ordered)


@given(st.lists(documents(), max_size=5))
def test_every_document(docs: list[dict[str, Any]]) -> None:
    assert_digested_alike(batch_of(docs))


@given(st.lists(documents(), min_size=1, max_size=3), st.data())
def test_damaged_bytes(docs: list[dict[str, Any]], data: st.DataObject) -> None:
    assert_digested_alike(data.draw(damaged(batch_of(docs))))


@pytest.mark.skipif(not corpus(), reason="no BSON corpus: set BSON_CORPUS to its folder")
def test_the_corpus() -> None:
    for _, raw in corpus():
        assert_digested_alike(raw)


def test_doubles_and_decimals_keep_their_bytes() -> None:
    odd = [b"\x01x\0" + bytes(6) + b"\xf0\x7f", b"\x01x\0" + b"\1" + bytes(5) + b"\xf0\x7f", b"\x13x\0" + b"\xff" * 16]
    assert_digested_alike(b"".join(map(framed, odd)))


def test_more_than_ten_elements_and_indexes_that_do_not_count() -> None:
    whole = bson.encode({"a": list(range(12))})
    odd = framed(b"\x04a\0" + framed(b"".join(INT.replace(b"\x01", bytes([n])) % b"x" for n in range(12))))
    assert_digested_alike(whole + odd)
    assert digests(whole) == digests(odd)
