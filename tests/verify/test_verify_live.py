"""A source that is written to at full speed is verified while a follower applies: nothing is said to differ that does
not, and whatever somebody did to the target is found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import CrossfadeError, Misused, Refused
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.canonical import arrow_rows
from crossfade.model.shape import Shape
from crossfade.model.target import TargetTable
from crossfade.move import Move
from crossfade.stores.memory.source import MemoryReader
from crossfade.verify.follower import Follower
from crossfade.verify.verdict import AGAIN, WHOLE, Verdict
from followed import STILL, Followed, key


@pytest.fixture
def pair(tmp_path: Path, new_memory: Callable[[], str]) -> Followed:
    made = Followed(tmp_path, new_memory(), new_memory())
    made.survey()
    return made


def said(verdict: Verdict) -> list[object]:
    return [
        *(d for t in verdict.tables for d in t.differences),
        *((e.entity, e.found, e.recorded, e.moving, e.disagreements, e.uncounted_records) for e in verdict.entities),
        verdict.through,
    ]


def test_nothing_false_is_said_while_others_write(pair: Followed) -> None:
    with pair.following(), pair.writing(1, 0.02), pair.move() as move:
        for n in range(3):
            verdict = move.verify(again=n % 3 > 0)
            assert verdict.equal, said(verdict)
            assert verdict.through is not None
            assert verdict.through.kind == (AGAIN if n % 3 else WHOLE)


def differing(verdict: Verdict) -> set[tuple[str, str | None, str]]:
    """Entity, key and kind of each difference."""
    return {(d.entity, d.record, d.kind) for table in verdict.tables for d in table.differences}


def rows(move: Move, name: str, *values: tuple[Any, ...]) -> tuple[TargetTable, Any]:
    (table,) = move.context.tables([name])
    return table, arrow_rows(table, [c.name for c in table.columns][: len(values[0])], list(values))


def meddle(pair: Followed, move: Move) -> set[tuple[str, str | None, str]]:
    """Do something to the rows of six records. Return what is to be found."""
    a, b, c, d, e, f = STILL[:6]
    with pair.meddling() as tx:
        tx.update(*rows(move, "customers", (a, f"e{a}", 31)))
        tx.delete(*rows(move, "items", (b, "a")))
        tx.load(*rows(move, "items", (c, "extra")))
        tx.update(*rows(move, "orders", (d, "n", e)))
        tx.delete(*rows(move, "items", (e, "a"), (e, "b")))
        tx.delete(*rows(move, "orders", (e,)))
        tx.load(*rows(move, "customers", (7777, "e7777", 1)))
        tx.update(*rows(move, "orders", (f, "other", f)))
    return {
        ("customers", key(a), "changed"),
        ("orders", key(b), "missing"),
        ("orders", key(c), "extra"),
        ("orders", key(d), "changed"),
        ("orders", key(e), "missing"),
        ("customers", key(7777), "extra"),
        ("orders", key(f), "changed"),
    }


def test_what_somebody_did_is_found_and_nothing_else(pair: Followed) -> None:
    with pair.following(), pair.writing(2, 0.02), pair.move() as move:
        assert move.context.schema
        wrong = meddle(pair, move)
        first = move.verify()
        assert (differing(first), first.equal) == (wrong, False), said(first)
        again = move.verify(again=True)
        assert (differing(again), again.equal) == (wrong, False), said(again)
        keys: dict[str, list[str]] = {}
        for entity, of, _ in wrong:
            keys.setdefault(entity, []).append(str(of))
        move.repair(keys=keys)
        assert move.verify(again=True).equal


def test_a_wrong_apply_is_found_by_what_was_applied(pair: Followed) -> None:
    with pair.following(), pair.move() as move:
        assert move.verify().equal
        wrong = STILL[0]
        pair.write("customers", wrong, {"email": f"e{wrong}", "age": "40"})
        pair.applied()
        with pair.meddling() as tx:
            tx.update(*rows(move, "customers", (wrong, f"e{wrong}", 41)))
            tx.update(*rows(move, "customers", (wrong + 1, f"e{wrong + 1}", 41)))  # nobody looks at it
        assert differing(move.verify(again=True)) == {("customers", key(wrong), "changed")}
        assert len(differing(move.verify())) == 2


def test_records_that_no_range_finds_are_missed(pair: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a damaged index: neither the copy nor a comparison by ranges says a word."""
    batches = MemoryReader.batches

    def without_first(self: MemoryReader, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        hides = chunk.entity == "orders" and chunk.number == 0
        yield from batches(self, replace(chunk, lower=key(1)) if hides else chunk, shape, columns)

    monkeypatch.setattr(MemoryReader, "batches", without_first)
    said = r"by ranges of its key orders has \d+ records, counted at once \d+;"
    with pair.following(), pair.move() as move, pytest.raises(CrossfadeError, match=said):
        move.verify()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("every", [15, pytest.param(1, marks=pytest.mark.torture)])
def test_a_verification_that_is_killed_loses_no_record(
    pair: Followed, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """At every transaction (or some), before and after: the next one finds what was wrong."""
    wrong, begin = STILL[0], Follower.__init__
    with pair.following(), pair.move() as move:
        assert move.verify().equal
        for whole in (True, False):
            for count in range(0, 2000, every):  # whoever waits for the run that follows asks again and again
                pair.write("customers", wrong, {"email": f"e{wrong}", "age": str(40 + count % 10)})
                pair.applied()
                with pair.meddling() as tx:
                    tx.update(*rows(move, "customers", (wrong, f"e{wrong}", 99)))
                with monkeypatch.context() as patch:
                    patch.setattr(Follower, "__init__", partialmethod(_dying, begin, count // 2, count % 2 == 1))
                    try:
                        move.verify(again=not whole)
                    except Killed:
                        ended = False
                    else:
                        ended = True
                assert differing(move.verify(again=True)) == {("customers", key(wrong), "changed")}, (whole, count)
                if ended:
                    break
            assert ended
            assert count > 8


def _dying(self: Follower, begin: Any, count: int, commits: bool, *args: Any, **named: Any) -> None:
    """A follower whose transaction of this number is the last: before it is committed, or after."""
    begin(self, *args, **named)
    left = iter(range(count + 1))
    transaction = self.transaction

    @contextmanager
    def one() -> Iterator[Any]:
        number = next(left, None)
        with transaction() as tx:
            yield tx
            if number == count and not commits:
                raise Killed
        if number == count:
            raise Killed

    object.__setattr__(self, "transaction", one)


def test_two_verifications_at_once(pair: Followed) -> None:
    found: list[Verdict] = []

    def verify() -> None:
        with pair.move() as other:
            found.append(other.verify(again=True))

    with pair.following(), pair.writing(3, 0.02), pair.move() as move:
        assert move.context.schema
        wrong = meddle(pair, move)
        assert differing(move.verify()) == wrong
        threads = [threading.Thread(target=verify) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [differing(verdict) for verdict in found] == [wrong, wrong]


def test_nobody_follows(pair: Followed) -> None:
    with pair.move() as move:
        move.copy()
        with pytest.raises(Misused):
            move.verify(again=True)
        assert move.verify().through is None
    with pair.following(), pair.move() as move, pytest.raises(Refused):
        move.verify(again=True)  # there is no whole one
    with pair.move() as move:
        with pytest.raises(Refused) as refused:
            move.verify(again=True)
        assert "crossfade start" in (refused.value.hint or "")
        assert move.verify().through is None, "everything is compared as it is"
