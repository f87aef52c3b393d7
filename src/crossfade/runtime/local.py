"""Executors on this machine: worker processes, or the calling process."""

from __future__ import annotations

import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from concurrent.futures import BrokenExecutor, CancelledError, Future
from functools import partial
from typing import Any, Self

from crossfade.runtime.executor import Done, Executor, LostWorkers, NotBegun, perform
from crossfade.runtime.memory import keep_memory, own_process
from crossfade.runtime.processes import context, die_with_parent
from crossfade.runtime.sent_once import Call, SentOnce, pack, packed
from crossfade.runtime.stop import stop_at_the_end
from crossfade.runtime.worker import answer


def make_executor(workers: int, get_ready: Callable[[], object] | None = None) -> Executor:
    """Return an executor with worker processes, or one in this process if one worker is enough.

    Processes start with the first call, or at once if there is `get_ready`, which each of them then calls (an error in
    it is ignored; the calls will raise it again).
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
    """The common part of both: a pool of concurrent.futures."""

    seconds = 0.0

    def __init__(self, pool: futures.Executor, workers: int) -> None:
        self._pool, self.workers = pool, workers

    def stop(self, patience: float = math.inf) -> None:
        # not future.cancel(): a pool whose worker dies would then fail on that future and never end
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class InProcess(_Pooled):
    """Makes each call in this process: at once, or in the threads of `pool` if given. Nothing is pickled."""

    def __init__(self, pool: futures.Executor | None = None, workers: int = 1) -> None:
        super().__init__(pool or _AtOnce(), workers)

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        _tell(self._pool.submit(perform, calls), calls, done)


class Processes(_Pooled):
    """A pool of `workers` processes. If one is killed, all of them end."""

    _pool: futures.ProcessPoolExecutor

    def __init__(self, workers: int) -> None:
        super().__init__(futures.ProcessPoolExecutor(workers, mp_context=context(), initializer=_begin), workers)
        self._sent: Counter[str] = Counter()

    def stop(self, patience: float = math.inf) -> None:
        if patience == math.inf:
            super().stop()
            return
        timer = threading.Timer(patience, self._kill)
        timer.start()
        try:
            super().stop()
        finally:
            timer.cancel()

    def _kill(self) -> None:
        for process in list((self._pool._processes or {}).values()):  # kill_workers() since Python 3.14
            process.kill()

    def get_ready(self, call: Callable[[], object]) -> None:
        for _ in range(self.workers):
            self._pool.submit(call)

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        packed_calls, named = pack(calls)
        values = values_for(named, self._sent, self.workers, whole=whole)
        _tell(self._pool.submit(answer, packed_calls, values), calls, done)


def values_for(named: Mapping[str, SentOnce], sent: Counter[str], workers: int, *, whole: bool) -> dict[str, bytes]:
    """Return the values to send with a group: with as many groups as there are workers, and with `whole` groups. `sent`
    counts how often each was sent.
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
        answers = LostWorkers(str(broken))
    except CancelledError:
        answers = [NotBegun() for _ in calls]
    except Exception as error:  # a value that cannot be pickled
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
