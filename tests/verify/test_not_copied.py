"""Which records the journal holds, and which of a dump's records with the same key they are."""

from __future__ import annotations

import bson

from crossfade.journal.journal import Entry
from crossfade.records.bson.decode import key_of
from crossfade.verify.not_copied import (
    NOTHING,
    Altered,
    ChunkAccounts,
    Document,
    NotCopied,
    document_of,
    records_outside,
)

A, B, A2 = (bson.encode(d) for d in ({"_id": 1, "v": "a"}, {"_id": 2}, {"_id": 1, "v": "other"}))


def entry(key: str | None, reason: str = "not_null", state: str = "open", chunk: int = 0) -> Entry:
    return Entry(f"id of {key}", "users", chunk, key, reason, "", None, None, "copy", state)


def account(chunk: ChunkAccounts, raw: bytes) -> str | None:
    return chunk.account(key_of(raw), raw) if chunk.may_have(key_of(raw)) else None


def accounts(not_copied: NotCopied, chunk: int, *raws: bytes) -> list[str | None]:
    of_chunk = ChunkAccounts(not_copied, chunk)
    return [account(of_chunk, raw) for raw in raws]


def test_by_key() -> None:
    not_copied = holding(A, B, states=("open", "discarded"))
    assert accounts(not_copied, 0, A, B, A2) == ["quarantined", "discarded", "quarantined"]
    assert len(not_copied) == 2


def test_a_record_that_is_not_the_source_s_is_reported() -> None:
    chunk = ChunkAccounts(holding(A, B), 0)
    assert [account(chunk, raw) for raw in (A2, B)] == ["quarantined", "quarantined"]
    assert chunk.altered == [Altered(str(key_of(A)), "quarantined", document_of(A2), document_of(A))]


def test_retried_records_are_copied() -> None:
    assert records_outside([entry(key_of(A), state="retried")], {}) == {}


def test_of_records_with_the_same_key_the_later_one() -> None:
    not_copied = records_outside([entry(key_of(A), "unique", chunk=3)], documents(A))["users"]
    assert accounts(not_copied, 3, A2, A, B) == [None, "quarantined", None]
    assert accounts(not_copied, 3, A, A) == ["quarantined", None]
    assert accounts(not_copied, 2, A) == [None]


def test_a_record_whose_key_cannot_be_read() -> None:
    broken = b"\x05\0\0\0\xff"
    not_copied = records_outside([entry(None, "broken", chunk=1)], {"id of None": document_of(broken)})["users"]
    assert accounts(not_copied, 1, A, broken) == [None, "quarantined"]


def test_a_count_of_what_was_seen() -> None:
    chunk = ChunkAccounts(holding(A, B), 0)
    account(chunk, A)
    assert chunk.seen == {"quarantined": 1}


def test_nothing_in_the_journal_asks_for_no_record() -> None:
    assert ChunkAccounts(NOTHING, 0).is_empty
    assert not ChunkAccounts(NOTHING, 0).may_have(key_of(A))
    assert not ChunkAccounts(holding(A, B), 0).may_have("3")


def documents(*raws: bytes) -> dict[str, Document]:
    return {f"id of {key_of(raw)}": document_of(raw) for raw in raws}


def holding(*raws: bytes, states: tuple[str, ...] = ("open", "open")) -> NotCopied:
    entries = [entry(key_of(raw), state=state) for raw, state in zip(raws, states, strict=True)]
    return records_outside(entries, documents(*raws))["users"]
