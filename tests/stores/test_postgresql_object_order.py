"""The order in which PostgreSQL's objects are created."""

from __future__ import annotations

from types import SimpleNamespace

from crossfade.model.target import Step
from crossfade.stores.postgresql.catalog.order import FUNCTION, TABLE, VIEW, Object, arrange


def object_(oid: int, rank: int, name: str, *, late: bool = False) -> Object:
    return Object((1, oid), rank, (Step(name, f"CREATE {name}"),), late)


def needs(one: int, other: int) -> SimpleNamespace:
    return SimpleNamespace(class_=1, oid=one, needed_class=1, needed=other)


def test_each_after_what_it_needs_otherwise_by_kind_and_name() -> None:
    objects = [object_(1, TABLE, "b"), object_(2, TABLE, "a"), object_(3, FUNCTION, "f"), object_(4, TABLE, "c")]
    before, after, notes = arrange(objects, [needs(3, 4), needs(2, 3)], [])
    assert [s.id for s in before] == ["b", "c", "f", "a"]
    assert (after, notes) == ([], [])


def test_a_cycle_is_broken_once_and_noted() -> None:
    objects = [object_(1, TABLE, "a"), object_(2, TABLE, "b"), object_(3, TABLE, "c"), object_(4, TABLE, "z")]
    before, _, notes = arrange(objects, [needs(1, 2), needs(2, 3), needs(3, 1), needs(4, 1)], [])
    assert sorted(s.id for s in before) == ["a", "b", "c", "z"]
    assert [s.id for s in before].index("z") > [s.id for s in before].index("a")
    assert len(notes) == 1
    assert notes[0].startswith("a is part of a circular dependency")


def test_two_cycles_are_both_noted() -> None:
    objects = [object_(i, TABLE, name) for i, name in enumerate("abcd")]
    before, _, notes = arrange(objects, [needs(0, 1), needs(1, 0), needs(2, 3), needs(3, 2)], [])
    assert len(before) == 4
    assert [n[0] for n in notes] == ["a", "c"]


def test_views_wait_unless_something_early_needs_them() -> None:
    objects = [object_(1, VIEW, "v", late=True), object_(2, VIEW, "w", late=True), object_(3, TABLE, "t")]
    before, after, _ = arrange(objects, [needs(3, 2)], [])
    assert ([s.id for s in before], [s.id for s in after]) == (["w", "t"], ["v"])
