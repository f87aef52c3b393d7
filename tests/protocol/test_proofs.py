"""Verification of what has changed, beside a feed, a follower and an application, in all orders of their steps: nothing
is said to differ that does not, and a wrong row is found by this verification or by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from accounts import World, account, no_account, owner
from run_proofs import Proof, ProofRun
from run_stories import Story
from stepping import Choices, Pool, schedules

from crossfade.journal import verified
from crossfade.model.positions import Floor
from crossfade.stores.contract import TargetTransaction
from crossfade.verify.follower import Follower

BEFORE = [owner("a"), account(1, "e"), account(2, "f")]
CHANGES = Story(BEFORE, [account(1, "g"), account(1, "h")], appliers=1)
SWAP = Story(BEFORE, [account(1, "f"), account(2, "e")], appliers=1)
GOES = Story(BEFORE, [no_account(1)], appliers=1)

PROOFS = {
    "changed twice": Proof(CHANGES),
    "two exchange a value": Proof(SWAP),
    "deleted": Proof(GOES),
    "a wrong row": Proof(replace(CHANGES, writes=[account(1, "g"), account(2, "i")]), spoils=1),
    "a wrong row, killed": Proof(replace(CHANGES, writes=[account(1, "g")]), spoils=1, killed=True),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("accounts"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


def in_orders(world: World, pool: Pool, proof: Proof, *, delays: int, limit: int = 1_000_000) -> int:
    def run(choices: Choices) -> None:
        ProofRun(world, pool, proof, choices).go()

    return sum(1 for _ in schedules(run, delays=delays, limit=limit))


SHORT = [
    ("changed twice", True),
    ("changed twice", False),
    ("two exchange a value", True),
    ("a wrong row", True),
    ("a wrong row, killed", False),
]


@pytest.mark.parametrize(("proof", "stale"), [(PROOFS[name], stale) for name, stale in SHORT], ids=map(str, SHORT))
def test_proofs_in_all_orders(world: World, pool: Pool, proof: Proof, stale: bool) -> None:
    """One delay anywhere."""
    assert in_orders(world, pool, replace(proof, story=replace(proof.story, stale=stale)), delays=1) > 5


@pytest.mark.torture
@pytest.mark.parametrize("stale", [True, False], ids=["stale", "fresh"])
@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_proofs_in_more_orders(world: World, pool: Pool, proof: Proof, stale: bool) -> None:
    """Three delays anywhere."""
    in_orders(world, pool, replace(proof, story=replace(proof.story, stale=stale)), delays=3, limit=400)


def test_reads_without_a_floor_are_found(world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that were applied would be compared with what they were before."""

    def without(self: Follower, *asked: Any) -> Any:
        return Floor("3"), take(self, *asked)[1]

    take = Follower.take
    monkeypatch.setattr(Follower, "take", without)
    with pytest.raises(AssertionError):
        in_orders(world, pool, PROOFS["changed twice"], delays=1)


def test_marks_that_are_lost_are_found(world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a generation forgot what it takes, a killed verification would lose a wrong row."""

    def forget(tx: TargetTransaction, mark: str, limit: int = verified.AT_ONCE) -> int:
        taken = take(tx, mark, limit)
        verified.clear_all(tx, mark)
        return taken

    take = verified.take_applied
    monkeypatch.setattr(verified, "take_applied", forget)
    with pytest.raises(AssertionError):
        in_orders(world, pool, PROOFS["a wrong row"], delays=1)
