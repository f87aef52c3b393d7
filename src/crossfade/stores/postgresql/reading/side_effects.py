"""Detects functions with side effects in a SELECT of the user's.

A read-only transaction prevents writes to tables, but not functions that end other sessions, read files of the server,
send messages or run a text as SQL. Such functions are VOLATILE and written in an untrusted language (C, or internal): a
statement that calls one is refused, except for those that only read. Functions in SQL or PL/pgSQL run inside the
transaction and may be called; what they call in turn is not checked.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import psycopg

from crossfade.errors import InvalidQuery
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
    """Raise InvalidQuery if the statement calls such a function."""
    called = _called(sql)
    if not called:
        return
    found = [name for (name,) in connection.execute(_OTHERS, [sorted(called)]).fetchall()]
    others = [name for name in found if not _ONLY_READS.fullmatch(name)]
    if others:
        raise InvalidQuery(
            f"queries of a project are read-only, but {others[0]} has side effects; the query was not run"
        )


def _called(sql: str) -> set[str]:
    """Return the names before a parenthesis, folded as the server does; rather too many than too few."""
    found = meaningful(sql)
    if any(token.kind == "quoted" and token.text[:1] in "uU" for token in found):
        raise InvalidQuery('queries of a project must not write names as U&"..."; the query was not run')
    return {token.name for token, after in pairwise(found) if token.name and after.text == "("}
