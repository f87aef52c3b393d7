"""What `Changes` and `ChangeFeed` promise, of every store whose changes can be followed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from feeds import ENTITIES, Fed
from gaps import never

from crossfade.errors import CrossfadeError
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.stores.contract import ChangeBatch, ChangeFeed, PositionLost, Reader

Opened = Callable[[], Fed]

WAITS = 120
"""Seconds for what has to happen at some time."""


@dataclass
class Named:
    """What a feed named from one position to another."""

    batches: list[ChangeBatch] = field(default_factory=list)

    @property
    def keys(self) -> Counter[tuple[str, str]]:
        return Counter((part.entity, key) for one in self.batches for part in one.changed for key in part.keys)

    @property
    def floor(self) -> Floor:
        return self.batches[-1].floor


def read_until(feed: ChangeFeed, since: Position, mark: Position) -> Named:
    named, end = Named(), time.monotonic() + WAITS
    for one in feed.changes(since):
        named.batches.append(one)
        if feed.reached(one.position, mark):
            return named
        assert time.monotonic() < end, "the feed does not reach the mark"
    raise AssertionError("the feed ended")


def expected(fed: Fed, *named: tuple[str, int]) -> set[tuple[str, str]]:
    return {(entity, fed.key(of)) for entity, of in named}


def there(fed: Fed, reader: Reader, keys: Sequence[str], entity: str = "things") -> dict[str, str]:
    """Key -> record as JSON, of those keys that a reader finds."""
    raws = (raw for piece in reader.fetch(entity, fed.codec.key_path, keys) for raw in fed.codec.split(piece))
    return {str(fed.codec.key(raw)): fed.codec.line(raw) for raw in raws}


def test_check_finds_nothing_wrong(fed: Opened) -> None:
    """`check` finds nothing wrong with a source that can be followed, and changes nothing."""
    one = fed()
    assert list(one.changes.check(ENTITIES)) == []
    one.write(("things", 1, "a"), ("things", 1, "b"), ("things", 1, None))


def test_every_write_after_the_start_is_named(fed: Opened) -> None:
    """Every write after the start is named: inserts, updates, deletes; of the entities asked for, and no others."""
    one = fed()
    one.write(*(("things", n, "before") for n in range(5)))
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 1, "changed"), ("others", 7, "a"))
        one.write(("things", 2, None))
        one.write(("things", 9, "new"))
        named = read_until(feed, began, feed.position())
    assert set(named.keys) == expected(one, ("things", 1), ("things", 2), ("things", 9))
    assert not any(batch.redefined for batch in named.batches)


def test_positions_have_the_time_of_the_source(fed: Opened) -> None:
    """A position has the time of the source, by its clock, or no time at all."""
    one = fed()
    with one.feed() as feed:
        positions = [feed.start().position, feed.position()]
        one.write(("things", 1, "a"))
        positions.append(feed.position())
        named = read_until(feed, positions[0], positions[-1])
    times = [one.at for one in (*positions, named.batches[-1].position) if one.at is not None]
    now = datetime.now(UTC)
    assert all(abs(at - now) < timedelta(minutes=5) for at in times)
    assert len(times) in (0, 4)


def test_several_entities(fed: Opened) -> None:
    """One feed names the changes of several entities, one list of keys for each in a batch."""
    one = fed()
    with one.feed(ENTITIES) as feed:
        began = feed.start().position
        one.write(("things", 1, "a"), ("others", 1, "a"), ("things", 2, "a"), ("others", 2, "a"))
        named = read_until(feed, began, feed.position())
    assert set(named.keys) == expected(one, ("things", 1), ("things", 2), ("others", 1), ("others", 2))
    for batch in named.batches:
        listed = [part.entity for part in batch.changed]
        assert len(listed) == len(set(listed))


def test_keys_are_coalesced(fed: Opened) -> None:
    """A batch names a key once, however often it changed, and batches are bounded."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        one.write(*(("things", n % 10, str(n)) for n in range(1000)))
        one.write(*(("things", n, "a") for n in range(3000)))
        named = read_until(feed, began, feed.position())
    assert set(named.keys) == expected(one, *(("things", n) for n in range(3000)))
    for batch in named.batches:
        for part in batch.changed:
            assert len(part.keys) == len(set(part.keys))
    assert sum(named.keys.values()) <= 4000


def test_deleted_and_inserted_again(fed: Opened) -> None:
    """A record that is deleted and inserted again is named, and so is one that existed neither before nor after."""
    one = fed()
    one.write(("things", 1, "a"))
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 1, None))
        one.write(("things", 1, "b"))
        one.write(("things", 2, "a"))
        one.write(("things", 2, None))
        named = read_until(feed, began, feed.position())
    assert set(named.keys) == expected(one, ("things", 1), ("things", 2))


def test_any_position_can_be_resumed_from(fed: Opened) -> None:
    """From the position of any batch, another process reads all that comes after it."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        for n in range(12):
            one.write(("things", n, "a"))
        mark = feed.position()
        batches = read_until(feed, began, mark).batches
    assert all(feed.reached(later.position, earlier.position) for earlier, later in pairwise(batches))
    for place, batch in enumerate(batches[:4]):
        later = {(part.entity, key) for b in batches[place + 1 :] for part in b.changed for key in part.keys}
        with one.feed() as again:
            assert later <= set(read_until(again, batch.position, mark).keys)


def test_reached_is_an_order(fed: Opened) -> None:
    """A position has reached itself and every earlier one, and no later one."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 1, "a"))
        later = feed.position()
        one.write(("things", 2, "a"))
        last = feed.position()
        for early, late in ((began, later), (later, last), (began, last)):
            assert feed.reached(late, early)
            assert not feed.reached(early, late)
        assert all(feed.reached(p, p) for p in (began, later, last))


def test_position_is_after_every_write(fed: Opened) -> None:
    """When a feed has reached `position`, it has named everything that was written before, by whichever connection."""
    one = fed()
    with one.feed() as feed, one.feed() as other:
        at = feed.start().position
        for n in range(20):
            one.write(("things", n, "a"))
            named = read_until(feed, at, other.position())
            assert set(named.keys) >= expected(one, ("things", n))
            at = named.batches[-1].position


def test_what_is_named_can_be_read(fed: Opened) -> None:
    """A read through `reading` has seen every change that was named, while writers write."""
    one, done = fed(), threading.Event()
    rounds = 60

    def write() -> None:
        for n in range(rounds):
            one.write(*(("things", 20 * n + i, "a") for i in range(20)))
        done.set()

    with ThreadPoolExecutor(1) as pool, one.feed() as feed:
        began = feed.start().position
        writing = pool.submit(write)
        found = 0
        for batch in _all_of(feed, began, done):
            keys = [key for part in batch.changed for key in part.keys]
            with one.changes.reading(batch.floor) as reader:
                assert there(one, reader, keys).keys() == set(keys)
            found += len(keys)
        writing.result()
    assert found == 20 * rounds


def _all_of(feed: ChangeFeed, since: Position, done: threading.Event) -> Iterator[ChangeBatch]:
    mark: Position | None = None
    for batch in feed.changes(since):
        yield batch
        if mark is None and done.is_set():
            mark = feed.position()
        if mark is not None and feed.reached(batch.position, mark):
            return


def test_the_copy_reads_what_was_there(fed: Opened) -> None:
    """A read through `reading` with the floor of the start has seen everything that the feed does not name."""
    one = fed()
    one.write(*(("things", n, "a") for n in range(10)))
    with one.feed() as feed:
        floor = feed.start().floor
        one.write(("things", 3, None))
    keys = [one.key(n) for n in range(10) if n != 3]
    with one.changes.reading(floor) as reader:
        assert there(one, reader, keys).keys() == set(keys)


def test_floors_grow(fed: Opened) -> None:
    """The floor of a later batch is enough for the keys of all earlier ones."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        for n in range(5):
            one.write(("things", n, "a"))
        named = read_until(feed, began, feed.position())
        keys = [key for _, key in named.keys]
        with one.changes.reading(named.floor) as reader:
            assert there(one, reader, keys).keys() == set(keys)


def test_reading_without_a_floor(fed: Opened) -> None:
    """`reading` without a floor reads what is there."""
    one = fed()
    one.write(("things", 1, "a"))
    with one.changes.reading(NO_FLOOR) as reader:
        assert len(there(one, reader, [one.key(1)])) == 1


def test_a_quiet_source_is_told(fed: Opened) -> None:
    """While nothing changes, the feed yields batches without keys, so that its reader does not block."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        start = time.monotonic()
        for batch in islice(feed.changes(began), 3):
            assert batch.changed == ()
            assert feed.reached(batch.position, began)
        assert time.monotonic() - start < 60


def test_a_heartbeat_is_a_mark(fed: Opened) -> None:
    """A heartbeat is reached after everything before it, and names no key."""
    one = fed()
    with one.feed() as feed, one.feed() as other:
        began = feed.start().position
        one.write(("things", 1, "a"))
        mark = other.heartbeat()
        named = read_until(feed, began, mark)
        assert set(named.keys) == expected(one, ("things", 1))
        after = named.batches[-1].position
        second = other.heartbeat()
        assert not feed.reached(after, second)
        assert set(read_until(feed, after, second).keys) == set()
    assert there(one, one.reader, [one.key(1)]).keys() == {one.key(1)}


def test_what_is_durable_may_go(fed: Opened) -> None:
    """After `durable` the feed continues from that position; its backlog is a number of bytes, or unknown."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        one.write(*(("things", n, "x" * 100) for n in range(500)))
        backlog = feed.backlog()
        assert backlog is None or backlog > 0
        at = read_until(feed, began, feed.position()).batches[-1].position
        feed.durable(at)
        one.write(("things", 1, "y"))
    with one.feed() as again:
        assert set(read_until(again, at, again.position()).keys) == expected(one, ("things", 1))


def test_an_entity_that_is_replaced(fed: Opened) -> None:
    """An entity that is dropped, truncated or created again is named as redefined; the feed continues."""
    one = fed()
    one.write(*(("things", n, "a") for n in range(5)))
    with one.feed() as feed:
        began = feed.start().position
        one.replace("things")
        one.write(("things", 77, "b"))
        named = read_until(feed, began, feed.position())
    assert {entity for batch in named.batches for entity in batch.redefined} == {"things"}
    assert set(named.keys) >= expected(one, ("things", 77))


def test_started_again(fed: Opened) -> None:
    """A second start takes a new position: what was written before it is not named."""
    one = fed()
    with one.feed() as feed:
        feed.start()
        one.write(("things", 1, "a"))
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 2, "a"))
        assert set(read_until(feed, began, feed.position()).keys) == expected(one, ("things", 2))


def test_finished_twice(fed: Opened) -> None:
    """`finish` removes what `start` created; twice, or without a start, is harmless. The application goes on."""
    one = fed()
    with one.feed() as feed:
        feed.finish()
        feed.start()
        feed.finish()
        feed.finish()
        one.write(("things", 1, "a"), ("things", 1, "b"), ("things", 1, None))
    with one.feed() as again:
        began = again.start().position
        one.write(("things", 3, "a"))
        assert set(read_until(again, began, again.position()).keys) == expected(one, ("things", 3))


@never("mongodb", reason="its oplog cannot be cut short within seconds; a test of its own has a token that is too old")
def test_a_lost_position_is_an_error(fed: Opened) -> None:
    """If the source does not have everything after a position, that is an error, never a silent gap."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 1, "a"))
    one.application.lose(one.name)
    with one.feed() as feed, pytest.raises(PositionLost):
        read_until(feed, began, feed.position())


def test_closed_in_the_middle(fed: Opened) -> None:
    """A feed that is closed while it is read can be opened again where it was."""
    one = fed()
    with one.feed() as feed:
        began = feed.start().position
        one.write(("things", 1, "a"))
        next(iter(feed.changes(began)))
    with one.feed() as again:
        assert set(read_until(again, began, again.position()).keys) == expected(one, ("things", 1))
    assert issubclass(PositionLost, CrossfadeError)
