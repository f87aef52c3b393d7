"""Very many documents: Hypothesis's, recombined, valid and with damaged bytes.

CROSSFADE_SOAK_DOCUMENTS says how many, where it should be other than the usual number.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from alike import assert_read_alike, columns_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_native_columns import batch_of, shape_of
from test_native_count import assert_counted_alike
from test_native_digest import assert_digested_alike

from strategies import documents

MOST = int(os.environ.get("CROSSFADE_SOAK_DOCUMENTS", "100000"))
AT_ONCE = 400


def inside(value: Any) -> Iterator[Any]:
    yield value
    children = value.values() if type(value) is dict else value if type(value) is list else ()
    for child in children:
        yield from inside(child)


def crossed(docs: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """Documents of the same names and values, each value at any place."""
    pool = [value for doc in docs for value in inside(doc)][:500]
    names = sorted({name for value in pool if type(value) is dict for name in value}) or ["a"]
    return [
        {name: chance.choice(pool) for name in chance.sample(names, chance.randint(0, min(5, len(names))))}
        for _ in range(AT_ONCE)
    ]


def hurt(batch: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, and cut at any place."""
    damaged = bytearray(batch)
    for _ in range(3):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged[: chance.randrange(len(damaged) // 2, len(damaged)) + 1])


@pytest.mark.torture
@settings(max_examples=max(1, MOST // AT_ONCE), suppress_health_check=list(HealthCheck))
@given(st.lists(documents(), min_size=3, max_size=6), st.integers(0, 2**32))
def test_very_many_documents(docs: list[dict[str, Any]], seed: int) -> None:
    chance = random.Random(seed)
    batch = batch_of(crossed(docs, chance))
    shape = shape_of(batch)
    columns = list(columns_of(shape.root, deep=1))
    columns = chance.sample(columns, min(40, len(columns)))
    for one in (batch, hurt(batch, chance)):
        assert_read_alike(shape, columns, one)
        assert_counted_alike(one)
        assert_digested_alike(one)
