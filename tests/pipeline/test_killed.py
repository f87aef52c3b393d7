"""kill -9 at any time, then the same command again, until it ends: the target does not show that it happened."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

import pytest

from outcome import Outcome, Shop, finish
from scratch import PostgresScratch
from victim import Victim, kill_somewhere, killed_in

NewTarget = Callable[[], PostgresScratch]

# Functions of the journal, in the order in which a copy comes to them, and the call that is its last.
MOMENTS = [
    ("begin_move", 1),
    ("note_step", 3),  # of the steps before the copy
    ("plan_chunks", 1),
    ("finish_chunk", 3),
    ("quarantine_all", 2),
    ("forget_all", 1),  # while it is decided who has a primary key
    ("shift_counts", 4),  # while records leave for a constraint
    ("note_step", 5),  # of the steps after the copy
]


def test_killed_at_every_step_of_the_journal(filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget) -> None:
    target = new_target().url
    for moment, times in MOMENTS:
        assert killed_in(moment, times, filled_shop.folder, filled_shop.source, target), (moment, times)
    finish(filled_shop, target, undisturbed)


@pytest.mark.parametrize(("workers", "kills"), [(1, 1), (2, 2)])
def test_killed_at_random(
    filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, workers: int, kills: int
) -> None:
    kill_and_resume(filled_shop, undisturbed, new_target, workers, kills)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("workers", "kills"), [(1, 20), (2, 25)])
def test_killed_often(filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, workers: int, kills: int) -> None:
    kill_and_resume(filled_shop, undisturbed, new_target, workers, kills)


def kill_and_resume(shop: Shop, undisturbed: Outcome, new_target: NewTarget, workers: int, kills: int) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    target = new_target().url
    while kills:
        with Victim(shop.folder, shop.source, target, workers, forked=kills % 4 < 2) as victim:
            if kill_somewhere(victim, chance, 40, whole_group=bool(kills % 2)):
                kills -= 1
                continue
            status, said = victim.wait()
            assert (status, said) == (0, ""), victim.events
        finish(shop, target, undisturbed)
        target = new_target().url
    finish(shop, target, undisturbed)
