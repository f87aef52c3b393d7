"""Apply records that differ, and then those that this makes possible, until none is pending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty
from crossfade.journal.dirty import Dirty
from crossfade.model.events import Listener, RecordsApplied
from crossfade.model.keys import in_order
from crossfade.pipeline.apply_keys import Applied, apply_keys
from crossfade.pipeline.ownership import Who, ownership_of
from crossfade.pipeline.retry import parents_first
from crossfade.runtime.executor import Executor
from crossfade.runtime.records import KEYS_AT_ONCE, pieces
from crossfade.runtime.session import Work, session
from crossfade.runtime.tasks import run_tasks

_ROUNDS = 1000
"""The most rounds. Each admits more records, so that they come to an end."""


Watch = Callable[[Applied], None]


def unwatched(applied: Applied) -> None:
    pass


def repair(
    work: Work,
    listed: Mapping[str, Iterable[str]],
    executor: Executor,
    listen: Listener,
    *,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Applied:
    """Apply the records with these keys, by entity. With `dry_run` each piece is rolled back, and nothing follows.

    `watch` hears what was applied, piece by piece, and may raise: the rest stays in the journal.
    """
    if dry_run:
        claims = [Dirty(entity, key) for entity, keys in listed.items() for key in keys]
        return _apply_all(work, claims, executor, listen, dry_run=True)
    s = session(work)
    for entity, keys in sorted(listed.items()):
        for piece in pieces(sorted(set(keys))):
            with s.transaction() as tx:
                dirty.put(tx, entity, piece)
    return drain(work, executor, listen, watch)


def drain(work: Work, executor: Executor, listen: Listener, watch: Watch = unwatched) -> Applied:
    """Apply pending records until none is left."""
    done = Applied()
    for _ in range(_ROUNDS):
        with session(work).transaction() as tx:
            todo = [one for one in dirty.all_dirty(tx) if one.entity in work.program.feeds]
        if not todo:
            return done
        done += _apply_all(work, todo, executor, listen, dry_run=False, watch=watch)
    raise CrossfadeError(f"records are still waiting to be applied after {_ROUNDS:,} rounds: {todo[0]}")


def _apply_all(
    work: Work,
    claims: Sequence[Dirty],
    executor: Executor,
    listen: Listener,
    *,
    dry_run: bool,
    watch: Watch = unwatched,
) -> Applied:
    done = Applied()

    def take(found: tuple[int, Applied]) -> None:
        nonlocal done
        done += found[1]
        records, applied = found
        inserted, updated, deleted = (sum(counts[i] for counts in applied.rows.values()) for i in range(3))
        listen(RecordsApplied(records, inserted, updated, deleted))
        watch(applied)

    calls = ((work, piece, dry_run) for piece in in_pieces(work, claims))
    run_tasks(executor, apply_piece, calls, take, tell=listen)
    return done


def in_pieces(work: Work, claims: Sequence[Dirty]) -> Iterator[list[Dirty]]:
    """Yield the records in pieces, parents first. A few records are one piece, of whatever entities, so that they are
    decided together.
    """
    place = {entity: i for i, entity in enumerate(parents_first(work))}
    ordered = sorted(claims, key=lambda one: (place.get(one.entity, -1), in_order(one.key)))
    for at in range(0, len(ordered), KEYS_AT_ONCE):
        yield ordered[at : at + KEYS_AT_ONCE]


def apply_piece(work: Work, claims: Sequence[Dirty], dry_run: bool) -> tuple[int, Applied]:
    """Apply a piece in one transaction. Runs in a worker."""
    return len(claims), apply_keys(session(work), claims, dry_run=dry_run)


def owners_of(work: Work, table: str, keys: Any) -> list[Who | None]:
    """Return the records that own rows of a table (by primary key), or None for rows whose owner is unknown."""
    s, found = session(work), list[Who | None]()
    with s.transaction() as tx:
        for at in range(0, len(keys), KEYS_AT_ONCE):
            found += ownership_of(s).behind(tx, work.tables[table], keys.slice(at, KEYS_AT_ONCE))
    return found
