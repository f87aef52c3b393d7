"""An interruption is recognized in whatever error a library turns it into."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import pytest

from crossfade.transform.interrupts import interruptible


def struck() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def in_words_of_its_own() -> None:
    try:
        struck()
    except KeyboardInterrupt:
        raise RuntimeError("the frobnicator was unable to frobnicate") from None


def swallowed() -> None:
    with suppress(KeyboardInterrupt):
        struck()


@pytest.mark.parametrize("library", [struck, in_words_of_its_own, swallowed])
def test_an_interruption_stays_one(library: Callable[[], None]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible(), interruptible():
        library()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_stays_one() -> None:
    with pytest.raises(RuntimeError), interruptible():
        raise RuntimeError("KeyboardInterrupt: Query interrupted")  # as a value may say


def test_a_handler_that_replaces_itself_stays_replaced() -> None:
    """As that of a first Ctrl-C, which only asks to stop; the second one is to find what was there before it."""
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: FrameType | None) -> None:
        assert signal.getsignal(signal.SIGINT) is first
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, first)
    with interruptible():
        struck()
    assert signal.getsignal(signal.SIGINT) is before
