"""Conditions of the journal as filters. As in SQL, a comparison with null is never true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from crossfade.stores.contract.journal import (
    After,
    Condition,
    Either,
    From,
    Is,
    IsNot,
    OneOf,
    StartsWith,
    UpTo,
    Where,
)

Document = dict[str, Any]


def filter_of(where: Where) -> Document:
    """Return the filter that finds the rows for which all conditions hold."""
    terms = [term for condition in where for term in _terms(condition)]
    return {"$and": terms} if len(terms) > 1 else terms[0] if terms else {}


def _terms(condition: Condition) -> Iterator[Document]:
    match condition:
        case Is(column, value):
            yield {column: value}
        case IsNot(column, value):
            yield {column: {"$nin": [value, None]}}
        case OneOf(column, values):
            yield {column: {"$in": list(values)}}
        case From(column, value):
            yield {column: {"$gte": value}}
        case UpTo(column, value):
            yield {column: {"$lte": value}}
        case StartsWith(column, text):
            yield {column: {"$regex": "^" + re.escape(text)}}
        case After(columns, values):
            yield {"$or": list(_after(columns, values))}
        case Either(ways):
            yield {"$or": [filter_of(way) for way in ways]}


def _after(columns: Sequence[str], values: Sequence[Any]) -> Iterator[Document]:
    for place, column in enumerate(columns):
        yield {**dict(zip(columns[:place], values[:place], strict=True)), column: {"$gt": values[place]}}
