"""An executor on a Dask cluster (`distributed`): the extra `crossfade[dask]`.

Workers share only the two databases with each other and with the caller. Everything sent is sealed, so that logs and
dashboards do not show it (cluster.Sealed). If a worker is lost, the scheduler gives its calls to another one.
"""

from __future__ import annotations

import importlib.metadata
import math
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Self

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.model.events import Listener, WorkerLost, ignore
from crossfade.runtime.cluster import (
    PackedCalls,
    Sealed,
    answer_sealed,
    call_sealed,
    end_of,
    stop_calls,
    unfit,
    unlike,
    versions,
)
from crossfade.runtime.cluster import versions as versions_there
from crossfade.runtime.executor import Done
from crossfade.runtime.local import values_for
from crossfade.runtime.sent_once import Call, pack

CONNECT_SECONDS = 10.0
WITHOUT_WORKERS_SECONDS = 60.0
LOOK_SECONDS = 2.0
_RESUMES = "then run the same command again: it resumes where it stopped"


class DaskExecutor:
    """The cluster of a scheduler. Raises Unreachable if it does not answer or has no workers, Misused if a worker has
    other versions than this process. `most` limits the number of running groups. `listen` hears of lost workers, from
    a thread of this executor.
    """

    seconds = 2.0  # a task costs the scheduler and the network about 12 ms

    def __init__(self, scheduler: str, most: int | None = None, listen: Listener = ignore) -> None:
        self.scheduler, self._most, self._listen = scheduler, most, listen
        self._name = uuid.uuid4().hex
        self._numbers = count()
        self._sent: Counter[str] = Counter()
        self._waiting: dict[int, tuple[Any, Sequence[Call], Callable[[Done], None]]] = {}
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._lost: SimpleQueue[WorkerLost | None] = SimpleQueue()
        self._client = _connect(scheduler)
        try:
            self.workers = self._look()
            self._require_alike()
        except BaseException:
            self._client.close()
            raise
        self._client.subscribe_topic("all", self._hear_of_cluster)
        self._watcher = threading.Thread(target=self._watch, name="crossfade-cluster", daemon=True)
        self._watcher.start()

    def _look(self) -> int:
        """Return how many groups can run at once. Raises Unreachable if there are no workers at the start."""
        threads = self._threads()
        if not threads:
            try:
                self._client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            except TimeoutError:
                raise _no_workers(self.scheduler) from None
            threads = self._threads()
        return self._bounded(threads)

    def _threads(self) -> int:
        counts: dict[str, int] = self._client.nthreads()
        return sum(counts.values())

    def _bounded(self, threads: int) -> int:
        return max(1, min(threads, self._most or threads))

    def _require_alike(self) -> None:
        """Raise Misused unless every worker and the scheduler have the versions of this process."""
        installed = dict(self._client.run(importlib.metadata.version, "crossfade", on_error="return"))
        with suppress(Exception):  # a scheduler that cannot import it fails with the calls
            installed["the scheduler"] = None
            installed["the scheduler"] = self._client.run_on_scheduler(importlib.metadata.version, "crossfade")
        here = versions()
        wrong = {
            address: f"crossfade {found if isinstance(found, str) else 'none'} instead of {here['crossfade']}"
            for address, found in installed.items()
            if found != here["crossfade"]
        }
        if not wrong:
            found_versions = self._client.run(versions_there)
            wrong = {address: differs for address, v in found_versions.items() if (differs := unlike(here, v))}
        if wrong:
            raise unfit(wrong)

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Call the function on each worker. Return the results by address; a CrossfadeError is a result."""
        found = self._client.run(call_sealed, Sealed((function, arguments)))
        return {address: sealed.value for address, sealed in found.items()}

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        packed_calls, named = pack(calls)
        values = values_for(named, self._sent, self.workers, whole=whole)
        packed = Sealed(PackedCalls(packed_calls, values, self._name, versions()))
        number = next(self._numbers)
        key = f"crossfade_{getattr(calls[0][0], '__name__', 'call')}-{self._own}-{number}"
        future = self._client.submit(answer_sealed, packed, key=key, pure=False)
        with self._changed:
            self._waiting[number] = future, calls, done
        future.add_done_callback(partial(self._hear, number))

    @property
    def _own(self) -> str:
        """The common beginning of the keys of this executor's tasks."""
        return self._name[:12]

    def _hear_of_cluster(self, event: tuple[float, Any]) -> None:
        """Note a worker that the scheduler has removed. Called in the client's thread, which must not wait."""
        _, message = event
        if isinstance(message, Mapping) and message.get("action") == "remove-worker":
            again = [*message.get("processing-tasks", ()), *message.get("lost-computed-tasks", ())]
            groups = sum(f"-{self._own}-" in str(key) for key in again)
            self._lost.put(WorkerLost(str(message.get("worker")), groups))

    def _hear(self, number: int, future: Any) -> None:
        with self._changed:
            known = number in self._waiting
        if known:
            self._tell(number, self._answers(future))

    def _answers(self, future: Any) -> Any:
        from distributed import KilledWorker

        try:
            if future.status == "cancelled":
                return _lost(self.scheduler)
            answers = future.result().value
            return answers[0].error if _is_unfit(answers) else answers
        except KilledWorker as killed:
            return CrossfadeError(
                f"{killed.allowed_failures + 1} workers of the cluster ended one after the other during the same"
                " calls (often out of memory); nothing of these was written",
                hint=f"give each worker more memory, or reduce limits.chunk_mb before a new copy; {_RESUMES}",
            )
        except Exception as error:
            return error if isinstance(error, CrossfadeError) else _lost(self.scheduler, error)

    def _tell(self, number: int, answers: Any) -> None:
        with self._changed:
            found = self._waiting.pop(number, None)
            self._changed.notify_all()
        if found is not None:
            _, calls, done = found
            done(Done(calls, answers))

    def _watch(self) -> None:
        """Check regularly whether there are workers, and report lost ones. Without any worker, waiting calls would wait
        forever.
        """
        seen = time.monotonic()
        while not self._tell_of_lost():
            try:
                threads = self._threads()
            except Exception:  # the client fails all waiting calls itself
                threads = 0
            if threads:
                seen, self.workers = time.monotonic(), self._bounded(threads)
            elif time.monotonic() - seen > WITHOUT_WORKERS_SECONDS or self._client.status == "closed":
                for number in list(self._waiting):
                    self._tell(number, _no_workers(self.scheduler))

    def _tell_of_lost(self) -> bool:
        """Tell of workers that are lost within the next LOOK_SECONDS. Return whether the executor was closed."""
        end = time.monotonic() + LOOK_SECONDS
        while (left := end - time.monotonic()) > 0:
            with suppress(Empty):
                if (lost := self._lost.get(timeout=left)) is None:
                    return True
                self._listen(lost)
                return False  # fewer workers are at work from now on
        return False

    def stop(self, patience: float = math.inf) -> None:
        with suppress(Exception):  # if the scheduler is gone, no call is running that could be stopped
            self._client.run(stop_calls, self._name)
        with self._changed:
            while self._waiting and self._client.status == "running":
                self._changed.wait(LOOK_SECONDS)

    def close(self) -> None:
        if self._ended.is_set():
            return
        if self._waiting:
            self.stop()
        self._ended.set()
        self._lost.put(None)
        self._watcher.join(CONNECT_SECONDS)
        if self._client.status == "running":
            with suppress(Exception):
                self._client.run(end_of, list(self._sent))
        self._client.close(timeout=CONNECT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _is_unfit(answers: Any) -> bool:
    return isinstance(answers, list) and len(answers) == 1 and isinstance(getattr(answers[0], "error", None), Misused)


def _connect(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise Misused(
            "a Dask cluster needs the extra dask, which is not installed; nothing was done",
            hint='pip install "crossfade[dask]"',
        ) from None
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(
            f"cannot reach the Dask scheduler at {scheduler}: {str(error) or type(error).__name__}; nothing was done",
            hint="start one (dask scheduler), and use its address: tcp://HOST:8786",
        ) from None


def _no_workers(scheduler: str) -> Unreachable:
    return Unreachable(
        f"the Dask scheduler at {scheduler} has no workers",
        hint=f"start some (dask worker {scheduler} --nthreads 1), {_RESUMES}",
    )


def _lost(scheduler: str, error: Exception | None = None) -> Unreachable:
    why = f" ({type(error).__name__}: {error})" if error else ""
    return Unreachable(
        f"the connection to the Dask scheduler at {scheduler} was lost{why}; finished chunks are committed",
        hint=f"check that it is running, {_RESUMES}",
    )
