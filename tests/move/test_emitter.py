"""The events of a run: numbered without gaps, in the order in which they are delivered."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import pytest

from crossfade.model.events import Event, PhaseEnded, PhaseStarted, StepsStarted, ignore
from crossfade.move.emitter import Emitter, phase


def test_several_threads_and_listeners_share_the_numbers() -> None:
    emitter, heard = Emitter("r"), list[Event]()
    listeners = [emitter.to(heard.append) for _ in range(4)]
    threads = [threading.Thread(target=lambda tell=tell: [tell(StepsStarted(n)) for n in range(500)])
               for tell in listeners]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.sequence for event in heard] == list(range(1, 2001))
    assert {event.run for event in heard} == {"r"}


def test_a_listener_may_emit() -> None:
    emitter, heard = Emitter("r"), list[int]()

    def listen(event: Event) -> None:
        heard.append(event.sequence)
        if event.sequence == 1:
            tell(StepsStarted(2))

    tell = emitter.to(listen)
    tell(StepsStarted(1))
    assert heard == [1, 2]


@pytest.mark.parametrize(
    ("error", "outcome"), [(None, "finished"), (ValueError, "failed"), (KeyboardInterrupt, "stopped")]
)
def test_a_phase_tells_how_it_ended(error: type[BaseException] | None, outcome: str) -> None:
    heard = list[Event]()
    with pytest.raises(error) if error else nullcontext(), phase(heard.append, "copy"):
        if error:
            raise error
    started, ended = heard
    assert started == PhaseStarted("copy")
    assert isinstance(ended, PhaseEnded)
    assert (ended.phase, ended.outcome) == ("copy", outcome)


def test_the_error_of_a_phase_is_raised_even_if_the_listener_fails_too() -> None:
    def listen(event: Event) -> None:
        if isinstance(event, PhaseEnded):
            raise OSError("no room for the log")

    with pytest.raises(ValueError, match="mine"), phase(listen, "copy"):
        raise ValueError("mine")
    with pytest.raises(OSError, match="no room"), phase(listen, "copy"):
        pass
    with phase(ignore, "copy"):
        pass
