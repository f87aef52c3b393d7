"""Suggestions for materialized views: a schema is tried without any rows."""

from __future__ import annotations

import re

from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.tokens import meaningful

_WITH_DATA = re.compile(r"\s+WITH\s+DATA\s*$", re.IGNORECASE)


def fails_without_rows(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct CREATE MATERIALIZED VIEW v AS SELECT 1 / count(*) FROM t, which fails while t is empty."""
    if not refusal.code.startswith("22") or [t.word for t in meaningful(statement)[:2]] != ["CREATE", "MATERIALIZED"]:
        return None
    return Suggestion(
        "the query of this materialized view fails while its tables are empty, as they are when the schema is tried",
        _WITH_DATA.sub("", statement.rstrip()) + " WITH NO DATA",
        "create it WITH NO DATA, and fill it when the move has ended: REFRESH MATERIALIZED VIEW",
    )
