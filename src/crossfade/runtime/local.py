"""Executors on this machine: worker processes, and the process itself."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from concurrent.futures import BrokenExecutor, CancelledError, Future
from functools import partial
from typing import Any, Self

from crossfade.runtime.executor import Done, Executor, NotBegun, WorkerLost, perform
from crossfade.runtime.memory import keep_memory, own_process
from crossfade.runtime.processes import context, die_with_parent
from crossfade.runtime.sent_once import Call, SentOnce, pack, packed
from crossfade.runtime.stop import stop_at_the_end
from crossfade.runtime.worker import answer


def make_executor(workers: int, get_ready: Callable[[], object] | None = None) -> Executor:
    """Worker processes, or this process where one worker is enough.

    They start when there is something to do: at once where there is `get_ready`, which each of them calls then (what
    fails of it will fail again in the calls that need it).
    """
    if workers <= 1:
        return InProcess()
    executor = Processes(workers)
    if get_ready is None:
        return executor
    try:
        with stop_at_the_end():
            executor.get_ready(get_ready)
    except BaseException:
        executor.close()
        raise
    return executor


class _Pooled:
    """What both have in common: a pool of concurrent.futures."""

    seconds = 0.0

    def __init__(self, pool: futures.Executor, workers: int) -> None:
        self._pool, self.workers = pool, workers

    def stop(self) -> None:
        # not future.cancel(): a pool whose worker dies then stumbles over it, and never ends
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class InProcess(_Pooled):
    """Makes each call at once, in this process; in the threads of `pool`, where one is given. Nothing is pickled."""

    def __init__(self, pool: futures.Executor | None = None, workers: int = 1) -> None:
        super().__init__(pool or _AtOnce(), workers)

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        _tell(self._pool.submit(perform, calls), calls, done)


class Processes(_Pooled):
    """Worker processes, as many as `workers` says. A process that is killed takes the others with it."""

    def __init__(self, workers: int) -> None:
        super().__init__(futures.ProcessPoolExecutor(workers, mp_context=context(), initializer=_begin), workers)
        self._sent: Counter[str] = Counter()

    def get_ready(self, call: Callable[[], object]) -> None:
        for _ in range(self.workers):
            self._pool.submit(call)

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        packed_calls, named = pack(calls)
        values = values_for(named, self._sent, self.workers, whole=whole)
        _tell(self._pool.submit(answer, packed_calls, values), calls, done)


def values_for(named: Mapping[str, SentOnce], sent: Counter[str], workers: int, *, whole: bool) -> dict[str, bytes]:
    """The values to be sent along: to as many groups as there are workers, and to whoever misses them. `sent` counts
    them.
    """
    wanted = {token: value for token, value in named.items() if whole or sent[token] < workers}
    sent.update(wanted.keys())
    return {token: packed(value) for token, value in wanted.items()}


def _tell(future: Future[Any], calls: Sequence[Call], done: Callable[[Done], None]) -> None:
    future.add_done_callback(partial(_hear, calls, done))


def _hear(calls: Sequence[Call], done: Callable[[Done], None], future: Future[Any]) -> None:
    try:
        answers = future.result()
    except BrokenExecutor as broken:
        answers = WorkerLost(str(broken))
    except CancelledError:
        answers = [NotBegun() for _ in calls]
    except Exception as error:  # what cannot be pickled
        answers = error
    done(Done(calls, answers))


def _begin() -> None:
    die_with_parent()
    own_process()
    keep_memory()


class _AtOnce(futures.Executor):
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


def default_workers() -> int:
    return max(1, os.cpu_count() or 1)
