"""How a number of things is told."""

from __future__ import annotations

import pytest

from crossfade.model.counts import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "regex", "1 regex"),
        (2, "regex", "2 regexes"),
        (2000, "step", "2,000 steps"),
        (0, "entry", "0 entries"),
        (3, "binary", "3 binaries"),
        (2, "key", "2 keys"),
        (2, "class", "2 classes"),
    ],
)
def test_plurals(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


def test_a_plural_that_is_given() -> None:
    assert counted(2, "chunk is", "chunks are") == "2 chunks are"
