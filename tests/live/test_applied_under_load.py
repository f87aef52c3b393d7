"""`apply` while the source is written to: the writers themselves say what they changed, in the place of a feed."""

from __future__ import annotations

import json
import queue
import time
from pathlib import Path
from typing import Any

import club
import pytest
from club_projects import write_project
from club_stores import Change, connect, read_target
from club_writers import Size, Writers, initial
from test_oracle import urls

from crossfade.journal import dirty
from crossfade.pipeline.apply_keys import apply_keys
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import Session, session
from outcome import counts_of, open_move

__all__ = ["urls"]

SIZE = Size(90)
AT_ONCE = 300


def key_text(key: Any, *, rows: bool) -> str:
    return json.dumps([str(key)]) if rows else str(BSON.key(to_bson({"_id": key})))


def put(s: Session, records: set[club.Who], *, rows: bool) -> None:
    with s.transaction() as tx:
        for entity in sorted({entity for entity, _ in records}):
            dirty.put(tx, entity, [key_text(key, rows=rows) for of, key in records if of == entity])


def apply_pending(s: Session) -> bool:
    """Apply some of what is in the journal; return whether there was any."""
    with s.transaction() as tx:
        todo = dirty.pending(tx, AT_ONCE)
    if todo:
        apply_keys(s, todo)
    return bool(todo)


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("urls", ["mongodb-postgresql"], indirect=True)
@pytest.mark.parametrize(("seed", "seconds"), [(1, 2), *((n, 20) for n in range(2, 12))])
def test_applied_under_load(urls: tuple[str, str], tmp_path: Path, seed: int, seconds: float) -> None:
    source_url, target_url = urls
    rows = source_url.startswith("postgresql")
    source, state = connect(source_url), initial(seed, SIZE, rows=rows)
    source.create(state)
    folder = write_project(tmp_path / "p", rows=rows, documents=not target_url.startswith("postgresql"))
    heard: queue.SimpleQueue[Change] = queue.SimpleQueue()
    with open_move(folder, source_url, target_url) as move:
        move.survey()
        move.copy()
        s = session(move.context.work)
        writers = Writers(source_url, seed, SIZE, state, rows=rows, rate=150)
        for writer in writers.all:
            writer.heard = heard.put
        every = {(entity, key) for entity, records in state.items() for key in records}
        writers.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            new = taken(heard)
            every |= new
            if new:
                put(s, new, rows=rows)
            if not apply_pending(s):
                time.sleep(0.01)
        writers.stop()
        # Who looks up what changed is not told by the writers: all are applied again.
        put(s, every | taken(heard), rows=rows)
        while apply_pending(s):
            pass
        counts = counts_of(move.status())
    there = source.read()
    source.close()
    assert writers.lost(there) == []
    assert club.faults(there, club.Found(*read_target(target_url), counts)) == []


def taken(heard: queue.SimpleQueue[Change]) -> set[club.Who]:
    found: set[club.Who] = set()
    while not heard.empty():
        for effect in heard.get().effects:
            found.add((effect.entity, effect.key))
            if effect.moved_from is not None:
                found.add((effect.entity, effect.moved_from))
    return found
