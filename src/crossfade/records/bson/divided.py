"""The values of a batch of documents, divided by key, by class and by field, for counting them together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, compress
from operator import itemgetter
from typing import Any

from bson import Binary, Code, ObjectId

from crossfade.records.bson.counted import EXAMPLES
from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.extremes import cut
from crossfade.records.bson.types import TYPE_OF_CLASS, binary_type, code_type

LONGEST_EXAMPLE = 1000  # characters of a key's text

Values = Sequence[Any]
Owners = Sequence[int]
"""For each value the number of its document, in the order of the documents' keys (see `by_key`); ascending."""


def by_key(docs: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Owners, Callable[[int], str]]:
    """Return the documents in the order of their keys' texts, with their numbers, and a function for the text of a
    number ("": no key).

    Documents with the same text have the same number, and those without a key are last, so that the first few numbers
    of some values are always those of the least texts.
    """
    ids = [doc.get("_id", ...) for doc in docs]
    if set(map(type, ids)) == {ObjectId}:
        ranks: list[Any] = [found.binary for found in ids]  # in the same order as their texts, but quicker to make
    else:
        ranks = [_BEHIND if found is ... else cut(canonical(found), LONGEST_EXAMPLE) for found in ids]
    order = sorted(range(len(docs)), key=ranks.__getitem__)
    texts: dict[int, str] = {}

    def key_of(number: int) -> str:
        text = texts.get(number)
        if text is None:
            found = ids[order[number]]
            text = texts[number] = "" if found is ... else cut(canonical(found), LONGEST_EXAMPLE)
        return text

    return [docs[at] for at in order], _numbers([ranks[at] for at in order]), key_of


_BEHIND = "\U0010ffff"
"""Comes after every text of a key, which is JSON."""


def _numbers(ranks: Sequence[Any]) -> Owners:
    """Return the numbers of documents that are in the order of these."""
    if len(set(ranks)) == len(ranks):
        return range(len(ranks))
    numbers: list[int] = []
    for number, rank in enumerate(ranks):
        numbers.append(numbers[-1] if number and rank == ranks[number - 1] else number)
    return numbers


def first(owners: Owners) -> Iterator[int]:
    """Yield the first few different owners."""
    at = 0
    for _ in range(EXAMPLES):
        if at >= len(owners):
            return
        yield owners[at]
        at = bisect_right(owners, owners[at], at)


def split(values: Values, owners: Owners, marks: Sequence[Any]) -> Iterator[tuple[Any, Values, Owners]]:
    """Yield the values with their owners, divided by their marks."""
    different = set(marks)
    if len(different) == 1:
        yield marks[0], values, owners
        return
    for mark in different:
        picked = [other == mark for other in marks]
        yield mark, list(compress(values, picked)), list(compress(owners, picked))


def by_type(cls: type[Any], values: Values, owners: Owners) -> Iterator[tuple[str, Values, Owners]]:
    """Yield the values of a class by BSON type: a single type, except for binary data and code."""
    if cls is Binary:
        yield from split(values, owners, list(map(binary_type, values)))
    elif cls is Code:
        yield from split(values, owners, list(map(code_type, values)))
    else:
        yield TYPE_OF_CLASS[cls], values, owners


def entries(objects: Values, owners: Owners) -> tuple[Values, Owners]:
    """Return the values of maps with their owners, regardless of their keys."""
    values = list(chain.from_iterable(map(dict.values, objects)))
    return values, [owner for owner, found in zip(owners, objects, strict=True) for _ in found]


def columns(objects: Values, owners: Owners, names: Iterable[str]) -> Iterator[tuple[str, Values, Owners]]:
    """Yield each field name with its values and their owners."""
    names = list(names)
    if len(names) * len(objects) > 8 * sum(map(len, objects)):
        yield from _sparse_columns(objects, owners)
        return
    for name in names:
        try:
            yield name, list(map(itemgetter(name), objects)), owners
        except KeyError:
            there = [name in found for found in objects]
            yield name, [found[name] for found in compress(objects, there)], list(compress(owners, there))


def _sparse_columns(objects: Values, owners: Owners) -> Iterator[tuple[str, Values, Owners]]:
    """Do the same if most objects lack most of the names; looking up all names in each would take quadratic time."""
    columns: dict[str, tuple[list[Any], list[int]]] = {}
    for found, owner in zip(objects, owners, strict=True):
        for name, value in found.items():
            values, theirs = columns.setdefault(name, ([], []))
            values.append(value)
            theirs.append(owner)
    for name, (values, theirs) in columns.items():
        yield name, values, theirs
