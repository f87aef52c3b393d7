"""Decide without PostgreSQL whether a text and what a type prints after reading it mean the same.

Types without a canonical form in Crossfade are sent as text, and the type's input function may change it: money rounds
to cents, name is truncated to 63 bytes, tsvector positions end at 16383. The server does not report this. So both
texts are parsed here, by rules that share nothing with the server, and compared exactly:

    changed("1 day 2 hours", "1 day 02:00:00", interval)  None: another spelling of the same value
    changed("12.345", "$12.35", money)                    "precision"
    changed("POINT EMPTY", "0101...", unknown)            "bad_value": undecided

types.py describes a type from the catalog; there is one file for the parsers of each family of literals.
"""

from __future__ import annotations

from crossfade.stores.postgresql.meaning.compare import changed
from crossfade.stores.postgresql.meaning.types import PgType, TypeCatalog

__all__ = ["PgType", "TypeCatalog", "changed"]
