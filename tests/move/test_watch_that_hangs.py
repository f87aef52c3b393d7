"""A query about locks that the server does not answer delays nobody."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from crossfade.model.events import Blocker
from crossfade.move import watching


class Hanging:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def blockers(self, seconds: float) -> list[Blocker]:
        self.thread = threading.current_thread()
        self.asked.set()
        assert self.go.wait(60)
        return [Blocker(1, "a stranger", "", "", "", "")]


def test_the_phase_ends_and_hears_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SECONDS", 0.01)
    monkeypatch.setattr(watching, "LAST", 0.01)
    watch, told = Hanging(), list[Any]()
    context = cast("Any", SimpleNamespace(target=SimpleNamespace(watch=watch)))
    with watching.watching(context, told.append):
        assert watch.asked.wait(60)
    assert watch.thread is not None
    assert watch.thread.is_alive()
    watch.go.set()
    watch.thread.join(60)
    assert told == []
