"""Each step of a schema runs once, with its record in the journal; a failed one is reported, and keeps the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfade.errors import CrossfadeError
from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.pipeline.steps import run_steps
from crossfade.stores.contract import Store, Transaction, need
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
