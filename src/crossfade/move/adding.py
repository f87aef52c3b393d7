"""Columns and tables that were added to the schema since the move began: added to the target, or accepted there.

`copy --again` does this in the transaction that removes the rows, so that a new column may be NOT NULL. A live target
gets its columns from others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from crossfade.errors import Refused, Stale
from crossfade.journal import journal
from crossfade.journal.journal import MoveRecord
from crossfade.move.context import Context
from crossfade.move.expected import expected_catalog
from crossfade.schema import journaled, live
from crossfade.schema.additions import Additions, additions, made_by_others
from crossfade.stores.contract import TargetTransaction, need

NONE = Additions((), {}, ())


def added(context: Context, move: MoveRecord) -> Additions:
    """Return what the schema has in addition. Raises Stale if it has changed in any other way."""
    if context.is_live:
        return _added_live(context)
    if move.schema_digest == context.schema.digest:
        return NONE
    made = need(context.target.ddl, context.target, "be inspected").describe_made(context.schema)
    with context.transaction() as tx:
        done = journal.steps_done(tx)
    found = additions(context.schema, made, expected_catalog(context), done)
    if found.others:
        raise _changed(found.others)
    return found


def _added_live(context: Context) -> Additions:
    """Return what others have added to a live target. Before the copy has finished nothing can be told: constraints and
    indexes that were dropped for it are missing.
    """
    was = context.journaled_schema
    with context.transaction() as tx:
        noted, stage = journal.expected(tx), journal.find_stage(tx)
    if was is None or noted is None or stage != journal.FINISHED:
        return NONE
    ddl = need(context.target.ddl, context.target, "be inspected")
    now = context.own_tables(ddl.live_schema())
    schema, tables = live.grown(was, now)
    context.use_schema(live.as_it_was(schema, now))
    return made_by_others(ddl.describe(), noted, tables) if tables else NONE


def _changed(others: Iterable[str]) -> Stale:
    listed = "\n".join(f"  {sentence}" for sentence in others)
    return Stale(
        f"not everything that has changed in the target schema is an addition; nothing was written\n{listed}",
        hint="keep the new columns and tables and restore the rest; or start over: crossfade reset, then crossfade run",
    )


def require_chosen(found: Additions, chosen: Collection[str]) -> None:
    """Raise Refused if a table that is not copied again gets a column: its rows would not have the values."""
    left = sorted(found.steps.keys() - set(chosen))
    if left:
        raise Refused(
            f"the schema has new columns or checks in {', '.join(left)}, which would not be copied again; nothing was"
            " changed",
            hint="crossfade copy --again, with --table for each: " + " ".join(f"--table {name}" for name in left),
        )


def note(context: Context, tx: TargetTransaction, found: Additions) -> None:
    """Add it to the target, and record the schema as that of the move. New types come before the columns."""
    if not found.things:
        return
    done = journal.steps_done(tx)
    new = (step for step in context.schema.pre if step.id not in done and not context.is_live)
    for step in (*new, *(step for of in found.steps.values() for step in of)):
        tx.run(step.sql)
        journal.note_step(tx, step)
    expected, made = journal.expected(tx), context.schema_is_made_of
    text = None if made is None else journaled.as_text(context.schema, made)
    if expected is not None:
        journal.replace_schema(tx, text, found.added_to(expected))
