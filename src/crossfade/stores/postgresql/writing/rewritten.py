"""Rules that rewrite a DELETE or an UPDATE: the server does something else, and reports fewer rows.

COPY ignores rules, so a table can be filled. To disable a rule would lock out everyone who reads the table.
"""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg import sql

from crossfade.errors import Refused

_RULES = """
SELECT pg_catalog.quote_ident(r.rulename), r.ev_class::pg_catalog.regclass::pg_catalog.text
FROM pg_catalog.pg_rewrite AS r
WHERE r.ev_class = %s::pg_catalog.regclass AND r.ev_type = %s AND r.is_instead AND r.ev_enabled IN ('O', 'A')
ORDER BY r.rulename
"""
_EVENTS = {"UPDATE": "2", "DELETE": "4"}


def carried_out(
    connection: psycopg.Connection[Any], name: sql.Identifier, event: Literal["UPDATE", "DELETE"], done: int, of: int
) -> int:
    """Return the number of rows that a statement has changed. Raises Refused if it is less than it should be, and a
    rule may be the reason: the others would be counted as changed, and stay as they are.
    """
    if done >= of:
        return done
    found = connection.execute(_RULES, [name.as_string(connection), _EVENTS[event]]).fetchall()
    for rule, table in found[:1]:
        raise Refused(
            f"the rule {rule} of {table} replaces {event}, so that rows stay as they are; nothing was written",
            hint=f"until the move has ended: ALTER TABLE {table} DISABLE RULE {rule}",
        )
    return done
