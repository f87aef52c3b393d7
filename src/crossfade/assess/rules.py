"""Check the rules before the copy, as far as their text tells: whether they run is up to the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot.errors import SqlglotError

from crossfade.mapping.language.null_operands import null_operands
from crossfade.model.dialects import dialect_of
from crossfade.model.findings import Finding


def rule_faults(rules: Mapping[str, str], dialect: str) -> Iterator[Finding]:
    """Yield a fault for each comparison with NULL: the rule finds no row, and would hold whatever the rows are."""
    for name, sql in sorted(rules.items()):
        try:
            found = sqlglot.parse(sql, read=dialect_of(dialect).sqlglot)
        except (SqlglotError, RecursionError):
            continue  # the target knows its language better: the copy asks it
        for statement in filter(None, found):
            for node in statement.walk():
                for wrong in null_operands(node):
                    yield Finding("fault", "rules", f"{name}.sql", wrong.reason, wrong.hint)
