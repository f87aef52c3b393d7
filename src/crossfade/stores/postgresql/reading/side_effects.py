"""Functions that do more than read, in a SELECT of the user's.

A read-only transaction stops what writes rows, not what ends other sessions, reads files of the server, sends
messages or runs a text as SQL. Functions of that kind are VOLATILE and written in a language that is not trusted (C,
or the server's own): a statement that calls one is refused, but for those that only read. Functions in SQL or PL/pgSQL
run inside the transaction and may be called; what they call in turn is not looked at.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import psycopg

from crossfade.errors import CrossfadeError
from crossfade.schema.tokens import meaningful

_ONLY_READS = re.compile(
    r"array_(sample|shuffle)|clock_timestamp|timeofday|currval|lastval|random|random_normal|setseed|uuidv[47]"
    r"|gen_(random_\w+|salt)|uuid_generate_\w+|lo_get|(txid|pg_xact)_status|pg_sleep|bernoulli|system"
    r"|pg_(relation|total_relation|table|indexes|database|tablespace)_size|pg_stat_get_\w+|pg_partition_\w+"
    r"|pg_sequence_last_value|pg_get_sequence_data|pg_is_in_recovery|pg_blocking_pids|pg_lock_status"
)
_OTHERS = """
SELECT DISTINCT p.proname::pg_catalog.text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.proname OPERATOR(pg_catalog.=) ANY (%s) AND p.provolatile OPERATOR(pg_catalog.=) 'v' AND NOT l.lanpltrusted
ORDER BY 1
"""


def require_none(connection: psycopg.Connection[Any], sql: str) -> None:
    """Raises CrossfadeError where the statement calls such a function."""
    called = _called(sql)
    if not called:
        return
    found = [name for (name,) in connection.execute(_OTHERS, [sorted(called)]).fetchall()]
    others = [name for name in found if not _ONLY_READS.fullmatch(name)]
    if others:
        raise CrossfadeError(f"a query of a project may only read, and {others[0]} does more; it was not run")


def _called(sql: str) -> set[str]:
    """The names that a parenthesis follows, as the server folds them; too many rather than too few."""
    found = meaningful(sql)
    if any(token.kind == "quoted" and token.text[:1] in "uU" for token in found):
        raise CrossfadeError('a query of a project may not spell names with U&"..."; it was not run')
    return {token.name for token, after in pairwise(found) if token.name and after.text == "("}
