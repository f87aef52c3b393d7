"""Where a phase does its work: worker processes, this process, or a cluster. The one place that chooses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from crossfade.errors import CrossfadeError, Misused
from crossfade.move.context import Context
from crossfade.move.events import Listener, OnCluster, WorksHere
from crossfade.runtime.executor import Executor
from crossfade.runtime.local import InProcess, make_executor
from crossfade.runtime.sent_once import Once
from crossfade.stores.contract import Store, need
from crossfade.stores.open import open_store


def executor_for(
    context: Context,
    workers: int,
    listen: Listener,
    *,
    target: bool = True,
    get_ready: Callable[[], None] | None = None,
) -> Executor:
    """What makes a phase's calls; as many as `workers` at once, on this machine. `target`: they need the target, too.

    Raises Unreachable where the cluster's scheduler is not there or has no workers, Misused where its workers cannot do
    the work.
    """
    scheduler = context.scheduler
    if not scheduler:
        return make_executor(workers, get_ready)
    if target and context.target.traits.is_file:
        listen(WorksHere(f"the target is a file of this machine ({context.target.url}), which has one writer"))
        return InProcess()
    from crossfade.runtime.dask import DaskExecutor

    executor = DaskExecutor(scheduler, context.most_workers)
    try:
        _require_source(context, executor)
    except BaseException:
        executor.close()
        raise
    listen(OnCluster(scheduler, executor.workers))
    return executor


def _require_source(context: Context, executor: Any) -> None:
    """A dump is files: the workers have to have the same, under the same name."""
    if not context.source.traits.is_file:
        return
    here = _parts(context.source)
    for address, found in executor.everywhere(_parts_there, Once(partial(open_store, context.source_url))).items():
        if found == here:
            continue
        why = found.message if isinstance(found, CrossfadeError) else "the worker has another dump"
        raise Misused(
            f"the dump {context.source.url} is not on the worker {address}: {why}; nothing was done",
            hint="provide it under the same path on every worker (for example in a shared folder), restore it into"
            " MongoDB and copy from there, or do not use the cluster",
        )


def _parts_there(open_source: Callable[[], Store]) -> dict[str, str]:
    with open_source() as store:
        return _parts(store)


def _parts(source: Store) -> dict[str, str]:
    """Entity -> what it is, without when its file was written."""
    found = need(source.inspector, source, "be looked into").entities(sized=False)
    return {info.name: info.identity.partition("@")[0] for info in found}
