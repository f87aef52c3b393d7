"""Choose where a phase does its work: in worker processes, in this process, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.events import ClusterNotUsed, ClusterUsed, Listener
from crossfade.move.context import Context
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
    """Return the executor for a phase, with up to `workers` calls at once on this machine. `target` says whether the
    calls need the target.

    Raises Unreachable if the cluster's scheduler cannot be reached or has no workers, Misused if its workers cannot do
    the work.
    """
    if context.source.traits.in_process or (target and context.target.traits.in_process):
        return InProcess()
    scheduler = context.scheduler
    if not scheduler:
        return make_executor(workers, get_ready)
    if target and context.target.traits.is_file:
        listen(ClusterNotUsed(f"the target is a file of this machine ({context.target.url}), which has one writer"))
        return InProcess()
    from crossfade.runtime.dask import DaskExecutor

    executor = DaskExecutor(scheduler, context.most_workers, listen)
    try:
        _require_source(context, executor)
    except BaseException:
        executor.close()
        raise
    listen(ClusterUsed(scheduler, executor.workers))
    return executor


def _require_source(context: Context, executor: Any) -> None:
    """Raise Misused unless every worker of the cluster has the same dump under the same path."""
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
            " a server and copy from there, or do not use the cluster",
        )


def _parts_there(open_source: Callable[[], Store]) -> dict[str, str]:
    with open_source() as store:
        return _parts(store)


def _parts(source: Store) -> dict[str, str]:
    """Return a description of each entity that does not depend on when its file was written."""
    found = need(source.inspector, source, "be inspected").entities(sized=False)
    return {info.name: info.identity.partition("@")[0] for info in found}
