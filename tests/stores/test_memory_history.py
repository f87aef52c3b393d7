"""What tests of following ask of a source in memory: reads that lag behind, and writes that it forgets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crossfade.errors import Stale
from crossfade.model.positions import Floor
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import Changes, PositionLost, Reader, need
from crossfade.stores.open import open_store
from in_memory import fill, held


def texts(reader: Reader) -> list[str]:
    return [BSON.line(raw) for piece in reader.scan("things") for raw in BSON.split(piece)]


@pytest.fixture
def url(new_memory: Callable[[], str]) -> str:
    made = new_memory()
    fill(made, "things", [{"_id": 1, "n": 1}])
    return made


def changes(url: str) -> Changes:
    store = open_store(url)
    return need(store.changes, store, "name changes")


def test_reads_lag_behind_up_to_their_floor(url: str) -> None:
    database, reader = held(url), need(open_store(url).reader, open_store(url), "read")
    states = [texts(reader)]
    writes: list[Callable[[], object]] = [
        lambda: database.put("things", to_bson({"_id": 1, "n": 2})),
        lambda: database.put("things", to_bson({"_id": 2, "n": 1})),
        lambda: database.remove("things", str(BSON.key(to_bson({"_id": 1})))),
        lambda: database.create("things"),
    ]
    for write in writes:
        write()
        states.append(texts(reader))
    database.history.visible = 2
    assert texts(reader) == states[0]
    for seen, state in enumerate(states, 2):
        with changes(url).reading(Floor(str(seen))) as behind:
            assert texts(behind) == state
    with pytest.raises(Stale):
        changes(url).reading(Floor("99"))


def test_a_source_forgets(url: str) -> None:
    feed = changes(url).feed("f", ["things"])
    began = feed.start().position
    held(url).put("things", to_bson({"_id": 3}))
    at = next(iter(feed.changes(began))).position
    held(url).history.lose(held(url).history.now)
    assert next(iter(feed.changes(at))).changed == ()
    with pytest.raises(PositionLost):
        next(iter(feed.changes(began)))


def test_what_was_confirmed_is_not_named_again(url: str) -> None:
    feed = changes(url).feed("f", ["things"])
    began = feed.start().position
    held(url).put("things", to_bson({"_id": 3}))
    feed.durable(feed.position())
    assert feed.backlog() == 0
    with pytest.raises(PositionLost):
        next(iter(feed.changes(began)))
