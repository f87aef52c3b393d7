"""Connections that break in the middle: a clear error or none, nothing half written, and the same final result."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from crossfade.errors import Unreachable
from crossfade.model.events import ChunkCopied, ChunkVerified
from crossfade.runtime import again
from crossfade.testing import Proxy, through
from outcome import Outcome, Shop, finish, open_move, outcome
from scratch import PostgresScratch

NewTarget = Callable[[], PostgresScratch]
SIDES = ["mongodb", "postgresql"]


@pytest.mark.parametrize("side", SIDES)
def test_cut_anywhere(filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, side: str) -> None:
    cut_and_resume(filled_shop, undisturbed, new_target, side, cuts=1, workers=1)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("side", SIDES)
def test_cut_often(filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, side: str, workers: int) -> None:
    cut_and_resume(filled_shop, undisturbed, new_target, side, cuts=25, workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_copy_continues_after_every_connection_was_ended(
    filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, workers: int
) -> None:
    """As a restart of the primary does: the lock and every worker's transaction are gone."""
    target, events, ended = new_target(), list[object](), list[object]()

    def listen(event: object) -> None:
        events.append(event)
        if sum(isinstance(e, ChunkCopied) for e in events) == 2 and not ended:
            ended[:] = target.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'crossfade-%%'"
            )

    with open_move(filled_shop.folder, filled_shop.source, target.url, workers=workers) as move:
        found = outcome(target.url, move.copy(listen))
    assert len(ended) >= 2
    assert found == undisturbed


@pytest.mark.parametrize("side", SIDES)
def test_verify_continues_after_a_reset(filled_shop: Shop, new_target: NewTarget, side: str) -> None:
    target, events = new_target().url, list[object]()
    with open_move(filled_shop.folder, filled_shop.source, target) as move:
        move.copy()
    with proxied(filled_shop, target, side) as (proxy, source_url, target_url):

        def listen(event: object) -> None:
            events.append(event)
            if isinstance(event, ChunkVerified) and sum(isinstance(e, ChunkVerified) for e in events) == 2:
                proxy.cut()

        with open_move(filled_shop.folder, source_url, target_url) as move:
            verdict = move.verify(listen)
    assert verdict.differences == 0


@pytest.mark.parametrize("side", SIDES)
def test_a_server_that_does_not_come_back_is_unreachable(
    filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "PAUSES", (0.01, 0.01))
    target = new_target().url
    with proxied(filled_shop, target, side) as (proxy, source_url, target_url):

        def break_off(event: object) -> None:
            if type(event).__name__ == "ChunkCopied":
                proxy.stop()

        with (
            pytest.raises(Unreachable) as caught,
            open_move(filled_shop.folder, source_url + "&serverSelectionTimeoutMS=500", target_url) as move,
        ):
            move.copy(break_off)
        assert caught.value.exit_status == 3
        assert "again" in (caught.value.hint or "")
    finish(filled_shop, target, undisturbed)


def cut_and_resume(
    shop: Shop, undisturbed: Outcome, new_target: NewTarget, side: str, *, cuts: int, workers: int
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    target = new_target().url
    with proxied(shop, target, side) as (proxy, source_url, target_url):
        with open_move(shop.folder, source_url, target_url, workers=workers) as move:
            move.copy()
        carried = proxy.carried
    target = new_target().url
    for _ in range(cuts):
        with proxied(shop, target, side) as (proxy, source_url, target_url):
            proxy.cut_after(chance.randrange(carried))
            if not ended(shop, source_url, target_url, workers):
                continue  # the next one is cut as well
        finish(shop, target, undisturbed)
        target = new_target().url
    finish(shop, target, undisturbed)


def ended(shop: Shop, source: str, target: str, workers: int) -> bool:
    """Whether the copy came to its end in spite of the cut (the drivers ask again where that is safe)."""
    try:
        with open_move(shop.folder, source, target, workers=workers) as move:
            move.copy()
    except Unreachable:  # its exit status is 3
        return False
    return True


@contextmanager
def proxied(shop: Shop, target: str, side: str) -> Iterator[tuple[Proxy, str, str]]:
    """A proxy before one of the two servers, and the URLs of both."""
    place = urlsplit(shop.source if side == "mongodb" else target)
    with Proxy(place.hostname or "", place.port or 0) as proxy:
        source = through(shop.source, proxy) if side == "mongodb" else shop.source
        yield proxy, source, through(target, proxy) if side == "postgresql" else target
