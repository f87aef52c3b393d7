"""What PostgreSQL's errors mean for us: a row refused, a server gone, or a state of the server to be mended."""

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
    "54000": "too_long",  # most of all: an index row that is longer than a third of a page
    "54001": "bad_value",  # nested deeper than the server's stack
    "P0001": "raised",  # by a function: a CHECK's, a domain's, a generated column's, a trigger's
}
NEVER_A_ROW = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "72", "F0", "XX")
"""Classes of SQLSTATE that tell of the server, whatever it was doing."""
_NOTHING_WRITTEN = "nothing of this chunk was written"
_CHANGED = (
    "somebody has changed it since `crossfade schema apply`: put it back as `crossfade schema show` prints it, "
    "or start over in an empty database"
)
_NO_RIGHT = "42501"
_STATES = {
    "53100": ("the target's disk is full", "make room on the target's disk, then run the same command again"),
    "53200": ("the target is out of memory", "run again with fewer --workers or a smaller chunk size"),
    "53300": ("the target has no free connection", "run again with fewer --workers, or raise max_connections"),
    "25006": ("the target takes no writes (read-only transaction)", "point at the primary, not at a standby"),
    _NO_RIGHT: ("the role of the target URL lacks a right", "grant it to that role"),
    "22P03": ("the target's column has another type than the schema says", "run `crossfade schema show` and compare"),
    "42P01": ("the target has no such table", _CHANGED),
    "42703": ("the target has no such column", _CHANGED),
    "40P01": ("the target broke a deadlock by ending this transaction", "run the same command again"),
    "40001": ("the target could not serialize this transaction", "run the same command again"),
    "57014": ("the target cancelled this statement", "look for a statement_timeout on the role or database"),
    "55P03": ("the target could not get a lock in time", "run again when no other session holds a lock on the table"),
}
_PASSING = {"53300", "25006", "40P01", "40001", "55P03"}  # a failover, the locks of others
_HIDDEN = (
    "row level security keeps rows of a table from the role of the target URL",
    "as an administrator: ALTER ROLE ... BYPASSRLS; or, where the role owns the table: ALTER TABLE ... NO FORCE ROW"
    " LEVEL SECURITY",
)
_TUPLE = re.compile(r'^Index row references tuple (\(\d+,\d+\)) in relation ("(?:[^"]|"")+")')
_NOT_SHOWN = ("Failing row", "Index row references tuple")
_COLUMN = re.compile(r"COPY [^\n]*, line \d+, column ([^\n:]+)(?::|$)", re.MULTILINE)
_AT_ROW = re.compile(r"COPY [^\n]*, line \d+")


def translated(error: psycopg.Error, url: str, table: str, default: str = "public") -> Exception:
    """The error as one of ours. `default` is the schema of tables that name none."""
    code = error.sqlstate
    if code is None or code.startswith(("08", "57P")):
        return lost(error, url)
    reason = row_reason(error)
    doubtful = reason is None and _while_at_a_row(error)
    if doubtful:
        reason = reason_of(error)
    elif code in _STATES:
        lacking = rights.denied(error.diag.message_primary or "", url, table) if code == _NO_RIGHT else None
        return lacking or _state(error, code, table)
    if reason is None:
        return CrossfadeError(f"the target refused: {message_of(error)}; {_NOTHING_WRITTEN} (SQLSTATE {code})")
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
    """What record_by_record.sql noted of a row: SQLSTATE, message, detail, schema, table, column, constraint, context.
    `table` is the one that was filled; "" where a check that had been put off refused it.
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
    """As mapping files call a table."""
    return f"{schema}.{table}" if table and schema not in ("", default) else table


def of_statement(error: psycopg.Error, url: str) -> Exception:
    """The error of a statement over rows that are there. A row that no index has room for is named by its place."""
    ours = translated(error, url, "")
    at = _TUPLE.search(error.diag.message_detail or "")
    if at and isinstance(ours, RowRejected):
        ours.message += f" It is this one: SELECT * FROM {at[2]} WHERE ctid = '{at[1]}'"
    return ours


def row_reason(error: psycopg.Error) -> str | None:
    """The word for why a row was refused; None where the code alone does not say that it is about a row."""
    return _row_reason(error.sqlstate or "", f"{error.diag.message_primary} {error.diag.message_detail}")


def reason_of(error: psycopg.Error) -> str:
    """The word for why a row was refused, where it is known to be about one."""
    raised = "function" in (error.diag.context or "").partition("COPY ")[0]
    return row_reason(error) or ("raised" if raised else "bad_value")


def reason_of_code(code: str, text: str) -> str:
    return _row_reason(code, text) or "bad_value"


def _row_reason(code: str, text: str) -> str | None:
    if code in ("22021", "22P05"):
        return "nul_character" if "0x00" in text or "u0000" in text else "bad_value"
    return _ROW_REASONS.get(code) or ("bad_value" if code[:2] in ("22", "23") else None)


def is_state(error: psycopg.Error) -> bool:
    """Whether the error tells of the server or the connection, and not of what it was given."""
    return error.sqlstate is None or error.sqlstate.startswith(NEVER_A_ROW)


def _while_at_a_row(error: psycopg.Error) -> bool:
    """Whether COPY had a row at hand. The code says little: a function in a CHECK may raise any."""
    return not is_state(error) and bool(_AT_ROW.search(error.diag.context or ""))


def lost(error: psycopg.Error, url: str) -> Unreachable:
    """The connection broke on the way."""
    return may_pass(
        Unreachable(
            f"the connection to {hide_password(url)} broke ({first_line(error, url)}); {_NOTHING_WRITTEN}",
            hint="run the same command again when the server is back: it goes on where it stopped",
        )
    )


def refused_reading(state: str, said: str, url: str) -> CrossfadeError:
    """A statement that only reads was refused: `state` is the SQLSTATE, `said` what the driver said."""
    if state == _NO_RIGHT and (lacking := rights.denied(said, url)):
        return lacking
    fact, hint = _fact(state, said, ("PostgreSQL refused a reading statement", None))
    return CrossfadeError(f"{fact} at {hide_password(url)}: {said}; nothing was changed", hint=hint)


def _fact(code: str, said: str, otherwise: tuple[str, str | None] = ("", None)) -> tuple[str, str | None]:
    """A state in words, and what to do about it."""
    return _HIDDEN if code == _NO_RIGHT and "row-level security" in said else _STATES.get(code, otherwise)


def _state(error: psycopg.Error, code: str, table: str) -> CrossfadeError:
    fact, hint = _fact(code, message_of(error))
    where = f" (table {table})" if table else ""
    ours = CrossfadeError(f"{fact}: {message_of(error)}{where}; {_NOTHING_WRITTEN}", hint=hint)
    ours.passing = code in _PASSING
    return ours


def message_of(error: psycopg.Error) -> str:
    """The server's words. They may hold values of the row; whoever shows them escapes them."""
    return _message(error.diag.message_primary or "", error.diag.message_detail or "") or str(error)


def _message(primary: str, detail: str) -> str:
    # "Failing row contains (...)" is the whole row, passwords and all; the record itself lies in quarantine
    # and the place of a row on disk says nothing to anybody once the row is gone
    return " · ".join(part for part in (primary, "" if detail.startswith(_NOT_SHOWN) else detail) if part)


def first_line(error: Exception, url: str) -> str:
    text = without_secrets(str(error).strip(), url)
    return text.splitlines()[0] if text else type(error).__name__
