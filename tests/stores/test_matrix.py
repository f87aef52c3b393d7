"""Any database into any: interrupted and resumed, equal by the drivers of both, and every corruption is found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matrix import FIELDS, KINDS, Kind, Place, Record, alike, project, records
from row_project import open_move

from crossfade.journal import journal
from victim import Victim, kill_somewhere

PAIRS = [pytest.param(one, other, id=f"{one.name} into {other.name}") for one in KINDS for other in KINDS]
NEW = 10**6
"""Keys from here on are nobody's."""


class Broken(Exception):
    """the copy is cut off here"""


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_interrupted_and_resumed_it_is_equal_and_every_corruption_is_found(
    source: Kind, target: Kind, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = records(60, 1)
    one, other = place(source, "source"), place(target, "target")
    source.fill(one, held)
    folder = project(tmp_path / "p", source, target, 0.003)
    with open_move(folder, one, other) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        with monkeypatch.context() as patch:
            patch.setattr(journal, "finish_chunk", _breaking(journal.finish_chunk, 2))
            with pytest.raises(Broken):
                move.copy()
    with open_move(folder, one, other) as move:
        assert 0 < sum(e.counts.copied for e in move.status().entities) < sum(map(len, held.values()))
        move.copy()
        assert [(e.entity, e.reason, e.detail) for e in move.quarantine()] == []
        assert move.verify().equal
        assert alike(target.read(other)) == alike(held)
        planted = _plant(target, other, held, random.Random(2), len(FIELDS) + 5)
        assert _found(move) == planted
        _repaired(move, planted)


def _breaking(finish: Any, chunks: int) -> Any:
    left = iter(range(chunks))

    def broken(*args: Any, **kwargs: Any) -> Any:
        if next(left, None) is None:
            raise Broken
        return finish(*args, **kwargs)

    return broken


@pytest.mark.torture
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_killed_at_random_and_hundreds_of_corruptions(source: Kind, target: Kind, place: Place, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance, held = random.Random(seed), records(600, seed)
    one, other = place(source, "source"), place(target, "target")
    source.fill(one, held)
    folder = project(tmp_path / "p", source, target, 0.003)
    with open_move(folder, one, other) as move:
        move.survey()
    for _ in range(5):
        with Victim(folder, one, other, 2) as victim:
            if not kill_somewhere(victim, chance, 25, whole_group=True):
                break
    with open_move(folder, one, other, workers=2) as move:
        assert move.copy().ok
        assert move.verify().equal
        assert alike(target.read(other)) == alike(held)
        planted = _plant(target, other, held, chance, 500)
        assert sum(planted.values()) == 500
        assert _found(move) == planted
        _repaired(move, planted)


def _plant(target: Kind, url: str, held: dict[str, list[Record]], r: random.Random, count: int) -> Counter[Any]:
    """Changes of every field in turn, rows that go, and rows that come: each in a record of its own."""
    things, pairs = r.sample(held["things"][3:], len(held["things"]) - 3), r.sample(held["pairs"], len(held["pairs"]))
    planted: Counter[Any] = Counter()
    kinds = [*FIELDS, "missing", "extra", "pair", "lost pair", "extra pair"]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        if kind in FIELDS:
            one = things.pop()
            target.change(url, "things", one, kind, _another(kind, one[kind], r))
            planted["things", kind] += 1
        elif kind == "missing":
            target.remove(url, "things", things.pop())
            planted["things", "missing"] += 1
        elif kind == "extra":
            target.add(url, {"things": [{**things[0], "id": NEW + number}]})
            planted["things", "extra"] += 1
        elif kind == "extra pair":
            target.add(url, {"pairs": [{**pairs[0], "a": NEW + number}]})
            planted["pairs", "extra"] += 1
        elif kind == "pair":
            one = pairs.pop()
            target.change(url, "pairs", one, "note", (one["note"] or "") + " ")
            planted["pairs", "note"] += 1
        else:
            target.remove(url, "pairs", pairs.pop())
            planted["pairs", "missing"] += 1
    return planted


def _another(name: str, value: Any, r: random.Random) -> Any:
    """Another value of the field, as like it as may be."""
    if value is not None and r.random() < 0.2:
        return None
    pool = [one[name] for one in records(40, r.randrange(10**6))["things"]]
    close: dict[str, Callable[[Any], Any]] = {
        "words": lambda v: v + " ", "data": lambda v: v + b"\0", "tags": lambda v: [*v, ""], "doc": lambda v: [v],
        "flag": lambda v: not v,
    }  # fmt: skip
    if value is not None and name in close:
        return close[name](value)
    return next(other for other in pool if other is not None and other != value)


def _repaired(move: Any, planted: Counter[Any]) -> None:
    """All but the rows that no record has made: they are somebody's. Those of `things` would be of a record that is no
    more.
    """
    of_nobody = {("pairs", "extra"): planted["pairs", "extra"]}
    assert move.repair().rows_of_no_record == {"pairs": planted["pairs", "extra"]}
    assert _found(move) == of_nobody


def _found(move: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for table in move.verify().tables:
        found.update({(table.table, name): count for name, count in table.changed_columns.items()})
        found.update({(table.table, kind): table.counts[kind] for kind in ("missing", "extra")})
    return +found
