"""Whether a text and what a PostgreSQL type prints after reading it mean the same, decided without PostgreSQL.

Types that Crossfade has no canonical form for travel as text, and the type's input function may change what it is
given: money rounds to cents, name cuts at 63 bytes, a tsvector position ends at 16383. The function cannot be asked
whether it did. So both texts are read here, by rules that share nothing with the server, and compared exactly:

    changed("1 day 2 hours", "1 day 02:00:00", interval)  None: another spelling of the same value
    changed("12.345", "$12.35", money)                    "precision"
    changed("POINT EMPTY", "0101...", unknown)            "bad_value": it cannot be decided

types.py describes a type as the catalogue has it; one file for each family of literals holds how they are read.
"""

from __future__ import annotations

from crossfade.stores.postgresql.meaning.compare import changed
from crossfade.stores.postgresql.meaning.types import PgType, TypeCatalog

__all__ = ["PgType", "TypeCatalog", "changed"]
