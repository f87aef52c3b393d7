"""Runs a story with somebody who verifies beside it; perhaps a wrong row is written, and perhaps the verification is
killed.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from accounts import ENTITIES, NAME, World, key
from run_stories import Run, Story
from stepping import Actor, Choices, Pool

from crossfade.model.events import ignore
from crossfade.move import target_ownership, verifying
from crossfade.pipeline.enough import StopAt
from crossfade.pipeline.follow import Follow
from crossfade.pipeline.threads import Following
from crossfade.runtime.local import InProcess
from crossfade.runtime.session import Work, session
from crossfade.verify import live, run
from crossfade.verify.chunk import Agreed
from crossfade.verify.followed_source import verify_again
from crossfade.verify.follower import Follower
from crossfade.verify.verdict import Verdict

WRONG = "wrong"


@dataclass(frozen=True)
class Proof:
    """`spoils`: this account gets a wrong row when it was applied. `killed`: the verification is, at some time."""

    story: Story
    spoils: int | None = None
    killed: bool = False


class ProofRun(Run):
    def __init__(self, world: World, pool: Pool, proof: Proof, choices: Choices) -> None:
        super().__init__(world, pool, proof.story, choices)
        world.about(partial(_about, world))  # before anybody is stepped
        self.proof, self.spoiled = proof, False
        self.verdicts: list[Verdict] = []

    def go(self) -> None:
        self._controller("", self.world.work)
        prover = self.stepper.add("the verification", self._verify)
        self.stepper.add("the application", self._application)
        if self.proof.killed:
            self.stepper.add("the kill", lambda: self._end(prover))
        try:
            self.stepper.run()
            self.world.release()
            self._require_proven()
        except BaseException as error:
            error.add_note("\n".join(self.stepper.trace))
            raise

    def _end(self, actor: Actor) -> None:
        self.stepper.reach("the beginning")
        self.stepper.kill(actor)

    def _require_proven(self) -> None:
        last = verify(self.world)
        if not self.spoiled:
            self.world.require_true()
            assert all(verdict.equal for verdict in [*self.verdicts, last]), [*self.verdicts, last]
            return
        wrong = {(d.entity, d.record) for table in last.tables for d in table.differences}
        assert wrong == {("accounts", key(self.proof.spoils))}, last

    def _follow(self, work: Work) -> None:
        follow = Follow(Following(work, NAME, ENTITIES, ignore), StopAt(1.0, 1000))
        before = self._row()
        while True:
            self.stepper.until(self.world.has_pending, "its wait for pending keys")
            follow.round()
            if self.proof.spoils is not None and not self.spoiled and self._row() != before:
                self.world.spoil(self.proof.spoils, WRONG)
                self.spoiled = True

    def _row(self) -> tuple[object, ...] | None:
        return next((row for row in self.world.rows("accounts") if row[0] == self.proof.spoils), None)

    def _verify(self) -> None:
        self.stepper.reach("the beginning")
        self.verdicts.append(verify(self.world, self._wait))

    def _wait(self, seconds: float) -> None:
        seen = self.world.target.catalog
        self.stepper.until(lambda: self.world.target.catalog is not seen, "its wait for the follower")


def verify(world: World, wait: Callable[[float], None] | None = None) -> Verdict:
    """Verify what has changed; `wait` until the follower has done something."""
    work = replace(world.work, token=f"{world.work.token}-proof")
    subject, agreed = world.about(partial(_about, world))
    follower = Follower(world.feed(work), frozenset(ENTITIES), session(work).transaction, ignore)
    if wait is not None:
        follower = replace(follower, pause=wait, patience=math.inf)
    with tempfile.TemporaryDirectory() as folder:
        fed = frozenset(subject.feeds)
        one = live.LiveRun(work, follower, agreed, fed, lambda records: InProcess(), ignore, Path(folder))
        return verify_again(one, subject)


def _about(world: World) -> tuple[run.Subject, Agreed]:
    subject = verifying.subject(world.context, target_ownership.status(world.context), ())
    subject = replace(subject, live=True)
    return subject, run.agreement(session(world.work), subject, ignore, names_all=True)
