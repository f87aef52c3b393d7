"""Write a verdict for people and for machines: report.html, which needs no other files, and report.json.

The shape of report.json is documented in docs/reference/json.md; keys are added, never removed. Every value from a
database is escaped, and invisible characters (control characters, marks of writing direction) are spelt out.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from crossfade.journal.causes import PARENTS
from crossfade.model.counts import Counts
from crossfade.model.files import write_text
from crossfade.model.rejection import Rejection
from crossfade.schema.compare import as_json as difference_json
from crossfade.verify import conclusion
from crossfade.verify.facts import CauseShown, Facts
from crossfade.verify.not_carried import Changed
from crossfade.verify.show import printable
from crossfade.verify.verdict import EntityVerdict, RuleVerdict, SchemaVerdict, TableVerdict, Through, Verdict

VERSION = 1


NAMES = ("report.json", "report.html")


def set_aside(folder: Path) -> list[Path]:
    """Rename the reports of an earlier verification to report.old.json and report.old.html, so that they cannot be
    taken for those of the current one. Return the files that could not be renamed.
    """
    kept = []
    for file in (folder / name for name in NAMES):
        try:
            file.replace(file.with_stem(f"{file.stem}.old"))
        except FileNotFoundError:
            pass
        except OSError:
            kept.append(file)
    return kept


def forget_old(folder: Path) -> None:
    """Remove the files that `set_aside` renamed, once there are new reports."""
    for file in (folder / name for name in NAMES):
        with suppress(OSError):
            file.with_stem(f"{file.stem}.old").unlink()


def write_reports(verdict: Verdict, facts: Facts, folder: Path) -> tuple[Path, Path]:
    """Write report.json and report.html into the folder and return their paths. Raises OSError, Unreachable."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = (folder / name for name in NAMES)
    write_text(data, json.dumps(as_json(verdict, facts), ensure_ascii=False, indent=2) + "\n")
    write_text(page, as_html(verdict, facts))
    return data, page


def as_json(verdict: Verdict, facts: Facts) -> dict[str, Any]:
    """Return the report as JSON values, with keys in a fixed order."""
    return {
        "report": "verification",
        "version": VERSION,
        "move": facts.move,
        "source": facts.source,
        "target": facts.target,
        "at": facts.at.isoformat(timespec="seconds"),
        "verdict": verdict.outcome,
        "conclusion": conclusion.sentence(verdict),
        "apart": conclusion.apart(verdict),
        "through": None if verdict.through is None else _through(verdict, verdict.through),
        "equal": verdict.equal,
        "balanced": verdict.balanced,
        "agrees_with_journal": verdict.agrees,
        "rules_hold": verdict.rules_hold,
        "schema_holds": verdict.schema_holds,
        "not_read": [{"name": name, "reason": reason} for name, reason in verdict.not_read.items()],
        "rows": verdict.rows,
        "differences": verdict.differences,
        "entities": [_entity(e) for e in verdict.entities],
        "tables": [_table(t) for t in verdict.tables],
        "schema": None if verdict.schema is None else schema_json(verdict.schema),
        "rules": [_rule(r) for r in verdict.rules],
        "quarantine": [
            {"entity": entity, "reason": reason, "count": count}
            for entity, reasons in sorted(facts.quarantine.items())
            for reason, count in sorted(reasons.items())
        ],
        "quarantine_limit": facts.quarantine_limit,
        "causes": [_cause(one) for one in facts.causes],
        "left_behind": [asdict(left) for left in facts.left_behind],
        "changed_on_purpose": [_changed(one) for one in facts.changed],
        "mappings": [{"table": m.table, "file": m.file, "digest": m.digest} for m in facts.mappings],
        "mapping_digest": facts.digest,
        "limit": facts.limit,
        "versions": dict(sorted(facts.versions.items())),
        "seconds": round(verdict.seconds, 3),
        "durations": {name: round(seconds, 3) for name, seconds in verdict.durations.items()},
    }


def _through(verdict: Verdict, through: Through) -> dict[str, Any]:
    at = through.position.at
    return {
        "kind": through.kind,
        "at": None if at is None else at.isoformat(),
        "position": through.position.token,
        "generations": through.generations,
        "compared": through.compared,
        "moving": verdict.moving,
        "unsettled": through.unsettled,
        "rows_of_no_record": through.rows_of_no_record,
        "said": conclusion.through(verdict),
    }


def _entity(entity: EntityVerdict) -> dict[str, Any]:
    return {
        "entity": entity.entity,
        **_account(entity.found),
        "moving": entity.moving,
        "balanced": entity.balanced,
        "journal": _account(entity.recorded) if entity.recorded else None,
        "disagreements": list(entity.disagreements),
        "uncounted": entity.uncounted,
        "uncounted_records": [_uncounted(entity.entity, record) for record in entity.uncounted_records],
        "remainders": list(entity.remainders),
        "altered": entity.altered,
        "altered_records": [
            {
                "record": one.key,
                "account": one.account,
                "in_source": asdict(one.in_source),
                "in_quarantine": asdict(one.in_journal),
            }
            for one in entity.altered_records
        ],
    }


def _uncounted(entity: str, one: Rejection) -> dict[str, Any]:
    return {
        "entity": entity,
        "record": one.key,
        "reason": one.reason,
        "detail": one.said,
        "table": one.table,
        "column": one.column,
    }


def _cause(one: CauseShown) -> dict[str, Any]:
    return {**asdict(one), "examples": [asdict(example) for example in one.examples]}


def _changed(one: Changed) -> dict[str, Any]:
    return {**asdict(one), "by": list(one.by), "columns": list(one.columns)}


def _account(account: Counts) -> dict[str, int]:
    return {
        "source": account.source,
        "copied": account.copied,
        "quarantined": account.quarantined,
        "discarded": account.discarded,
    }


def _table(table: TableVerdict) -> dict[str, Any]:
    return {
        "table": table.table,
        "rows": table.rows,
        "left_out": table.left_out,
        "compared": list(table.compared),
        "not_compared": list(table.not_compared),
        "counts": dict(table.counts),
        "changed_rows": table.changed_rows,
        "changed_columns": dict(table.changed_columns),
        "differences": [asdict(difference) for difference in table.differences],
    }


def _rule(rule: RuleVerdict) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "sentence": rule.sentence,
        "holds": rule.holds,
        "total": rule.total,
        "columns": list(rule.columns),
        "rows": [list(row) for row in rule.rows],
        "error": rule.error,
    }


def schema_json(schema: SchemaVerdict) -> dict[str, Any]:
    """Return the result of comparing the target's catalog with the schema that was created."""
    return {
        "holds": schema.holds,
        "compared": schema.things,
        "faults": [difference_json(d) for d in schema.faults],
        "notes": [difference_json(d) for d in schema.notes],
        "unread": [{"table": table, "reason": reason} for table, reason in sorted(schema.unread.items())],
        "file_notes": list(schema.file_notes),
    }


def as_html(verdict: Verdict, facts: Facts) -> str:
    """Return the report as one page, without scripts and external resources."""
    values = {
        "verdict": verdict,
        "facts": facts,
        "conclusion": conclusion,
        "kinds": _KINDS,
        "parents": PARENTS,
        "css": Markup(_text("report.css")),
    }
    return str(_template().render(values)).lstrip()


@cache
def _template() -> Any:
    """Return the compiled template: compiling takes longer than verifying a small move."""
    from jinja2 import Environment, StrictUndefined, pass_context  # here, because every command loads this module

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.finalize = _seen
    environment.filters["n"] = lambda number: f"{number:,}"
    environment.filters["seconds"] = lambda seconds: f"{seconds:,.1f} s"
    environment.filters["percent"] = lambda share: f"{share:.2%}".replace("%", " %")
    environment.filters["share"] = lambda part, whole: f"{100 * part / whole:.3f}"
    environment.filters["known"] = lambda number: "" if number is None else f"{number:,}"
    environment.filters["wrap"] = _wrap
    environment.filters["record"] = pass_context(lambda context, key: context["facts"].readable(key))
    environment.globals["newline"] = Markup("\n")
    return environment.from_string(_text("report.html.j2"))


def _wrap(value: Any) -> Markup:
    """Return text whose long names can be broken only after an underscore or a dot."""
    return Markup(re.sub(r"(?<=\w[_.])(?=\w)", "<wbr>", _seen(value)))


def _text(name: str) -> str:
    return resources.files("crossfade.verify").joinpath(name).read_text(encoding="utf-8")


_KINDS = {
    "entity": "whole entity",
    "records": "by a condition",
    "quarantine": "from quarantine",
    "path": "path",
    "rows": "rows",
    "left_out": "left out",
    "not_copied": "no records",
}


def _seen(value: Any) -> Any:
    """Make a value printable. Every value on the page is passed through this function."""
    if isinstance(value, Markup):
        return value
    return escape(printable(str(value))) if value is not None else Markup("")
