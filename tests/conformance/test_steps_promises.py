"""What `Steps` promises, of every store that rows are written to."""

from __future__ import annotations

import pytest
from gaps import never, notimpl
from kinds import Target
from test_ddl_promises import SCRIPT

from crossfade.errors import CrossfadeError, Unsupported
from crossfade.model.target import Step
from crossfade.stores.contract import RowRejected, Standing, Steps, need


def steps_of(target: Target) -> Steps:
    return need(target.store.steps, target.store, "resume a step of a schema")


@never("mongodb", reason="every command may be repeated, so that none is looked for")
def test_each_step_is_there_once_it_was_started(target: Target) -> None:
    """A step of a schema is absent before it is started, and done afterwards."""
    steps, schema = steps_of(target), target.schema(SCRIPT)
    for step in (*schema.pre, *schema.post):
        assert steps.check(step) == Standing.ABSENT, step
        steps.start(step)
        assert steps.check(step) == Standing.DONE, step
    assert target.ddl.live_schema().tables == schema.tables


def test_each_step_is_undone(target: Target) -> None:
    """A step is undone, last first; undoing it twice is harmless."""
    steps, schema = steps_of(target), target.schema(SCRIPT)
    made = [*schema.pre, *schema.post]
    for step in made:
        steps.start(step)
    for step in reversed(made):
        steps.undo(step)
        steps.undo(step)
        if not step.id.startswith("validate "):
            assert steps.check(step) == Standing.ABSENT, step
    assert target.ddl.live_schema().tables == ()


@never("mongodb", reason="its schema is commands, not SQL")
def test_a_step_that_drops(target: Target) -> None:
    """A step that drops something is done when it is gone, and cannot be undone."""
    steps = steps_of(target)
    target.make("CREATE TABLE items (id integer NOT NULL PRIMARY KEY, n integer); CREATE INDEX i ON items (n);")
    away = Step("take away index i", "DROP INDEX i")
    assert steps.check(away) == Standing.ABSENT
    steps.start(away)
    assert steps.check(away) == Standing.DONE
    with pytest.raises(Unsupported):
        steps.undo(away)


@never("mongodb", reason="its schema is commands, not SQL")
def test_a_step_that_cannot_be(target: Target) -> None:
    """A step that the target refuses leaves nothing behind."""
    steps, step = steps_of(target), Step("index i", "CREATE INDEX i ON nothing (n)")
    with pytest.raises((CrossfadeError, RowRejected)):
        steps.start(step)
    assert steps.check(step) == Standing.ABSENT


@never("mongodb", reason="its schema is commands, not SQL")
def test_what_others_need_is_not_dropped(target: Target) -> None:
    """Undoing a step drops nothing that others depend on."""
    steps = steps_of(target)
    target.make("CREATE TABLE items (id integer NOT NULL PRIMARY KEY); "
                "CREATE TABLE others (id integer NOT NULL PRIMARY KEY REFERENCES items (id));")  # fmt: skip
    try:
        steps.undo(Step("table items", "CREATE TABLE items (id integer)"))
    except (CrossfadeError, RowRejected):
        assert target.ddl.live_schema().table("items") is not None
    assert target.ddl.live_schema().table("others") is not None


@never("mongodb", reason="its schema is commands, not SQL")
@never("sqlite", reason="a statement that is cut off is rolled back")
@notimpl("memory", reason="a statement that fails changes nothing")
def test_a_step_that_is_half_done_is_finished(target: Target) -> None:
    """A step that is half done is distinguished from one that is done, and is finished."""
    steps = steps_of(target)
    target.make("CREATE TABLE items (id integer NOT NULL PRIMARY KEY, n integer)")
    with target.writer.transaction() as tx:
        tx.run("INSERT INTO items VALUES (1, 7), (2, 7)")
    step = Step("index i", "CREATE UNIQUE INDEX CONCURRENTLY i ON items (n)")
    assert steps.is_alone(step)
    with pytest.raises(RowRejected):
        steps.start(step)
    assert steps.check(step) == Standing.HALF_DONE
    with target.writer.transaction() as tx:
        tx.run("DELETE FROM items WHERE id = 2")
    steps.finish(step)
    assert steps.check(step) == Standing.DONE
