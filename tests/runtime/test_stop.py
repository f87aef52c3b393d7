"""Ctrl-C at any time: running work is finished, no process stays behind, and nothing waits forever."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import SpawnProcess
from types import FrameType

import pytest

from crossfade.errors import CrossfadeError
from crossfade.runtime import tasks
from crossfade.runtime.executor import Executor
from crossfade.runtime.local import InProcess, Processes, make_executor
from crossfade.runtime.stop import stop_at_the_end
from crossfade.runtime.tasks import run_tasks
from crossfade.transform.engine import Engine


class StrikeAt:
    """A trace function that sends SIGINT at the n-th line that the main thread runs of the code of futures."""

    def __init__(self, place: int) -> None:
        self.left = place

    def __call__(self, frame: FrameType, event: str, arg: object) -> StrikeAt | None:
        if "concurrent/futures" not in frame.f_code.co_filename.replace(os.sep, "/"):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return self


@pytest.mark.parametrize("place", range(1, 120))
def test_a_signal_anywhere_in_the_code_of_futures_ends_it(place: int) -> None:
    """Raised there, KeyboardInterrupt would leave a future's lock held, and who has its result would wait for ever."""
    ended: list[int] = []
    with InProcess(ThreadPoolExecutor(2), 2) as executor:
        before = sys.gettrace()
        sys.settrace(StrikeAt(place))
        try:
            with pytest.raises(KeyboardInterrupt):
                run_tasks(executor, abs, ((n,) for n in range(100_000)), ended.append, ahead=8)
        finally:
            sys.settrace(before)
    assert len(ended) < 100_000


def struck_while(event: threading.Event) -> str:
    """A task that ends well after the strike that it brings about."""
    os.kill(os.getpid(), signal.SIGINT)
    event.wait(0.3)
    return "finished"


@pytest.mark.parametrize("executor", [InProcess(), InProcess(ThreadPoolExecutor(1))], ids=["in process", "thread"])
def test_what_is_at_work_is_finished_and_nothing_is_begun(executor: Executor) -> None:
    finished: list[str] = []
    never = threading.Event()

    def task(number: int) -> None:
        struck_while(never)
        finished.append(f"task {number}")

    with pytest.raises(KeyboardInterrupt), executor:
        run_tasks(executor, task, ((n,) for n in range(100)), lambda _: None, ahead=1)
    assert finished == ["task 0"]


def strike_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the moment in which a worker has been started, and nobody knows of it yet."""
    start = SpawnProcess.start

    def struck(self: SpawnProcess) -> None:
        monkeypatch.undo()  # once
        start(self)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SpawnProcess, "start", struck)


def test_a_signal_while_a_worker_starts_waits_until_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that the executor never came to know of would keep everybody waiting in the end."""
    strike_at_start(monkeypatch)
    with pytest.raises(KeyboardInterrupt), make_executor(2) as executor:
        run_tasks(executor, os.getpid, [()] * 100, lambda _: None, ahead=1)
    assert not multiprocessing.active_children()


def test_a_signal_while_workers_are_made_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    strike_at_start(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        make_executor(2, os.getpid)
    assert not multiprocessing.active_children()


def test_a_signal_that_comes_with_another_error_is_what_is_raised() -> None:
    """Who sends SIGTERM to a whole group kills the workers with it: that is no want of memory."""

    def take(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise CrossfadeError("a worker process was killed")

    with pytest.raises(KeyboardInterrupt):
        run_tasks(InProcess(), int, [()], take)


def test_a_killed_worker_is_reported_as_that_and_nobody_waits() -> None:
    with pytest.raises(CrossfadeError, match="a worker process was killed"), make_executor(2) as executor:
        run_tasks(executor, os._exit, [(1,)] * 100, lambda _: None)
    assert not multiprocessing.active_children()


def test_the_second_signal_is_not_kept() -> None:
    told: list[str] = []

    def struck_twice() -> None:
        with stop_at_the_end(lambda: told.append("told")):
            os.kill(os.getpid(), signal.SIGINT)
            assert told == ["told"]
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("was kept")

    with pytest.raises(KeyboardInterrupt):
        struck_twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_raises_nothing_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: struck.append(number))
    try:
        with stop_at_the_end(lambda: pytest.fail("told")):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert struck == [signal.SIGINT] * 2


def test_signals_are_the_main_threads() -> None:
    results: list[int] = []
    thread = threading.Thread(target=run_tasks, args=(InProcess(), abs, [(-1,)], results.append))
    thread.start()
    thread.join()
    assert results == [1]


def never_ends() -> None:
    """A call that nothing can interrupt, like a function of DuckDB."""
    os.kill(os.getppid(), signal.SIGINT)
    threading.Event().wait()


@pytest.mark.timeout(60)
def test_a_call_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE", 0.5)
    with pytest.raises(KeyboardInterrupt), Processes(2) as executor:
        run_tasks(executor, never_ends, [()], lambda _: None)
    assert not multiprocessing.active_children()


def test_no_query_begins_in_this_process_after_it() -> None:
    """A batch that the engine refuses is tried record by record: each query may take long."""
    begun: list[int] = []

    def task(number: int) -> None:
        engine = Engine()
        for _ in range(3):
            begun.append(number)
            engine.run("SELECT 1", {})
            if len(begun) == 1:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), InProcess() as executor:
        run_tasks(executor, task, [(1,), (2,)], lambda _: None)
    assert begun == [1, 1]
    assert Engine().run("SELECT 1 AS one", {}).to_pydict() == {"one": [1]}
