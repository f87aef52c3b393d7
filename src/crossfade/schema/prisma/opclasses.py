"""Prisma's names of PostgreSQL's operator classes -> PostgreSQL's own."""

from __future__ import annotations

import re

_PLAIN = ["InetOps", "JsonbOps", "JsonbPathOps", "ArrayOps", "TextOps", "BitMinMaxOps", "VarBitMinMaxOps"]
_BLOOM_AND_MINMAX = ["Bpchar", "Bytea", "Text", "Date", "Float4", "Float8", "Inet", "Int2", "Int4", "Int8", "Numeric",
                     "Oid", "Timestamp", "TimestampTz", "Time", "TimeTz", "Uuid"]  # fmt: skip
_MULTI = ["Date", "Float4", "Float8", "Inet", "Int2", "Int4", "Int8", "Numeric", "Oid", "Timestamp", "TimestampTz",
          "Time", "TimeTz", "Uuid"]  # fmt: skip


def _own(prisma: str) -> str:
    """
    >>> _own("TimestampTzMinMaxMultiOps")
    'timestamptz_minmax_multi_ops'
    """
    whole = prisma.replace("MinMax", "Minmax").replace("Tz", "tz").replace("VarBit", "Varbit")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", whole).lower()


OPERATOR_CLASSES: dict[str, str] = {
    name: _own(name)
    for name in [
        *_PLAIN,
        *(f"{kind}{suffix}" for kind in _BLOOM_AND_MINMAX for suffix in ("BloomOps", "MinMaxOps")),
        *(f"{kind}MinMaxMultiOps" for kind in _MULTI),
    ]
} | {"InetMinMaxOps": "inet_minmax_ops"}
