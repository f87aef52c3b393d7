"""A whole cutover is rehearsed on copies; the real databases are not touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from memory_cutover import Live, customer, proven

from crossfade.errors import Misused, Refused
from crossfade.journal import cutover as stages
from crossfade.move import rehearsing_copies
from crossfade.shift import plan as planning
from crossfade.stores.memory.database import forget
from in_memory import fill, held


@pytest.fixture
def copies(live: Live) -> Iterator[tuple[str, str]]:
    """A copy of the source, and an empty target, named as they have to be."""
    source, target = (f"{url}_rehearsal" for url in (live.source, live.target))
    fill(source, "customers", [customer(n) for n in range(20)])
    live.settings(f'[rehearse]\nsource = "{source}"\ntarget = "{target}"\n')
    with live.move() as move:
        move.copy()
    yield source, target
    for url in (source, target):
        forget(url)


def is_untouched(live: Live) -> bool:
    fences = [held(url).catalog.fence for url in (live.source, live.target)]
    return live.stage().stage == stages.SOURCE and not any(fence.closed or fence.token for fence in fences)


def test_rehearsed_on_copies(live: Live, copies: tuple[str, str]) -> None:
    with live.move() as move:
        found = move.rehearse_on_copies()
        assert found.green, found.cause
        assert (found.kind, move.status().rehearsal) == ("copies", found)
    assert {planning.FENCE, planning.OPEN} <= {step.name for step in found.steps}
    assert found.seconds
    assert is_untouched(live)
    for url in copies:
        assert not held(url).catalog.fence.closed
        assert held(url).feeds == {}
        assert not held(url).catalog.notes


def test_counts_for_the_gates(live: Live, copies: tuple[str, str]) -> None:
    live.settings("[cutover]\nrehearsals = 1\nrehearsed_days = 1\n")
    with proven(live), live.move() as move:
        assert not move.plan_cutover().ok
        assert move.rehearse_on_copies().green
        assert move.plan_cutover().ok


def test_commands_make_them_anew(live: Live, copies: tuple[str, str]) -> None:
    toml = live.folder / "crossfade.toml"
    toml.write_text(toml.read_text().replace("[rehearse]", '[rehearse]\nprepare = ["touch prepared", "false"]'))
    with live.move() as move:
        with pytest.raises(Refused, match="false"):
            move.rehearse_on_copies()
        assert move.status().rehearsal is None, "nothing was rehearsed"
    assert (live.folder / "prepared").exists()


def test_never_the_real_ones(live: Live, copies: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    toml = live.folder / "crossfade.toml"
    named = toml.read_text()
    for copy, real in zip(copies, (live.source, live.target), strict=True):
        toml.write_text(named.replace(f'"{copy}"', f'"{real}"'))
        with live.move() as move:
            with pytest.raises(Refused):
                move.rehearse_on_copies()
            with monkeypatch.context() as patch:
                patch.setattr(rehearsing_copies, "NAMED", "")  # as if a real one had such a name
                with pytest.raises(Refused):
                    move.rehearse_on_copies()
        assert is_untouched(live)


def test_a_copy_that_differs(live: Live, copies: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(move: object) -> None:
        raise Refused("it differs")

    with live.move() as move:
        with monkeypatch.context() as patch:
            patch.setattr(rehearsing_copies, "_require_equal", differ)
            found = move.rehearse_on_copies()
        assert (found.green, found.cause) == (False, "it differs")
        assert move.rehearse_on_copies().green, "the copies are as they were"


def test_without_copies(live: Live) -> None:
    with live.move() as move, pytest.raises(Misused):
        move.rehearse_on_copies()
