"""The copy and the follower wait while a command says that the source is busy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shop
from crossfade.errors import CrossfadeError, Misused, Unsupported
from crossfade.model.events import ChunkCopied, Throttled
from crossfade.move import Move
from following import Run, follows, state, stop, wait_for
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

COMMAND = 'command = "test ! -e busy"'


class Things:
    """MongoDB into PostgreSQL, throttled by the file `busy` in the project."""

    def __init__(self, folder: Path, mongo: MongoScratch, target: PostgresScratch) -> None:
        schema = "CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL);"
        mapping = {"things": "SELECT t._id AS id, t.n AS n FROM things AS t"}
        self.folder = shop.small_project(folder / "p", schema, mapping)
        self.mongo, self.target = mongo, target
        self.busy = self.folder / "busy"
        mongo.db.things.insert_many([{"_id": i, "n": i} for i in range(20)])
        with self.move() as move:
            move.survey()

    def throttled_by(self, text: str) -> None:
        with (self.folder / "crossfade.toml").open("a") as file:
            file.write(f"\n[throttle]\n{text}\n")

    def move(self) -> Move:
        return open_move(self.folder, self.mongo.url, self.target.url)

    def ns(self) -> list[Any]:
        return [n for (n,) in self.target.execute("SELECT n FROM things ORDER BY n")]


@pytest.fixture
def things(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> Things:
    return Things(tmp_path, mongo_db, pg_db)


@pytest.fixture
def waiting(things: Things) -> Iterator[Run]:
    """A run that was told to wait before its first chunk."""
    things.throttled_by(COMMAND + "\nevery_s = 0.2")
    things.busy.touch()
    run = Run(things.move)
    wait_for(lambda: run.is_over or run.saw(Throttled))
    yield run
    things.busy.unlink(missing_ok=True)
    if not run.is_over:
        stop(things.move)
    run.ended()


def throttled(things: Things) -> str | None:
    found = state(things.move)
    return None if found is None else found.throttled


def test_copy_and_follower_wait_and_go_on(things: Things, waiting: Run) -> None:
    wait_for(lambda: "exit status 1" in (throttled(things) or ""))
    assert not waiting.saw(ChunkCopied)
    things.busy.unlink()
    wait_for(lambda: follows(things.move) and throttled(things) is None)
    assert things.ns() == list(range(20))
    things.busy.touch()
    wait_for(lambda: throttled(things) is not None)
    things.mongo.db.things.update_one({"_id": 0}, {"$set": {"n": 77}})
    wait_for(lambda: (found := state(things.move)) is not None and found.moving == {"things": 1})
    assert 77 not in things.ns()
    things.busy.unlink()
    wait_for(lambda: 77 in things.ns())


def test_a_copy_that_waits_can_be_stopped(things: Things, waiting: Run) -> None:
    stop(things.move)
    waiting.ended()
    assert not waiting.saw(ChunkCopied)


@pytest.mark.parametrize(
    ("said", "error"),
    [('command = "no_such_program --now"', Misused), ('command = "sh -c \'x"', Misused)],
)
def test_what_cannot_be_asked_is_an_error_before_the_copy(
    things: Things, said: str, error: type[CrossfadeError]
) -> None:
    things.throttled_by(said)
    with pytest.raises(error), things.move() as move:
        move.copy()
    assert things.target.execute("SELECT to_regclass('things')") == [(None,)]


def test_a_source_without_replicas_to_ask_is_refused(things: Things, tmp_path: Path) -> None:
    things.throttled_by("lag_s = 1")
    dump = shop.dump(tmp_path / "dump", {"things": [{"_id": 1, "n": 1}]})
    with open_move(things.folder, dump, things.target.url) as move, pytest.raises(Unsupported):
        move.copy()


def test_a_lag_that_is_not_there_lets_it_copy(things: Things) -> None:
    things.throttled_by("lag_s = 60\nactive = 1000")
    with things.move() as move:
        assert move.copy().ok
