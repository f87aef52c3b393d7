"""Business rules: one .sql file each, a SELECT of the rows that break the rule, run on the target, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.stores.contract import RowReader
from crossfade.verify.show import NULL, cut, printable
from crossfade.verify.verdict import RuleVerdict


def read_rules(folder: Path) -> dict[str, str]:
    """Rule name -> SQL text, of every .sql file in the folder; none where there is no folder."""
    return {f.stem: f.read_text(encoding="utf-8") for f in sorted(folder.glob("*.sql"))}


def run_rule(name: str, sql: str, target: RowReader, *, limit: int) -> RuleVerdict:
    """The rows that break a rule. A rule that the target refuses is a verdict with an error, and the others go on."""
    sentence = sentence_of(sql) or name.replace("_", " ")
    try:
        columns, rows, total = target.query(sql.strip().rstrip(";"), limit=limit)
    except Unreachable:
        raise
    except CrossfadeError as error:
        return RuleVerdict(name, sentence, error=error.message)
    return RuleVerdict(name, sentence, tuple(columns), tuple(tuple(map(_shown, row)) for row in rows), total)


def sentence_of(sql: str) -> str:
    """The comment that a rule opens with: what must hold, in words."""
    lines = []
    for line in sql.strip().splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines).strip()


def _shown(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, (bytes, memoryview)):
        return cut("\\x" + bytes(value).hex())
    return cut(printable(str(value))) or '""'
