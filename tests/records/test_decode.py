from __future__ import annotations

import bson
import pytest
from bson import Code, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.rejection import Rejected
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.decode import decode, decode_one, split
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.values import Symbol, Undefined
from crossfade.records.bson.walk import MAX_DEPTH, walk
from strategies import documents

INT = b"\x10%b\0\x01\0\0\0"


def framed(body: bytes) -> bytes:
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def nested(depth: int) -> bytes:
    raw = framed(b"")
    for _ in range(depth - 1):
        raw = framed(b"\x03a\0" + raw)
    return raw


def whole(doc: object) -> tuple[str, list[str]]:
    """What two readings must have in common: the text, in which each type has its own spelling."""
    return canonical(doc), [type(v).__name__ for v in getattr(doc, "values", list)()]


@given(st.lists(documents(), max_size=5))
def test_documents_come_back_as_they_were(docs: list[dict[str, object]]) -> None:
    raws = [to_bson(doc) for doc in docs]
    decoded = decode(b"".join(raws))
    assert decoded.raws == raws
    assert list(map(whole, decoded.docs)) == list(map(whole, docs))
    assert [to_bson(doc) for doc in decoded.docs] == raws
    assert list(decoded.positions) == list(range(len(docs)))


@given(documents())
def test_both_readers_agree(doc: dict[str, object]) -> None:
    raw = to_bson(doc)
    assert whole(walk(raw)) == whole(decode_one(raw))


@given(st.lists(documents(), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_changes_no_other_document(docs: list[dict[str, object]], data: st.DataObject) -> None:
    raws = [to_bson(doc) for doc in docs]
    victim = data.draw(st.integers(0, len(raws) - 1))
    bit = data.draw(st.integers(32, len(raws[victim]) * 8 - 1))  # behind the length
    hurt = bytearray(raws[victim])
    hurt[bit // 8] ^= 1 << bit % 8
    decoded = decode(b"".join([*raws[:victim], bytes(hurt), *raws[victim + 1 :]]))
    others = [raw for i, raw in enumerate(raws) if i != victim]
    assert [r for r, p in zip(decoded.raws, decoded.positions, strict=True) if p != victim] == others
    assert [b.raw for b in decoded.rejected] in ([], [bytes(hurt)])
    assert all(
        to_bson(doc) == raw or walk(raw) is not None for doc, raw in zip(decoded.docs, decoded.raws, strict=True)
    )


@given(st.lists(documents(), min_size=1, max_size=3), st.data())
def test_a_cut_batch_breaks_its_last_document_only(docs: list[dict[str, object]], data: st.DataObject) -> None:
    batch = b"".join(to_bson(doc) for doc in docs)
    cut = data.draw(st.integers(0, len(batch)))
    decoded = decode(batch[:cut])
    pieces = split(batch[:cut])
    assert b"".join(pieces) == batch[:cut]
    assert len(decoded.docs) + len(decoded.rejected) == len(pieces)
    assert all(b.reason == "broken" and b.row == len(pieces) - 1 for b in decoded.rejected)


@given(st.binary(max_size=200))
def test_any_bytes_at_all(batch: bytes) -> None:
    decoded = decode(batch)
    assert len(decoded.docs) + len(decoded.rejected) == len(split(batch))


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (INT % b"a" * 2, "duplicate_key", "a"),
        (INT % b"_id" + b"\x03o\0" + framed(INT % b"x" * 2), "duplicate_key", "o.x"),
        (INT % b"_id" + b"\x04l\0" + framed(b"\x030\0" + framed(INT % b"x" * 2)), "duplicate_key", "l[].x"),
        (INT % b"_id" + b"\x02s\0\x02\0\0\0\xff\0", "invalid_utf8", "s"),
        (INT % b"_id" + INT % b"\xff", "invalid_utf8", "."),
        (INT % b"_id" + b"\x02s\0\x05\0\0\0\xed\xa0\x80x\0", "invalid_utf8", "s"),
        (INT % b"_id" + b"\x08b\0\x02", "broken", "b"),
        (INT % b"_id" + b"\x02s\0\0\0\0\0", "broken", "s"),
        (INT % b"_id" + b"\x02s\0\xff\xff\xff\x7fx\0", "broken", "s"),
        (INT % b"_id" + b"\x10n\0\x01", "broken", "n"),
        (INT % b"_id" + b"\x10name without end", "broken", "."),
        (INT % b"_id" + b"\x20x\0", "broken", "x"),
        (INT % b"_id" + b"\x05b\0\x05\0\0\0\x02\xff\0\0\0x", "broken", "b"),
    ],
)
def test_a_broken_document_says_why_and_where(body: bytes, reason: str, path: str) -> None:
    good = bson.encode({"_id": 2})
    decoded = decode(good + framed(body) + good)
    assert decoded.raws == [good, good]
    assert list(decoded.positions) == [0, 2]
    (broken,) = decoded.rejected
    assert (broken.row, broken.reason, broken.path) == (1, reason, path)
    assert broken.raw == framed(body)
    assert broken.key == '{"$numberInt":"1"}' or body.startswith(INT % b"a")


def test_the_key_of_a_cut_document_is_still_readable() -> None:
    raw = bson.encode({"_id": ObjectId("0" * 24), "text": "x" * 100})
    assert decode(raw[:60]).rejected[0].key == '{"$oid":"000000000000000000000000"}'
    assert decode(raw[:12]).rejected[0].key is None


def test_what_pymongo_would_lose_is_kept() -> None:
    doc = {
        "_id": 1,
        "u": Undefined(),
        "s": Symbol("x"),
        "r": {"$ref": "c", "$id": 1, "more": [{"$ref": "d", "$id": 2}]},
    }
    (found,) = decode(to_bson(doc)).docs
    assert found == doc
    assert type(found["r"]) is dict
    assert type(found["r"]["more"][0]) is dict


def test_a_reference_inside_a_scope_is_an_object() -> None:
    (found,) = decode(bson.encode({"_id": 1, "c": Code("f", {"r": {"$ref": "c", "$id": Int64(1)}})})).docs
    assert type(found["c"].scope["r"]) is dict


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1])
def test_nesting_up_to_the_limit_passes(depth: int) -> None:
    (doc,) = decode(nested(depth)).docs
    assert canonical(doc).count("{") == depth
    assert canonical(walk(nested(depth))) == canonical(doc)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 100_000])
def test_nesting_beyond_the_limit_is_broken(depth: int) -> None:
    (broken,) = decode(nested(depth)).rejected
    assert broken.reason == "broken"
    assert broken.detail == "nested deeper than 200"


def test_a_document_of_16_megabytes_passes() -> None:
    raw = bson.encode({"_id": 1, "text": "x" * (16 * 1024 * 1024 - 40)})
    assert decode(raw).raws == [raw]


def test_bytes_after_the_end_are_no_part_of_a_document() -> None:
    with pytest.raises(Rejected, match="after its end"):
        walk(bson.encode({}) + b"\0")
