"""A query about locks that the server does not answer delays nobody."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from crossfade.errors import CrossfadeError
from crossfade.model.events import Blocker
from crossfade.move import watching
from crossfade.stores.postgresql import watch as postgresql_watch
from crossfade.stores.postgresql.session.connect import connect
from crossfade.stores.postgresql.watch import PostgresWatch
from scratch import PostgresScratch


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


def test_a_connection_that_is_made_too_late_is_closed(pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is closed while its watch connects."""
    watch, made = PostgresWatch(pg_db.url), list[psycopg.Connection[Any]]()

    def late(*given: Any, **more: Any) -> psycopg.Connection[Any]:
        made.append(connect(*given, **more))
        watch.close()
        return made[-1]

    monkeypatch.setattr(postgresql_watch, "connect", late)
    with pytest.raises(CrossfadeError, match="closed"):
        watch.blockers(0.0)
    assert [one.closed for one in made] == [True]
