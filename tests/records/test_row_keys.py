"""Records of rows that are only a key, as they are guessed from the rows of a target."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.batch import Column
from crossfade.model.shape import Node, Shape
from crossfade.model.type_stats import TypeStats
from crossfade.records.rows.codec import ROWS
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.vocabulary import POSTGRESQL

ID = Node("id", "id", {"integer": TypeStats(2)}, vocabulary=POSTGRESQL, declared="integer")
SHAPE = Shape("agents", 2, Node("", "", {"object": TypeStats(2)}, fields=(ID,)), own_key=(("id",),))


@pytest.mark.parametrize("other", ["057ad88b-9bc3-563b-a8e6-e16b8482af97", "99999999999", "", "x"])
def test_a_key_of_another_type_is_set_aside(other: str) -> None:
    keys = [key_of_texts(["7"]), key_of_texts([other]), key_of_texts(["8"])]
    batch = ROWS.reader(SHAPE, [Column("id", ("id",))]).read(b"".join(map(ROWS.of_key, keys)))
    assert batch.table.column("id").to_pylist() == [7, 8]
    assert [(one.row, one.reason, one.path) for one in batch.rejected] == [(1, "unseen_type", "id")]


@given(st.lists(st.none() | st.text(), max_size=4))
def test_a_key_is_compact_json(texts: list[str | None]) -> None:
    assert key_of_texts(texts) == json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
