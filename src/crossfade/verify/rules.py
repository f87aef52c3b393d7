"""Business rules: one .sql file each, a SELECT of the rows that break the rule, run read-only on the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossfade.errors import CrossfadeError, InvalidQuery, Unreachable
from crossfade.model.files import read_text
from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowReader
from crossfade.verify.show import NULL, cut, printable
from crossfade.verify.verdict import RuleVerdict


def read_rules(folder: Path) -> dict[str, str]:
    """Return the SQL text of every .sql file in the folder, by rule name; nothing if there is no folder."""
    return {f.stem: read_text(f) for f in sorted(folder.glob("*.sql"))}


def run_rule(name: str, sql: str, target: RowReader, *, limit: int, tables: Sequence[TargetTable] = ()) -> RuleVerdict:
    """Run a rule and return the rows that break it. If the target refuses the rule, the verdict has an error."""
    sentence = sentence_of(sql) or name.replace("_", " ")
    try:
        columns, rows, total = target.query(sql.strip().rstrip(";"), limit=limit, tables=tables)
    except Unreachable:
        raise
    except CrossfadeError as error:
        return RuleVerdict(name, sentence, error=error.message)
    return RuleVerdict(name, sentence, tuple(columns), tuple(tuple(map(_shown, row)) for row in rows), total)


def require_valid(rules: Mapping[str, str], target: RowReader, *, tables: Sequence[TargetTable] = ()) -> None:
    """Raise InvalidQuery for a rule that can never run. Before the first chunk, when the tables are empty, it is quick.

    A rule that is refused for another reason may refer to what is created after the copy: verification runs it.
    """
    for name, sql in sorted(rules.items()):
        try:
            target.query(sql.strip().rstrip(";"), limit=0, tables=tables)
        except InvalidQuery as error:
            raise InvalidQuery(
                f"the rule {name} cannot run: {error.message}; nothing was copied", hint=f"correct {name}.sql"
            ) from error
        except Unreachable:
            raise
        except CrossfadeError:
            continue


def sentence_of(sql: str) -> str:
    """Return the comment at the start of a rule, which says what must hold."""
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
