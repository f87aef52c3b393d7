"""Guards that take the application back after a cutover, rehearsals of the way back, daily proofs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from calling import call
from coming_back import System, rows_and_rows
from crossfade.errors import Busy, Refused
from crossfade.journal import cutover as stages
from crossfade.move import guarding
from crossfade.shift import plan as planning
from crossfade.stores.contract import need
from following import wait_for
from scratch import PostgresScratch, drop_database

GUARDS = "[guards]\nlag_s = 0.000001\nfor_s = 0.1\nrollback = true\nalert = 'touch alerted'\n"


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], tmp_path: Path) -> System:
    return rows_and_rows(new_target().url, new_target().url, tmp_path / "p")


def settings(system: System, text: str) -> None:
    with (system.folder / "crossfade.toml").open("a") as file:
        file.write(text)


def stage(system: System) -> str:
    with system.move() as move, move.context.transaction() as tx:
        return stages.find(tx).stage


def test_a_guard_takes_the_application_back(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was written since the cutover is lost, and the source takes writes again."""
    monkeypatch.setattr(guarding, "EVERY", 0.1)
    system.cut_over()
    assert system.put(system.new, 100, "new@x.org", {1: 7})
    with system.move() as move, pytest.raises(Refused, match="newest verification: there is none"):
        move.finish()  # the comparisons of the cutover say nothing of what was written since
    with system.following("back"), system.move() as move:
        assert move.verify_back().equal
        with pytest.raises(Busy) as beside:
            move.finish()
        assert beside.value.hint == "crossfade stop, which ends the run that follows the target"
        daily = call(
            "verify", "--daily", "--json", CROSSFADE_PROJECT=str(system.folder), CROSSFADE_WORKERS="1",
            SOURCE_URL=system.source, TARGET_URL=system.target,
        )  # fmt: skip
        assert (daily.status, daily.json["outcome"], daily.json["green_days"]) == (0, "green", 1)
    settings(system, GUARDS)
    with system.following("back") as run:
        wait_for(lambda: stage(system) == stages.SOURCE)
        wait_for(lambda: run.is_over)
    assert system.old.all() == system.told
    assert system.put(system.old, 101, "old@x.org", {})
    assert (system.folder / "alerted").exists()


def test_a_rehearsal_makes_and_removes_the_way_back(system: System) -> None:
    with system.following("forward"), system.move() as move:
        assert move.verify().equal
        found = move.rehearse().found
        assert found.green, found.cause
        assert planning.WAY_BACK in [step.name for step in found.steps]
        changes = need(move.target.changes, move.target, "follow changes")
        with closing(changes.feed(move.context.feed_names.back, ())) as feed:
            assert list(feed.created()) == []


@pytest.mark.torture
def test_copies_go_there_and_back(system: System, tmp_path: Path) -> None:
    """The copies are as they were at the end, and can be used again; the real ones are not touched."""
    with copy_of(system.source) as source, copy_of(system.target) as target:
        rows_and_rows(source, target, tmp_path / "copies")
        settings(system, f'[rehearse]\nsource = "{source}"\ntarget = "{target}"\n')
        with system.move() as move:
            move.copy()
            for _ in range(2):
                found = move.rehearse_on_copies()
                assert found.green, found.cause
                assert "rollback: open the source" in [step.name for step in found.steps]
        assert system.put(system.old, 1, "as before", {})
        assert system.put(system.new, 1, "as before", {})


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """An empty database beside this one, named for rehearsals."""
    name = f"{url.rpartition('/')[2]}_rehearsal"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"{url}_rehearsal"
        finally:
            drop_database(server, name)
