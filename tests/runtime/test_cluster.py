"""A move on a Dask cluster: a real scheduler, and workers in other folders that share only the databases."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

pytest.importorskip("distributed")

import shop
from cluster_processes import Cluster, cluster
from crossfade.cli.app import main
from crossfade.cli.notices import notice_of
from crossfade.errors import Misused, Unreachable
from crossfade.journal import refused
from crossfade.model.events import ChunkCopied, ClusterNotUsed, ClusterUsed, Event, RecordRetried, WorkerLost
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.runtime import dask
from crossfade.runtime.cluster import versions
from crossfade.runtime.dask import DaskExecutor
from crossfade.runtime.tasks import run_tasks
from outcome import Outcome, Shop, counts_of, differences, open_move, outcome
from scratch import MongoScratch, PostgresScratch

SECRET = "open-sesame"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def workers(running: Cluster) -> Cluster:
    """Two of them, whatever the tests before have killed."""
    running.fill(2)
    return running


def move_on(workers: Cluster, folder: Path, source: str, target: str) -> Move:
    project = load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target})
    return Move(project, scheduler=workers.url)


def with_secret(url: str) -> str:
    """The server trusts whoever comes from here: the password is only there to be kept from logs."""
    return url.replace("postgres@", f"postgres:{SECRET}@")


@pytest.fixture
def waiting_owners(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Path:
    """A project that has 600 of 601 owners in quarantine, for ages that the mapping understands by now."""
    mongo_db.db.owners.insert_many([{"_id": n, "age": str(n) if n < 600 else n} for n in range(601)])
    mapping = {"owners": "SELECT o._id AS id, as_int(o.age) AS age FROM owners AS o"}
    schema = "CREATE TABLE owners (id int PRIMARY KEY, age int NOT NULL);"
    folder = shop.small_project(tmp_path / "owners", schema, mapping, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"owners": (601, 1, 600, 0)}
    (folder / "mapping" / "owners.sql").write_text(mapping["owners"].replace("as_int", "parse_int"))
    return folder


def test_the_command_retries_on_a_cluster(
    workers: Cluster,
    waiting_owners: Path,
    mongo_db: MongoScratch,
    pg_db: PostgresScratch,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SOURCE_URL", mongo_db.url)
    monkeypatch.setenv("TARGET_URL", pg_db.url)
    status = main(["quarantine", "retry", "--project", str(waiting_owners), "--dask", workers.url, "--json"])
    said = capfd.readouterr()
    assert (status, json.loads(said.out)["counts"]) == (0, {"copied": 600})
    assert f"running on the Dask cluster at {workers.url}: up to 2 tasks at once" in said.err


def test_ctrl_c_lets_the_workers_finish_and_the_next_run_continues(
    workers: Cluster, filled_shop: Shop, undisturbed: Outcome, new_target: Callable[[], PostgresScratch]
) -> None:
    target = new_target().url

    def strike(event: object) -> None:
        if isinstance(event, ChunkCopied):
            os.kill(os.getpid(), signal.SIGINT)

    with move_on(workers, filled_shop.folder, filled_shop.source, target) as move:
        with pytest.raises(KeyboardInterrupt):
            move.copy(strike)
        assert move.status().stage == "copying"
        status = move.copy()
        assert differences(outcome(target, status), undisturbed) == []


def test_a_file_as_target_is_written_here(workers: Cluster, tmp_path: Path, filled_shop: Shop) -> None:
    mapping = {
        "t": "SELECT uuid_of(t._id) AS id, t.name AS name, t.slug AS slug, oid_text(t.parent) AS parent FROM teams AS t"
    }
    schema = "CREATE TABLE t (id text PRIMARY KEY, name text NOT NULL, slug text NOT NULL, parent text);"
    folder = shop.small_project(tmp_path / "p", schema, mapping)
    settings = (folder / "crossfade.toml").read_text()
    (folder / "crossfade.toml").write_text('entities = ["teams"]\n' + settings)
    events: list[object] = []
    with move_on(workers, folder, filled_shop.source, f"sqlite:///{tmp_path / 'there.db'}") as move:
        move.survey(events.append)
        assert [type(e) for e in events if isinstance(e, ClusterUsed | ClusterNotUsed)] == [ClusterUsed]
        assert move.copy(events.append).ok
        assert move.verify(events.append).equal
    assert [type(e) for e in events if isinstance(e, ClusterUsed | ClusterNotUsed)] == [
        ClusterUsed,
        ClusterNotUsed,
        ClusterNotUsed,
    ]


def dump_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder has a dump of teams in `dump/`."""
    shop.dump(folder / "dump", {"teams": shop.documents(40)["teams"]})
    monkeypatch.chdir(folder)
    return shop.small_project(folder / "p", "CREATE TABLE t (id uuid PRIMARY KEY);", {})


def test_a_dump_that_workers_see_by_its_name(workers: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with move_on(workers, dump_project(tmp_path, monkeypatch), "dump:dump", "sqlite:///nowhere") as move:
        shapes, _ = move.survey()
    assert [s.count for s in shapes] == [len(shop.documents(40)["teams"])]


def test_a_dump_that_workers_do_not_see_is_refused(
    workers: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = dump_project(tmp_path, monkeypatch)
    with move_on(workers, folder, "dump:/proc/self/cwd/dump", "sqlite:///nowhere") as move:
        with pytest.raises(Misused, match="is not on the worker tcp://") as caught:
            move.survey()
        assert not move.project.lock_file.exists()
    assert "shared folder" in (caught.value.hint or "")


def test_a_worker_with_another_engine_is_refused(workers: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "versions", lambda: {**versions(), "duckdb": "0.0.1"})
    with pytest.raises(Misused, match=r"tcp://127\.0\.0\.1:\d+ has duckdb .* instead of 0\.0\.1"):
        DaskExecutor(workers.url)


def test_a_worker_that_comes_later_is_asked_too(workers: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with DaskExecutor(workers.url) as executor:
        monkeypatch.setattr(dask, "versions", lambda: {**versions(), "crossfade-native": "0.0.1"})
        with pytest.raises(Misused, match="crossfade-native"):
            run_tasks(executor, abs, [(-1,)], print)


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    with pytest.raises(Unreachable, match="cannot reach the Dask scheduler at tcp://127") as caught:
        DaskExecutor("tcp://127.0.0.1:9")
    assert caught.value.exit_status == 3


def test_what_is_wrong_in_a_call_comes_back_with_its_place(workers: Cluster) -> None:
    with DaskExecutor(workers.url, most=1) as executor:
        assert executor.workers == 1
        with pytest.raises(ValueError, match="invalid literal") as caught:
            run_tasks(executor, int, [("x",)], print)
    assert "in a worker" in caught.value.__notes__[0]


# -- a worker is killed: the last ones here, as another takes its place for each test that follows


def test_a_whole_move_of_which_a_worker_is_killed(
    workers: Cluster, shop_copy: Shop, undisturbed: Outcome, new_target: Callable[[], PostgresScratch]
) -> None:
    """Everything is copied once, in spite of it, and quarantine holds what it would hold without a cluster."""
    target, victim = new_target().url, workers.workers[0]
    copied: list[ChunkCopied] = []
    lost: list[WorkerLost] = []
    # it may stand still with a lock that the others wait for, and with a transaction that other tests would see
    at_the_latest = Timer(10, workers.kill, [victim])

    def listen(event: Event) -> None:
        if isinstance(event, WorkerLost):
            lost.append(event)
        if isinstance(event, ChunkCopied):
            copied.append(event)
            if len(copied) == 1:
                workers.freeze(victim)  # so that there is work which it takes with it
                at_the_latest.start()
            if len(copied) == 4:
                workers.kill(victim)

    lock = (shop_copy.folder / "source.lock.json").read_bytes()
    with move_on(workers, shop_copy.folder, shop_copy.source, with_secret(target)) as move:
        move.survey()
        assert (shop_copy.folder / "source.lock.json").read_bytes() == lock
        status = move.copy(listen)
        assert differences(outcome(target, status), undisturbed) == []
        verdict = move.verify()
    at_the_latest.cancel()
    assert len(copied) == len({c.chunk for c in copied}) > 5
    assert [event.groups > 0 for event in lost] == [True]
    assert re.match(r"the worker tcp://[\d.:]+ of the Dask cluster is lost; its work \(", notice_of(lost[0]) or "")
    assert verdict.equal
    assert sum(t.rows for t in verdict.tables) == sum(status.rows.values())
    for name in ("scheduler", victim, *workers.workers):
        assert SECRET not in workers.log(name)
        assert "Compute Failed" not in workers.log(name)


def test_a_retry_of_which_a_worker_is_killed(
    workers: Cluster,
    waiting_owners: Path,
    mongo_db: MongoScratch,
    pg_db: PostgresScratch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refused, "PIECE_RECORDS", 10)
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if sum(isinstance(e, RecordRetried) for e in events) == 11:
            workers.kill(workers.workers[0])

    with move_on(workers, waiting_owners, mongo_db.url, pg_db.url) as move:
        results = move.retry(listen=listen)
        assert Counter(r.outcome for r in results) == {"copied": 600}
        assert sum(isinstance(e, RecordRetried) for e in events) == 600
        assert any(isinstance(e, WorkerLost) for e in events)
        assert counts_of(move.status()) == {"owners": (601, 601, 0, 0)}
        assert {e.state for e in move.quarantine()} == {"retried"}
        assert move.verify().equal
