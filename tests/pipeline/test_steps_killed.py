"""Killed between a step of the schema and its record in the journal: the next run continues as if nothing happened."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from run_steps_of import steps_in, without_transactional_ddl

from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.pipeline.steps import run_step, run_steps
from crossfade.stores.contract import RowRejected, Standing, Store, Transaction, need
from crossfade.stores.open import open_store
from in_memory import held
from scratch import PostgresScratch

SCRIPT = Path(__file__).with_name("run_steps_of.py")
SCHEMA = """
CREATE TABLE parents (id integer NOT NULL PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE children (id integer NOT NULL PRIMARY KEY, parent integer REFERENCES parents (id), code varchar(20));
CREATE UNIQUE INDEX children_code_idx ON children (code);
CREATE INDEX children_parent_idx ON children (parent);
"""


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    scratch: PostgresScratch = request.getfixturevalue("pg_db")
    return scratch.url


def transaction(target: Store) -> Transaction:
    return need(target.writer, target, "be written to").transaction


def done_in(target: Store) -> set[str]:
    with transaction(target)() as tx:
        return journal.steps_done(tx)


def finish(target: Store) -> list[str]:
    """Do what is left, and return the ids of the steps that were told as done now."""
    steps, told = steps_in(target, SCHEMA), list[str]()
    run_steps(target, transaction(target), steps, lambda step: told.append(step.id))
    assert done_in(target) == {step.id for step in steps}
    ddl = need(target.ddl, target, "be looked into")
    assert ddl.live_schema().tables == ddl.scratch_schema(SCHEMA, "schema.sql").tables
    return told


@pytest.mark.parametrize("together", ["yes", "no"])
def test_killed_between_every_step_and_its_note(url: str, tmp_path: Path, together: str) -> None:
    """Where both are one transaction the step is gone with its note; where not, it is found and only noted."""
    with open_store(url) as target:
        journal.create(target)
        steps = steps_in(target, SCHEMA)
    file = tmp_path / "steps"
    file.write_bytes(pickle.dumps(steps))
    for at in (1, 1, 2):  # the first step twice, then the second
        ended = subprocess.run([sys.executable, SCRIPT, url, file, str(at), together], check=False)
        assert ended.returncode == -9
    with open_store(url) as opened:
        target = opened if together == "yes" else without_transactional_ddl(opened)
        assert done_in(target) == {steps[0].id}
        assert finish(target) == [step.id for step in steps[1:]]


class Stopped(Exception):
    pass


@pytest.mark.parametrize("point", ["before step", "after step", "before commit", "after commit"])
@pytest.mark.parametrize("together", [True, False])
def test_stopped_anywhere_in_memory(new_memory: Callable[[], str], point: str, together: bool) -> None:
    memory = new_memory()
    with open_store(memory) as opened:
        target = opened if together else without_transactional_ddl(opened)
        journal.create(target)
        stops = 0
        for times in range(1, 50):
            left = times

            def stop() -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    raise Stopped

            held(memory).at(point, stop)
            try:
                run_steps(target, transaction(target), steps_in(target, SCHEMA), lambda step: None)
                break
            except Stopped:
                stops += 1
        held(memory).at(point, None)
        assert stops > 2
        finish(target)


def test_what_others_made_is_not_taken_for_a_step(url: str) -> None:
    """A step that was never begun is not checked: a table of the same name is somebody else's."""
    with open_store(url) as opened:
        target = without_transactional_ddl(opened)
        journal.create(target)
        with transaction(target)() as tx:
            tx.run("CREATE TABLE parents (other integer)")
        with pytest.raises(Exception, match="already exists"):
            run_steps(target, transaction(target), steps_in(target, SCHEMA), lambda step: None)


INDEX = Step("index children_code_idx", "CREATE UNIQUE INDEX CONCURRENTLY children_code_idx ON children (code)")


@pytest.fixture
def filled(pg_db: PostgresScratch) -> Iterator[tuple[Store, PostgresScratch]]:
    pg_db.execute("CREATE TABLE children (id integer PRIMARY KEY, code text)")
    pg_db.execute("INSERT INTO children VALUES (1, 'a'), (2, 'b')")
    with open_store(pg_db.url) as target:
        journal.create(target)
        yield target, pg_db


def standing(target: Store) -> Standing:
    return need(target.steps, target, "resume steps").check(INDEX)


def test_rows_that_prevent_a_concurrent_index(filled: tuple[Store, PostgresScratch]) -> None:
    """It leaves an INVALID index; when the rows are gone, the step is finished."""
    target, scratch = filled
    scratch.execute("INSERT INTO children VALUES (3, 'a')")
    with pytest.raises(RowRejected):
        run_step(target, transaction(target), INDEX)
    assert standing(target) == Standing.HALF_DONE
    assert done_in(target) == set()
    scratch.execute("DELETE FROM children WHERE id = 3")
    run_step(target, transaction(target), INDEX)
    assert standing(target) == Standing.DONE
    assert done_in(target) == {INDEX.id}


def test_a_concurrent_index_that_was_cut_off(filled: tuple[Store, PostgresScratch]) -> None:
    """The server ends the session while it waits for an old transaction: the index is INVALID, and is built again."""
    target, scratch = filled
    with psycopg.connect(scratch.url) as old:
        old.execute("UPDATE children SET code = 'c' WHERE id = 2")
        failed: list[BaseException] = []

        def build() -> None:
            try:
                run_step(target, transaction(target), INDEX)
            except Exception as error:
                failed.append(error)

        building = threading.Thread(target=build)
        building.start()
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        ended += " AND query LIKE 'CREATE UNIQUE INDEX CONC%%'"
        deadline = time.monotonic() + 120
        while standing(target) == Standing.ABSENT and time.monotonic() < deadline:
            time.sleep(0.02)
        assert scratch.execute(ended) == [(True,)]
        building.join()
        old.rollback()
    assert failed
    assert standing(target) == Standing.HALF_DONE
    run_step(target, transaction(target), INDEX)
    assert standing(target) == Standing.DONE
