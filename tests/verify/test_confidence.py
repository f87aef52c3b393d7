"""The bound that a random sample gives."""

from __future__ import annotations

import math

import pytest

from crossfade.verify.confidence import at_most


@pytest.mark.parametrize("size", [1, 20, 300, 29_956])
def test_without_a_difference_it_is_the_share_that_a_sample_misses_in_one_of_twenty(size: int) -> None:
    assert (1 - at_most(0, size)) ** size == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(("found", "size"), [(1, 20), (3, 300), (10, 50)])
def test_with_differences_as_few_are_found_in_one_of_twenty(found: int, size: int) -> None:
    share = at_most(found, size)
    chance = sum(math.comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(found + 1))
    assert chance == pytest.approx(0.05, rel=1e-6)


def test_where_all_differ_all_may() -> None:
    assert at_most(5, 5) == 1.0
