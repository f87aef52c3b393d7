"""Classifies PostgreSQL's errors: a row was refused, the server is gone, or the server is in a state to be fixed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg

from crossfade.errors import CrossfadeError, Unreachable, may_pass
from crossfade.model.urls import hide_password, without_secrets
from crossfade.stores.contract import RowRejected
from crossfade.stores.postgresql.session import rights

_ROW_REASONS = {
    "23505": "unique",
    "23503": "foreign_key",
    "23514": "check",
    "23502": "not_null",
    "23P01": "exclusion",
    "22001": "too_long",
    "22003": "out_of_range",
    "22008": "out_of_range",
    "22009": "out_of_range",
    "54000": "too_long",  # usually an index row that is longer than a third of a page
    "54001": "bad_value",  # nested deeper than the server's stack allows
    "P0001": "raised",  # raised by a function of a CHECK, domain, generated column or trigger
}
NEVER_A_ROW = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "72", "F0", "XX001", "XX002")
"""Beginnings of SQLSTATEs that are about the server, whatever the statement was, unless a function raised them itself.
XX000 is not one: input functions of extensions report invalid values with it.
"""
RAISED = r"^PL/pgSQL[^\n]* RAISE(\n|$)"
"""The context of an error that a function raised itself, with any SQLSTATE."""
_NOTHING_WRITTEN = "the transaction in progress was rolled back"
_CHANGED = (
    "it was changed after `crossfade schema apply`: restore it as `crossfade schema show` prints it, "
    "or start over in an empty database"
)
_NO_RIGHT = "42501"
_STATES = {
    "53100": ("{}'s disk is full", "free some space on {}'s disk, then run the same command again"),
    "53200": ("{} is out of memory", "run again with fewer --workers or a smaller chunk size"),
    "53300": ("{} has no free connection", "run again with fewer --workers, or raise max_connections"),
    "25006": (
        "{} does not accept writes (read-only transaction)",
        "name the primary in the URL, not a standby",
    ),
    _NO_RIGHT: ("the role in the URL of {} lacks a privilege", "grant it to that role"),
    "22P03": ("{}'s column has another type than in the schema", "run `crossfade schema show` and compare"),
    "42P01": ("{} has no such table", _CHANGED),
    "42703": ("{} has no such column", _CHANGED),
    "40P01": ("{} aborted this transaction to resolve a deadlock", "run the same command again"),
    "40001": ("{} could not serialize this transaction", "run the same command again"),
    "57014": ("{} cancelled this statement", "check statement_timeout of the role and the database"),
    "55P03": (
        "{} could not acquire a lock in time",
        "run again when no other session holds a lock on the table",
    ),
}
_PASSING = {"53300", "25006", "40P01", "40001", "55P03"}  # a failover, the locks of others
_HIDDEN = (
    "row-level security hides rows of a table from the role",
    "as an administrator: ALTER ROLE ... BYPASSRLS; or, where the role owns the table: ALTER TABLE ... NO FORCE ROW"
    " LEVEL SECURITY",
)
_TUPLE = re.compile(r'^Index row references tuple (\(\d+,\d+\)) in relation ("(?:[^"]|"")+")')
_NOT_SHOWN = ("Failing row", "Index row references tuple")
_COLUMN = re.compile(r"COPY [^\n]*, line \d+, column ([^\n:]+)(?::|$)", re.MULTILINE)
_AT_ROW = re.compile(r"COPY [^\n]*, line \d+")


def translated(error: psycopg.Error, url: str, table: str, default: str = "public") -> Exception:
    """Convert the error into one of crossfade's. `default` is the schema of tables that name none."""
    code = error.sqlstate
    if code is None or is_lost(error):
        return lost(error, url)
    reason = row_reason(error)
    doubtful = reason is None and _while_at_a_row(error)
    if doubtful:
        reason = reason_of(error)
    elif code in _STATES:
        lacking = rights.denied(error.diag.message_primary or "", url, table) if code == _NO_RIGHT else None
        return lacking or _state(error, code, table)
    if reason is None:
        return CrossfadeError(
            f"the target reported an error: {message_of(error)}; {_NOTHING_WRITTEN} (SQLSTATE {code})"
        )
    diag = error.diag
    found = _COLUMN.search(diag.context or "")
    column = diag.column_name or (found[1].strip('"') if found else None)
    return RowRejected(
        reason,
        message_of(error),
        table=table or _called(diag.schema_name or "", diag.table_name or "", default),
        column=column,
        constraint=diag.constraint_name,
        doubtful=doubtful,
    )


def said_of_a_row(said: Sequence[str], table: str, default: str) -> RowRejected:
    """Convert what record_by_record.sql recorded of a row: SQLSTATE, message, detail, schema, table, column,
    constraint, context. `table` is the table being filled; "" if a deferred check refused the row.
    """
    code, primary, detail, schema, of, column, constraint, context = said
    reason = _row_reason(code, f"{primary} {detail}")
    raised = "function" in context.rpartition('SQL statement "INSERT INTO ')[0]
    return RowRejected(
        reason or ("raised" if raised else "bad_value"),
        _message(primary, detail),
        table=table or _called(schema, of, default),
        column=column or None,
        constraint=constraint or None,
        doubtful=reason is None,
    )


def _called(schema: str, table: str, default: str) -> str:
    """Return the name of a table as mapping files have it."""
    return f"{schema}.{table}" if table and schema not in ("", default) else table


def of_statement(error: psycopg.Error, url: str) -> Exception:
    """Return the error of a statement over existing rows. A row too large for an index is identified by its ctid."""
    ours = translated(error, url, "")
    at = _TUPLE.search(error.diag.message_detail or "")
    if at and isinstance(ours, RowRejected):
        ours.message += f" To see the row: SELECT * FROM {at[2]} WHERE ctid = '{at[1]}'"
    return ours


class NotKept(psycopg.DataError):
    """A column would store another value than it was given, for this reason."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


def row_reason(error: psycopg.Error) -> str | None:
    """Return the reason why a row was refused; None if the code alone does not say that it is about a row."""
    if isinstance(error, NotKept):
        return error.reason
    return _row_reason(error.sqlstate or "", f"{error.diag.message_primary} {error.diag.message_detail}")


def reason_of(error: psycopg.Error) -> str:
    """Return the reason why a row was refused, when the error is known to be about a row."""
    raised = "function" in (error.diag.context or "").partition("COPY ")[0]
    return row_reason(error) or ("raised" if raised else "bad_value")


def reason_of_code(code: str, text: str) -> str:
    return _row_reason(code, text) or "bad_value"


def _row_reason(code: str, text: str) -> str | None:
    if code in ("22021", "22P05"):
        return "nul_character" if "0x00" in text or "u0000" in text else "bad_value"
    return _ROW_REASONS.get(code) or ("bad_value" if code[:2] in ("22", "23") else None)


def is_state(error: psycopg.Error) -> bool:
    """Return whether the error is about the server or the connection, and not about the data."""
    return error.sqlstate is None or (error.sqlstate.startswith(NEVER_A_ROW) and not _was_raised(error))


def _was_raised(error: psycopg.Error) -> bool:
    return bool(re.match(RAISED, error.diag.context or ""))


def _while_at_a_row(error: psycopg.Error) -> bool:
    """Return whether COPY was processing a row. The code says little: a function in a CHECK may raise any."""
    return not is_state(error) and bool(_AT_ROW.search(error.diag.context or ""))


def is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection is gone. After an error of class 08 with the severity ERROR the session goes on: it
    is about a statement (`$1` without a value) or another server (a foreign table, dblink), and comes again each time.
    """
    code = error.sqlstate
    if code is None:
        return True
    if code.startswith("08"):
        return error.diag.severity_nonlocalized != "ERROR"
    return code.startswith("57P") and not _was_raised(error)


def lost(error: psycopg.Error, url: str) -> Unreachable:
    """Return the error of a lost connection."""
    return may_pass(
        Unreachable(
            f"the connection to {hide_password(url)} was lost ({first_line(error, url)}); {_NOTHING_WRITTEN}",
            hint="run the same command again when the server is back: it resumes where it stopped",
        )
    )


def refused_reading(state: str, said: str, url: str) -> CrossfadeError:
    """Return the error of a reading statement that failed: `state` is the SQLSTATE, `said` the driver's message. The
    database may be the source, so that it is not called the target.
    """
    if state == _NO_RIGHT and (lacking := rights.denied_reading(said, url)):
        return lacking
    fact, hint = _fact(state, said, "the database", ("PostgreSQL refused to run a query", None))
    return CrossfadeError(f"{fact} at {hide_password(url)}: {said}; nothing was changed", hint=hint)


def _fact(
    code: str, said: str, database: str, otherwise: tuple[str, str | None] = ("", None)
) -> tuple[str, str | None]:
    """Return a state of the server in words, and what to do about it. `database` is what it is called in them."""
    if code == _NO_RIGHT and "row-level security" in said:
        return _HIDDEN
    fact, hint = _STATES.get(code, otherwise)
    return fact.format(database), hint and hint.format(database)


def _state(error: psycopg.Error, code: str, table: str) -> CrossfadeError:
    fact, hint = _fact(code, message_of(error), "the target")
    where = f" (table {table})" if table else ""
    ours = CrossfadeError(f"{fact}: {message_of(error)}{where}; {_NOTHING_WRITTEN}", hint=hint)
    ours.passing = code in _PASSING
    return ours


def message_of(error: psycopg.Error) -> str:
    """Return the server's message. It may hold values of the row; escape it before showing it."""
    return _message(error.diag.message_primary or "", error.diag.message_detail or "") or str(error)


def _message(primary: str, detail: str) -> str:
    # "Failing row contains (...)" is the whole row, passwords included; the record itself is in quarantine
    # and the ctid of a row is of no use once the row is gone
    return " · ".join(part for part in (primary, "" if detail.startswith(_NOT_SHOWN) else detail) if part)


def first_line(error: Exception, url: str) -> str:
    text = without_secrets(str(error).strip(), url)
    return text.splitlines()[0] if text else type(error).__name__
