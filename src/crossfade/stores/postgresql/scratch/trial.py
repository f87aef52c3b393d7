"""Runs a schema file statement by statement in a scratch database, correcting it, to find every fault in one run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from crossfade.errors import Fault
from crossfade.model.counts import counted
from crossfade.schema.created import PARTS, made_by
from crossfade.schema.leave_out import (
    lines_of,
    notes_of,
    only_drops,
    only_takes_away,
    why_left_out,
    without_concurrently,
)
from crossfade.schema.statements import Script, Statement, split
from crossfade.schema.suggestions import Knowledge, Refusal, Suggestion, absent, needed_later, suggest
from crossfade.schema.tokens import meaningful
from crossfade.stores.postgresql.session import rights

_OTHERS = (("ALTER", "SEQUENCE"), ("ALTER", "VIEW"), ("ALTER", "INDEX"))
_NOT_ATTACHED = re.compile(r" is not a (?:partition|parent) of ")
_NOT_THERE = ("42P01", "42703", "42704", "42883", "3F000")
_MOST_CORRECTIONS = 25
"""The most corrections of one statement: ends a series of corrections that do not help."""


@dataclass
class Trial:
    """One run of one file. `faults` are in the order of the file; `notes` say what was skipped."""

    connection: psycopg.Connection[Any]
    script: Script
    file: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _left_out: list[tuple[int, str]] = field(default_factory=list)
    _later: list[tuple[Statement, str]] = field(default_factory=list)
    _failed: dict[str, int] = field(default_factory=dict)
    _untried: dict[int, int] = field(default_factory=dict)
    _absent: dict[str, int] = field(default_factory=dict)
    _needing: dict[int, list[int]] = field(default_factory=dict)
    _schemas: set[str] = field(default_factory=set)
    """Schemas that existed before, because a role that may not create any has them from an administrator."""

    def run(self) -> None:
        """Run every statement once; then those that need a later one."""
        self._schemas = rights.schemas(self.connection)
        for number, statement in enumerate(self.script.statements):
            reason = why_left_out(statement)
            if reason is None:
                self._take(statement, number)
            elif reason:
                self._left_out.append((statement.line, reason))
        waiting, self._later = self._later, []
        for statement, sql in waiting:
            self._take(replace(statement, text=sql), len(self.script.statements))
        self.notes += notes_of(self._left_out)
        self.faults = [self._with_untried(i, self._with_needing(i, fault)) for i, fault in enumerate(self.faults)]
        self.faults.sort(key=lambda fault: (fault.line, fault.column))

    def _take(self, statement: Statement, number: int) -> None:
        if rights.drops_unfilled(self.connection, statement.text, self._schemas):
            self._left_out.append((statement.line, "DROP SCHEMA is skipped: there is nothing to drop yet"))
            return
        correction = _Correction(without_concurrently(statement.text))
        while correction.parts:
            refusal = self._refused(correction.parts[0])
            if refusal is None:
                correction.accept()
            elif refusal.message.startswith("unrecognized configuration parameter"):
                self._left_out.append((statement.line, f"this server has no such setting: {statement.text}"))
                return
            elif not correction.found and self._depends_on_failed(statement, refusal):
                return
            elif not correction.found and (what := self._nothing_there(statement, number, refusal)):
                self._left_out.append((statement.line, f"{what[0]} is skipped: there is nothing to {what[1]} yet"))
                return
            elif not correction.found and self._needs_absent(statement, number, refusal):
                return
            elif not correction.correct(refusal, self._knowledge(number)):
                break
        if correction.found:
            self._report(statement, correction)
        self._later += [(statement, sql) for sql in correction.later]

    def _refused(self, sql: str) -> Refusal | None:
        try:
            if rights.schema_of(sql) in self._schemas:
                return None
            with self.connection.transaction():
                self.connection.execute(sql.encode())
        except psycopg.Error as error:
            if error.sqlstate is None or self.connection.closed:
                raise
            if lacking := rights.lacking(error, self.connection, sql, [s.text for s in self.script.statements]):
                raise lacking from None  # not a fault of the file
            diag = error.diag
            position = int(diag.statement_position) - 1 if diag.statement_position else None
            return Refusal(error.sqlstate, diag.message_primary or str(error), position, diag.message_detail or "")
        return None

    def _report(self, statement: Statement, correction: _Correction) -> None:
        corrected = correction.corrected()
        if corrected is None and (made := made_by(statement.text)):
            self._failed.setdefault(made.name.lower(), len(self.faults))
        for refusal, found, part in correction.found:
            at_its_own = part == statement.text and refusal.position is not None
            line, column = statement.place(refusal.position or 0) if at_its_own else (statement.line, statement.column)
            said = refusal.message + (f" ({refusal.detail})" if refusal.detail else "")
            reason = f"{found.reason} (PostgreSQL: {said})"
            self.faults.append(Fault(self.file, line, column, reason, statement.text, corrected, found.hint))

    def _nothing_there(self, statement: Statement, number: int, refusal: Refusal) -> tuple[str, str] | None:
        """Return the action, and its verb, of a statement that only takes away what is not there. If the file creates
        it further down, the statements from there on say what becomes of it.
        """
        if refusal.code not in _NOT_THERE:
            return None
        if what := only_drops(statement):
            return what, "drop"
        found = only_takes_away(statement.text)
        if found is None or _NOT_ATTACHED.search(refusal.message):
            return found
        return found if needed_later(refusal, self._knowledge(number)) else None

    def _depends_on_failed(self, statement: Statement, refusal: Refusal) -> bool:
        """Return whether it failed only because an earlier statement did: then that fault is enough."""
        if refusal.code not in ("42P01", "42704", "42883", "42703"):
            return False
        named = {t.name.lower() for t in meaningful(statement.text)} & set(re.findall(r"\w+", refusal.message.lower()))
        cause = next((self._failed[name] for name in named if name in self._failed), None)
        if cause is None:
            return False
        self._untried[cause] = self._untried.get(cause, 0) + 1
        if made := made_by(statement.text):
            self._failed.setdefault(made.name.lower(), cause)
        return True

    def _needs_absent(self, statement: Statement, number: int, refusal: Refusal) -> bool:
        """Record one fault for something that the file never creates, however many statements need it."""
        needed = absent(refusal)
        if needed is None or (found := suggest(statement.text, refusal, self._knowledge(number))).sql or found.hint:
            return False
        what, name = needed
        if name not in self._absent:
            self._absent[name] = len(self.faults)
            if what == "table" and statement.words[:2] in _OTHERS:
                what = statement.words[1].lower()
            reason = f"the file does not create the {what} {name} (PostgreSQL: {refusal.message})"
            place = statement.place(refusal.position or 0)
            self.faults.append(Fault(self.file, *place, reason, statement.text))
        fault = self._absent[name]
        self._needing.setdefault(fault, []).append(statement.line)
        if made := made_by(statement.text):
            self._failed.setdefault(made.name.lower(), fault)
        return True

    def _with_needing(self, number: int, fault: Fault) -> Fault:
        lines = self._needing.get(number, [])
        if len(lines) < 2:
            return replace(fault, hint="create it, or remove the statement") if lines else fault
        return replace(fault, hint=f"create it, or remove the {len(lines)} statements that need it: {lines_of(lines)}")

    def _with_untried(self, number: int, fault: Fault) -> Fault:
        waiting = self._untried.get(number, 0)
        if not waiting:
            return fault
        many = counted(waiting, "statement further down needs", "statements further down need")
        said = f"{many} it and could not be tried"
        return replace(fault, hint=f"{fault.hint}; {said}" if fault.hint else said)

    def _knowledge(self, number: int) -> Knowledge:
        later = [(made_by(s.text), s.line) for s in self.script.statements[number + 1 :]]
        before = [(made_by(s.text), s.text) for s in self.script.statements[:number]]
        rows = self.connection.execute("SELECT name FROM pg_available_extensions").fetchall()
        types = self.connection.execute(
            "SELECT typname FROM pg_type WHERE typtype IN ('b', 'd', 'e', 'r') AND typname !~ '^_'"
        ).fetchall()
        return Knowledge(
            later={made.name: line for made, line in reversed(later) if made and made.kind not in PARTS},
            later_parts={made.name: line for made, line in reversed(later) if made and made.kind in PARTS},
            extensions=frozenset(name for (name,) in rows),
            types=frozenset(name for (name,) in types)
            | {"integer", "smallint", "bigint", "boolean", "serial", "bigserial", "timestamp"},
            tables={made.name: text for made, text in before if made and made.kind == "TABLE"},
        )


class _Correction:
    """A statement while it is corrected: what has run, what is to be tried, and the faults found."""

    def __init__(self, text: str) -> None:
        self.parts = [text]
        self.done: list[str] = []
        self.later: list[str] = []
        self.found: list[tuple[Refusal, Suggestion, str]] = []
        self.hopeless = False

    def accept(self) -> None:
        self.done.append(self.parts.pop(0))

    def correct(self, refusal: Refusal, known: Knowledge) -> bool:
        part = self.parts[0]
        corrected = suggest(part, refusal, known)
        self.found.append((refusal, corrected, part))
        if corrected.sql is None or corrected.sql == part or len(self.found) > _MOST_CORRECTIONS:
            self.hopeless = True
            return False
        self.parts[:1] = [s.text for s in split(corrected.sql).statements]
        self.later += corrected.later
        return True

    def corrected(self) -> str | None:
        """Return the text that replaces the statement: a comment if it is removed, None if there is no correction."""
        if self.hopeless:
            return None
        now = [f"{sql};" for sql in self.done] or ["-- (removed)"]
        after = ["-- further down, when everything exists:", *(f"{sql};" for sql in self.later)] if self.later else []
        return "\n\n".join([*now, *after])
