"""What `Codec` promises, of the records of every store."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from bson import Decimal128, Int64, ObjectId
from kinds import Entities, Source, record
from test_reader_promises import MIXED_KEYS

from crossfade.model.batch import Column
from crossfade.model.rejection import Rejected

Filled = Callable[[Entities], Source]
RECORDS = [record(id_=key, n=n, v=[n, {"w": "x" * n}]) for n, key in enumerate(MIXED_KEYS)]


@pytest.fixture
def filled(source: Filled) -> Source:
    return source({"things": RECORDS})


def test_split(filled: Source) -> None:
    """A batch is split into its records, and nothing else."""
    for raw in filled.reader.scan("things"):
        assert b"".join(filled.codec.split(raw)) == raw


def test_every_record_has_its_own_key(filled: Source) -> None:
    """Every record has a key, and two different keys never look alike."""
    found = [filled.codec.key(one) for one in filled.everything("things")]
    assert None not in found
    assert len(set(found)) == len(RECORDS)


def test_a_key_leads_back(filled: Source) -> None:
    """A key alone makes a record that has it, and is found at the key's path."""
    for one in filled.everything("things"):
        key = filled.codec.key(one)
        assert key is not None
        assert filled.codec.key(filled.codec.of_key(key)) == key
        assert filled.codec.value_at(one, filled.codec.key_path) == key


def test_a_key_as_people_write_it(filled: Source) -> None:
    """A key that is shown to people is understood when they type it."""
    for one in filled.everything("things"):
        key = filled.codec.key(one)
        assert key in [each for group in filled.codec.keys_meant(filled.codec.readable(key)) for each in group]


def test_equal_keys_compare_equal(filled: Source) -> None:
    """Keys that the source treats as equal compare equal, others do not."""
    texts = [filled.codec.key(record(id_=value)) for value in (5, Int64(5), 5.0, Decimal128("5.0"), "5", ObjectId())]
    five, *same, text, oid = [filled.codec.compared(text) for text in texts if text is not None]
    assert all(one == five for one in same)
    assert len({repr(five), repr(text), repr(oid)}) == 3


def test_counters_add_up(filled: Source) -> None:
    """Two counters of an entity merge into what one counter would have counted."""
    everything = filled.everything("things")
    whole, first, second = (filled.codec.counter() for _ in range(3))
    whole.add(b"".join(everything))
    first.add(b"".join(everything[:7]))
    second.add(b"".join(everything[7:]))
    first = pickle.loads(pickle.dumps(first))
    first.merge(second)
    assert (first.count, first.bytes) == (whole.count, whole.bytes) == (len(RECORDS), sum(map(len, everything)))
    assert first.to_shape("things") == whole.to_shape("things")


def test_digests_distinguish_records(filled: Source) -> None:
    """Digests are equal for equal records, and differ for different ones."""
    raw = b"".join(filled.everything("things"))
    once = list(filled.codec.digests(raw))
    assert once == list(filled.codec.digests(raw))
    assert len(set(once)) == len(RECORDS)
    swapped = [record(id_=1, a=1, b=2), record(id_=1, b=2, a=1)]
    ordered, unordered = (list(filled.codec.digests(b"".join(swapped), ordered=o)) for o in (True, False))
    assert ordered[0] != ordered[1]
    assert unordered[0] == unordered[1]


def test_a_column_reader_of_nothing(filled: Source) -> None:
    """Without records, a reader of columns returns an empty batch with the right types."""
    counter = filled.codec.counter()
    counter.add(record(id_=1, n=1))
    reader = filled.codec.reader(counter.to_shape("things"), [Column("n", ("n",))])
    empty, one = reader.read(b"").table, reader.read(record(id_=1, n=1)).table
    assert (len(empty), empty.schema) == (0, one.schema)


def test_a_broken_record_is_said_to_be(filled: Source) -> None:
    """A record that cannot be read is set aside, has no digest, and is not shown."""
    whole = record(id_=1, n="text")
    broken = whole[:-6] + b"\xff" * 5 + b"\0"
    counter = filled.codec.counter()
    counter.add(broken)
    assert (counter.count, sum(p.count for p in counter.problems.values())) == (1, 1)
    assert list(filled.codec.digests(broken)) == [None]
    with pytest.raises(Rejected):
        filled.codec.line(broken)


def test_records_are_shown(filled: Source) -> None:
    """A record is shown on one line, on many, and as JSON that has its types."""
    one = record(id_=1, a=Int64(1), b=1.0, c={"d": None})
    assert "\n" not in filled.codec.line(one)
    assert filled.codec.lines(one).count("\n") >= 3
    assert filled.codec.json(one)["a"] != filled.codec.json(record(id_=1, a=1, b=1.0, c={"d": None}))["a"]


def test_codecs_travel(filled: Source) -> None:
    """A codec can be pickled: workers get it with their work."""
    again = pickle.loads(pickle.dumps(filled.codec))
    assert [again.key(one) for one in RECORDS] == [filled.codec.key(one) for one in RECORDS]
