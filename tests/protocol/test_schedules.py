"""The code of following, run in many orders of its steps on databases in memory: the feed, two appliers, an application
that writes, a controller that is killed. Reads are as old as they may be, or as new.

What is switched off here must be found out: so the orders are enough to notice it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from accounts import World, account, no_account, no_owner, note, owner
from run_stories import Run, Story
from stepping import Choices, Pool, schedules

from crossfade.journal import dirty
from crossfade.journal import feed as feeds
from crossfade.journal.dirty import Dirty
from crossfade.model.positions import Floor
from crossfade.pipeline import apply_keys, feeding
from crossfade.runtime.session import Session
from crossfade.stores.contract import ChangeBatch, TargetTransaction

STORIES = {
    "changed twice": Story([owner("a"), account(1, "e")], [account(1, "f"), account(1, "g")]),
    "deleted and inserted again": Story([owner("a"), account(1, "e")], [no_account(1), account(1, "f")]),
    "two exchange a value": Story([owner("a"), account(1, "e"), account(2, "f")], [account(1, "f"), account(2, "e")]),
    "a value is free": Story([owner("a"), account(1, "e"), account(2, "e")], [account(1, "f"), account(1, "g")]),
    "a parent comes and goes": Story([account(1, "e")], [owner("a"), no_owner("a")]),
    "a parent goes with who holds a value": Story(
        [owner("a"), owner("b"), account(1, "e"), account(2, "e", "b")], [no_owner("a"), account(2, "g", "b")]
    ),
}
LONGER = {
    "three writes": Story(
        [owner("a"), account(1, "e"), account(2, "f")], [account(1, "f"), account(2, "e"), account(1, "g")]
    ),
    "a circle of values": Story(
        [owner("a"), account(1, "e"), account(2, "f"), account(3, "g")],
        [account(1, "f"), account(2, "g"), account(3, "e")],
    ),
    "a new owner": Story(
        [owner("a"), owner("b"), account(1, "e"), account(2, "e", "b")],
        [account(1, "e", "b"), no_owner("a"), account(2, "f", "a")],
    ),
}
LOOKUPS = {
    "a note goes to another account": Story(
        [owner("a"), account(1, "e"), account(2, "f"), note(1, 1)], [note(1, 1, "u"), note(1, 2, "u")]
    ),
    "an account that waited has a note, which goes": Story(
        [owner("a"), account(1, "e"), account(2, "e"), note(1, 2)], [account(1, "f"), note(1, 1)]
    ),
}
WAYS: dict[str, dict[str, Any]] = {
    "stale": {"stale": True},
    "fresh": {"stale": False},
    "killed": {"killed": True, "appliers": 1},
}
SHORT = [
    pytest.param(story, way, id=f"{name}-{how}")
    for name, story in STORIES.items()
    for how, way in WAYS.items()
    if how != "killed" or name in ("changed twice", "two exchange a value")
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("accounts"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def noted_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("noted"), notes=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


def in_orders(world: World, pool: Pool, story: Story, *, delays: int, limit: int = 1_000_000) -> int:
    def run(choices: Choices) -> None:
        Run(world, pool, story, choices).go()

    return sum(1 for _ in schedules(run, delays=delays, limit=limit))


@pytest.mark.parametrize(("story", "way"), SHORT)
def test_in_all_orders(world: World, pool: Pool, story: Story, way: dict[str, Any]) -> None:
    """One delay anywhere."""
    assert in_orders(world, pool, replace(story, **way), delays=1) > 5


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("story", LOOKUPS.values(), ids=LOOKUPS)
def test_lookups_in_all_orders(noted_world: World, pool: Pool, story: Story, way: dict[str, Any]) -> None:
    assert in_orders(noted_world, pool, replace(story, **{**way, "appliers": 1}), delays=1) > 5


@pytest.mark.torture
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("story", [*STORIES.values(), *LONGER.values()], ids=[*STORIES, *LONGER])
def test_in_more_orders(world: World, pool: Pool, story: Story, way: dict[str, Any]) -> None:
    """Three delays anywhere."""
    in_orders(world, pool, replace(story, **way), delays=3, limit=1000)


# -- what is found out


def _claims_everything(tx: TargetTransaction, wanted: Sequence[Dirty], *, keep: bool = False) -> list[Dirty]:
    for one in wanted:
        now = [d for d in dirty.all_dirty(tx) if (d.entity, d.key) == (one.entity, one.key)]
        _claim(tx, now, keep=keep)
    return list(wanted)


def _in_two(s: Session, following: Any, batch: ChangeBatch) -> None:
    with s.transaction() as tx:
        feeds.advance(tx, batch.position, batch.floor)
    with s.transaction() as tx:
        for listed in batch.changed:
            dirty.put(tx, listed.entity, listed.keys)


_claim, _reading = dirty.claim, Session.reading


def _without_floor(s: Session, floor: Floor | None = None) -> Any:
    return _reading(s, Floor("0"))


OFF: dict[str, tuple[str, str, Any, Callable[..., Any]]] = {
    "keys are claimed whatever their number": ("changed twice", "stale", dirty, _claims_everything),
    "reads have no floor": ("changed twice", "stale", Session, _without_floor),
    "others are read with the first floor": (
        "two exchange a value",
        "stale",
        apply_keys,
        lambda s, tx: nullcontext(),
    ),
    "position and keys are two transactions": ("changed twice", "killed", feeding, _in_two),
    "no record is woken": ("a value is free", "fresh", apply_keys, lambda view, changes: set()),
}
NAMES = dict(zip(OFF, ("claim", "reading", "_at_newest_floor", "_note_batch", "woken"), strict=True))


@pytest.mark.parametrize("what", OFF)
def test_what_is_off_is_found(world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    story, way, where, instead = OFF[what]
    monkeypatch.setattr(where, NAMES[what], instead)
    with pytest.raises(AssertionError):
        in_orders(world, pool, replace(STORIES[story], **WAYS[way]), delays=2)


def test_a_cache_of_lookups_is_found(noted_world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a transaction has looked up is noted in it, and gone with it: the next one has to look it up again."""
    monkeypatch.setattr(Session, "forget_lookups", lambda s: None)
    with pytest.raises(AssertionError):
        in_orders(noted_world, pool, LOOKUPS["an account that waited has a note, which goes"], delays=2)
