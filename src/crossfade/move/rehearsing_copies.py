"""Rehearse the whole cutover, including fence, opening and way back, on a scratch pair of databases.

They are never the real ones: their names say that they are for rehearsals, and they are at other addresses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, Self

from crossfade.errors import CrossfadeError, Misused, Refused
from crossfade.journal import journal, rehearsed
from crossfade.journal.cutover import StepRecord
from crossfade.journal.rehearsed import Rehearsal, RehearsedStep
from crossfade.journal.status import FollowStatus
from crossfade.model.events import CutoverStepDone, Listener
from crossfade.move import cutting_back, feed_names, target_ownership, verifying_live, way_back
from crossfade.move.context import Context
from crossfade.move.cutting import CutOver
from crossfade.move.rolling_back import RolledBack
from crossfade.move.verifying_back import ProvenBack
from crossfade.runtime.commands import failed
from crossfade.stores.contract import Store, need
from crossfade.verify.verdict import Verdict

NAMED = "rehearsal"
"""What the name of a database for rehearsals contains."""
POLL = 0.2


class CopiedMove(Protocol):
    """What a rehearsal needs of the move of the copies (`Move`)."""

    @property
    def context(self) -> Context: ...
    @property
    def is_returning(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def start(self) -> object: ...
    def following(self) -> FollowStatus | None: ...
    def verify(self) -> Verdict: ...
    def cutover(self) -> CutOver: ...
    def verify_back(self) -> ProvenBack: ...
    def rollback(self) -> RolledBack: ...
    def stop(self) -> object: ...
    def reset(self) -> object: ...


OpenMove = Callable[[], CopiedMove]


def rehearse(context: Context, listen: Listener, open_move: OpenMove) -> Rehearsal:
    """Rehearse on the copies that `open_move` opens a move of, and note in the journal of the real one what was found.

    Raises Refused, and notes nothing, if the copies cannot be made, could be the real ones, or are used already.
    """
    target_ownership.own_move(context)
    run, cause = _Rehearsing(context, open_move, listen), "interrupted"
    run.prepare()
    with context.transaction() as tx:
        noted = rehearsed.begin(tx, "copies", 0, verifying_live.digest(context))
    try:
        run.all()
        cause = ""
    except CrossfadeError as error:
        cause = error.message
    finally:
        with context.transaction() as tx:
            rehearsed.end(tx, noted, run.steps, seconds=run.seconds, cause=cause or None)
    with context.transaction() as tx:
        return next(one for one in rehearsed.find_all(tx) if one.id == noted)


def require_copies(real: Context, copies: Context) -> None:
    """Raise Refused unless both databases are named for rehearsals and neither is a real one."""
    for role, copy in (("source", copies.source), ("target", copies.target)):
        name, places = _place(copy)
        if NAMED not in name:
            raise Refused(
                f"the database {name!r} ({copy.url}) is not used: the name of one for rehearsals contains {NAMED!r};"
                " nothing was changed",
                hint=f"rehearse.{role} in crossfade.toml",
            )
        for other in (real.source, real.target):
            its_name, its_places = _place(other)
            closes_all = copy.traits.closes_server and role == "source"
            if places & its_places and (closes_all or name == its_name):
                raise Refused(
                    f"{copy.url} is at the same address as {other.url}"
                    + (", and its fence closes the whole server" if closes_all else "")
                    + "; nothing was changed",
                    hint=f"another server for rehearse.{role}" if closes_all else f"rehearse.{role} in crossfade.toml",
                )


def _require_unused(copies: Context) -> None:
    target = copies.target
    ddl = need(target.ddl, target, "be inspected")
    there = ["the journal of a move"] if ddl.has_journal() else [] if copies.is_live else ddl.is_empty()
    if there:
        raise Refused(
            f"the copy {target.url} is not empty: {', '.join(there)}; nothing was changed",
            hint="create it again; rehearse.prepare in crossfade.toml can do that",
        )


def _place(store: Store) -> tuple[str, set[str]]:
    name, places = need(store.inspector, store, "be inspected").place()
    return name, set(places)


@dataclass
class _Rehearsing:
    """`steps` are those that have ended; `seconds` is how long neither side took writes in the cutover."""

    context: Context
    open_move: OpenMove
    listen: Listener
    steps: list[RehearsedStep] = field(default_factory=list)
    seconds: float | None = None

    def prepare(self) -> None:
        """Have the copies created, and check that they exist."""
        for command in self.context.project.settings.rehearse.prepare:
            with self._step(f"prepare: {command}"):
                self._made_by(command)
        with self.open_move() as move:
            require_copies(self.context, move.context)
            _require_unused(move.context)

    def all(self) -> None:
        with self.open_move() as move, self._followed(move):
            with self._step("verify"):
                _require_equal(move)
            done = move.cutover()
            self._add(done.steps)
            self.seconds = done.closed_seconds
            if move.is_returning:
                self._come_back(move)

    def _come_back(self, move: CopiedMove) -> None:
        """The way back is rehearsed where there is one."""
        following = _CopyFollower(self.open_move)
        try:
            with self._step("keep the source equal"):
                following.until_proven(move)
            with self._step("verify the way back"):
                _require_equal_back(move)
            self._add(move.rollback().steps, "rollback: ")
        finally:
            following.end(move)

    def _made_by(self, command: str) -> None:
        how = failed(command, self.context.project.root, seconds=None)
        if how is not None:
            raise Refused(f"{command}: {how}", hint="rehearse.prepare in crossfade.toml")

    @contextmanager
    def _followed(self, move: CopiedMove) -> Iterator[None]:
        """Follow the copy during the block. At its end, what was made at the copies is removed."""
        following = _CopyFollower(self.open_move)
        try:
            with self._step("copy and follow"):
                following.until_proven(move)
            yield
        finally:
            following.end(move)
            with self._step("clean up"):
                clean_up(move)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun, outcome = time.monotonic(), "interrupted"
        try:
            yield
            outcome = "done"
        except CrossfadeError as error:
            outcome = f"failed: {error.message}"
            raise
        finally:
            self._tell(RehearsedStep(name, time.monotonic() - begun, outcome))

    def _add(self, steps: Sequence[StepRecord], before: str = "") -> None:
        for step in steps:
            self.steps.append(RehearsedStep(before + step.name, step.seconds or 0.0, step.outcome or ""))

    def _tell(self, step: RehearsedStep) -> None:
        self.steps.append(step)
        self.listen(CutoverStepDone(step.name, step.seconds, step.outcome))


class _CopyFollower:
    """A run that follows the copies, in a thread."""

    def __init__(self, open_move: OpenMove) -> None:
        self._open_move, self._error = open_move, None
        self._thread = threading.Thread(target=self._run, name="crossfade-rehearsal", daemon=True)
        self._thread.start()

    _error: BaseException | None

    def _run(self) -> None:
        try:
            with self._open_move() as move:
                move.start()
        except BaseException as error:
            self._error = error

    def until_proven(self, move: CopiedMove) -> None:
        """Wait until it follows and has proven a lag. Raises what ended it."""
        while self._thread.is_alive():
            found = move.following() if move.context.has_journal else None
            if found is not None and found.state == "following" and found.lag_ms is not None:
                return
            time.sleep(POLL)
        self.require()
        raise Refused("the run that follows the copies has ended", hint="crossfade rehearse --on-copies")

    def require(self) -> None:
        """Raise what ended it, if an error did."""
        if self._error is not None:
            raise self._error

    def end(self, move: CopiedMove) -> None:
        """Let it end, if it has not ended by itself."""
        if self._thread.is_alive() and move.context.has_journal:
            with suppress(Misused):
                move.stop()
        self._thread.join()


def _require_equal(move: CopiedMove) -> None:
    verdict = move.verify()
    if not verdict.equal:
        raise Refused(f"the copies are not equal: {verdict.differences} differences", hint="crossfade verify")


def _require_equal_back(move: CopiedMove) -> None:
    found = move.verify_back()
    if not found.equal:
        raise Refused(f"the source is not kept equal: {found.differences} differences", hint="crossfade verify")


def clean_up(move: CopiedMove) -> None:
    """Remove what the move made at the copies, and open both. The rows stay in a target that was opened."""
    context = move.context
    if not context.has_journal:
        return
    if not cutting_back.is_cut_over(context):
        move.reset()
        return
    feed_names.remove(context.source, context.feed_names.forward)
    way_back.remove(context)
    with context.transaction() as tx:
        journal.drop(tx)
    for store in (context.source, context.target):
        if store.fence is not None:
            store.fence.remove()
