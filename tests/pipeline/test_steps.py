"""Each step of a schema runs once, with its record in the journal; a failed one is reported, and keeps the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfade.errors import CrossfadeError
from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.pipeline.steps import run_steps
from crossfade.stores.contract import Standing, Store, Transaction, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch
from target_sql import sql


@pytest.fixture(params=["postgresql", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'target.db'}"
    if request.param == "postgresql":
        database: PostgresScratch = request.getfixturevalue("pg_db")
        url = database.url
    with open_store(url) as store:
        journal.create(store)
        yield store


def transaction(target: Store) -> Transaction:
    return need(target.writer, target, "be written to").transaction


def test_a_step_that_was_done_is_not_done_again(target: Store) -> None:
    done: list[str] = []
    steps = [Step("table a", "CREATE TABLE a (x int)"), Step("table b", "CREATE TABLE b (x int)")]
    run_steps(target, transaction(target), steps[:1], lambda step: done.append(step.id))
    run_steps(target, transaction(target), steps, lambda step: done.append(step.id))
    assert done == ["table a", "table b"]


def test_a_failing_step_shows_its_statement_and_leaves_the_others(target: Store) -> None:
    done: list[str] = []
    steps = [Step("table a", "CREATE TABLE a (x int)"), Step("view v", "CREATE VIEW v AS SELECT * FROM"), Step("c", "")]
    with pytest.raises(CrossfadeError) as caught:
        run_steps(target, transaction(target), steps, lambda step: done.append(step.id))
    assert "the step 'view v' of the schema failed: " in caught.value.message
    assert "statement: CREATE VIEW v AS SELECT * FROM" in caught.value.message
    assert caught.value.hint
    assert done == ["table a"]
    with need(target.writer, target, "keep a journal").transaction() as tx:
        assert journal.steps_done(tx) == {"table a"}


def test_rows_that_prevent_it_are_reported(target: Store) -> None:
    steps = [Step("table a", "CREATE TABLE a (x int)"), Step("index i", "CREATE UNIQUE INDEX i ON a (x)")]
    run_steps(target, transaction(target), steps[:1], lambda step: None)
    with need(target.writer, target, "be written to").transaction() as tx:
        sql(tx, "INSERT INTO a VALUES (1), (1)")
    with pytest.raises(CrossfadeError, match="the step 'index i' of the schema failed") as caught:
        run_steps(target, transaction(target), steps, lambda step: None)
    assert caught.value.hint == "look at the rows, then run the same command again"


def test_what_cannot_be_filled_keeps_no_other_step_from_being_done(pg_db: PostgresScratch) -> None:
    steps = [
        Step("table a", "CREATE TABLE a (x int)"),
        Step("materialized view m", "CREATE MATERIALIZED VIEW m AS SELECT 1 / x FROM a WITH NO DATA"),
        Step("data of materialized view m", "REFRESH MATERIALIZED VIEW m"),
        Step("index i", "CREATE INDEX i ON a (x)"),
    ]
    done: list[str] = []
    left: list[tuple[str, str]] = []

    def note(step: Step, reason: str) -> None:
        left.append((step.id, reason))

    def run() -> None:
        run_steps(store, transaction(store), steps, lambda step: done.append(step.id), left=note)

    with open_store(pg_db.url) as store:
        journal.create(store)
        run_steps(store, transaction(store), steps[:1], lambda step: None)
        pg_db.execute("INSERT INTO a VALUES (0)")
        run()
        assert (done, left) == (["materialized view m", "index i"], [(steps[2].id, "division by zero")])
        with transaction(store)() as tx:
            assert journal.steps_begun(tx) == [steps[2]]
        assert need(store.steps, store, "be resumed").check(steps[2]) is Standing.HALF_DONE
        pg_db.execute("UPDATE a SET x = 1")
        run()
        assert done[2:] == [steps[2].id]
        with transaction(store)() as tx:
            assert journal.steps_begun(tx) == []
        assert need(store.steps, store, "be resumed").check(steps[2]) is Standing.DONE
