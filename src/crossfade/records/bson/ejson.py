"""Convert values to text and back: the functions for other packages.

`canonical` is lossless and has one notation for each value; `plain` is JSON as an application would print it; `loads`
reads all variants of Extended JSON; `to_bson` writes bytes.
"""

from __future__ import annotations

from crossfade.records.bson.canonical import binary_text, canonical, date_to_ms, double_text
from crossfade.records.bson.ejson_loads import exact_double, loads, loads_canonical
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.plain import plain

__all__ = [
    "binary_text",
    "canonical",
    "date_to_ms",
    "double_text",
    "exact_double",
    "loads",
    "loads_canonical",
    "plain",
    "to_bson",
]
