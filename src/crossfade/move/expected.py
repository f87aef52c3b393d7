"""The catalog that the target should have."""

from __future__ import annotations

from dataclasses import replace

from crossfade.journal import journal
from crossfade.model.described import Described
from crossfade.move.context import Context
from crossfade.stores.contract import need


def expected_from_now(context: Context) -> Described:
    """Return what is expected after the copy: the current catalog, and what the schema makes.

    What the schema makes is read from a scratch database, so that changes in the target meanwhile do not affect it.
    """
    ddl = need(context.target.ddl, context.target, "be inspected")
    now = ddl.describe()
    return now if context.is_live else now.joined(ddl.describe_made(context.schema))


def expected_catalog(context: Context) -> Described:
    """Return the description that was recorded when the move began. Another version of the server may print definitions
    differently: then it is made again, and objects from before the move are described as they are now.
    """
    ddl = need(context.target.ddl, context.target, "be inspected")
    with context.transaction() as tx:
        noted = journal.expected(tx)
    if noted is None:
        return ddl.describe_made(context.schema)
    found = ddl.describe()
    if noted.server == found.server or context.is_live:
        return noted
    known = {t.key for t in noted.things}
    before = Described(found.server, tuple(t for t in found.things if t.key in known))
    return before.joined(ddl.describe_made(replace(context.schema, described=None)))
