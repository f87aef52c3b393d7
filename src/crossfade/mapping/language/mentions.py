"""Record which places an expression reads, and how much of their values reaches the target's column.

The rewriter records each place when it reaches it, as if its whole value reached the column. The surrounding
expression then adjusts the mentions inside it: a function that keeps only a part makes them `less`, a condition makes
them `decides`, and only one of the results of a CASE is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from crossfade.mapping.language.fields import FieldRef
from crossfade.model.program import DECIDES, LESS, WHOLE, Use
from crossfade.model.shape import Path

TypeFacts = Sequence[tuple[FieldRef, frozenset[str]]]
"""Fields, each with the types that it can have if a condition holds. All entries apply together."""

NULL = frozenset({"null"})


@dataclass(frozen=True)
class Mention:
    """A use, and its place."""

    use: Use
    place: FieldRef

    def passed(self, keeps: str, by: str) -> Mention:
        """Return the mention after an operation that `keeps` this much of the value."""
        use = self.use
        if keeps == WHOLE or use.keeps == DECIDES:
            return self
        if keeps == DECIDES:
            return replace(self, use=replace(use, keeps=DECIDES, by=()))
        return replace(self, use=replace(use, keeps=LESS, by=tuple(dict.fromkeys((*use.by, by)))))

    def of(self, types: frozenset[str]) -> Mention:
        return replace(self, use=replace(self.use, types=types))


class Mentions:
    """The mentions of one branch, in order. The context managers apply to the mentions recorded inside them."""

    def __init__(self) -> None:
        self._all: list[Mention] = []
        self._facts: list[TypeFacts] = []

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(dict.fromkeys(m.use for m in self._all))

    def add(self, place: FieldRef, depth: str, output: str, *, as_json: bool = False) -> None:
        row, types = place.row, possible(place, [fact for facts in self._facts for fact in facts])
        for path in place.full_paths:
            keeps = LESS if row.less else WHOLE
            use = Use(row.entity, path, depth, output, row.looked_up, types, keeps, row.less, as_json)
            nothing = depth == "type" or (place.node.types and not types)
            self._all.append(Mention(use, place).passed(DECIDES if nothing else WHOLE, ""))

    def again(self, mentions: Sequence[Mention], output: str) -> None:
        """Record what a name stands for, when the name is mentioned."""
        self._all += [replace(m, use=replace(m.use, output=output)) for m in mentions]

    def put(self, mentions: Sequence[Mention], keeps: str = WHOLE, by: str = "") -> None:
        """Record mentions that were collected separately, after an operation that `keeps` this much of the value."""
        self._all += [m.passed(keeps, by) for m in mentions]

    def put_inside(self, mentions: Sequence[Mention], lists: Sequence[Sequence[Path]], by: str) -> None:
        """Record mentions that are made for each element of all these lists (the paths of their elements). What is not
        inside them is lost where one of them is empty.
        """
        for mention in mentions:
            path = mention.use.path
            inside = all(any(path[: len(base)] == base for base in bases) for bases in lists)
            self.put([mention], WHOLE if inside or mention.use.looked_up else LESS, by)

    def leave_out(self, mentions: Sequence[Mention], why: str) -> None:
        """Record mentions that only decide, because the operation leaves something out."""
        self._all += [replace(m, use=replace(m.use, keeps=DECIDES, by=(why,))) for m in mentions]

    @contextmanager
    def through(self, keeps: str, by: str = "") -> Iterator[None]:
        with self.apart() as mentions:
            yield
        self.put(mentions, keeps, by)

    def put_types(self, mentions: Sequence[Mention], whole: frozenset[str] | None, by: str) -> None:
        """Record mentions like `put`. Values of the `whole` types (None: all types) are kept whole, others are not."""
        for mention in mentions:
            types = mention.use.types
            arrives = types if whole is None else types & whole
            parts = [mention.of(arrives), mention.of(types - arrives).passed(LESS, by)]
            self._all += [p for p in parts if p.use.types - NULL] or [mention]

    @contextmanager
    def apart(self, facts: TypeFacts = ()) -> Iterator[list[Mention]]:
        """Collect the mentions recorded inside in a separate list. Inside, `facts` limits the types of places."""
        start = len(self._all)
        self._facts.append(facts)
        found: list[Mention] = []
        try:
            yield found
        finally:
            self._facts.pop()
            found += self._all[start:]
            del self._all[start:]

    def one_of(self, results: Sequence[tuple[TypeFacts, Sequence[Mention]]], by: str) -> None:
        """Record the results of a CASE, each with the type facts under which it is chosen.

        A value of a type is kept whole if every result that can be chosen for that type contains the whole value. If
        one of them leaves it out, only what CASE keeps of it is recorded.
        """
        for _, mentions in results:
            for mention in mentions:
                self._all += _of_all(mention, results, by)


def possible(place: FieldRef, facts: TypeFacts) -> frozenset[str]:
    """Return the types that the place can have if all of `facts` applies; none if it cannot exist."""
    types = frozenset(place.node.types)
    for other, allowed in facts:
        way = _way(other, place)
        if way == "":
            types &= allowed
        elif way is not None and way not in allowed:
            return frozenset()
    return types


def _way(upper: FieldRef, place: FieldRef) -> str | None:
    """Return the type that `upper` must have for `place` to exist: an object or an array; "" if it is the place itself,
    None if `place` is not below it.
    """
    way, at = "", place
    while not (at.row is upper.row and at.path[: len(upper.path)] == upper.path):
        if at.row.within is None:
            return None
        way, at = "array", at.row.within
    return "object" if len(at.path) > len(upper.path) else way


_DEPTHS = {"elements": 0, "entries": 0, "keys": 0, "value": 1, "whole": 2, "rest": 2}


def _of_all(mention: Mention, results: Sequence[tuple[TypeFacts, Sequence[Mention]]], by: str) -> Iterator[Mention]:
    """Yield the mention unchanged for the types that no result leaves out, and as less for the others."""
    use = mention.use
    if use.keeps == DECIDES or not use.types - NULL:
        yield mention
        return
    left_out: set[str] = set()
    cut: set[str] = set()
    for facts, mentions in results:
        same = [m.use for m in mentions if m.use.keeps != DECIDES and _takes(m.use, use)]
        for type_name in possible(mention.place, facts) - NULL:
            keeps = {u.keeps for u in same if type_name in u.types}
            if WHOLE not in keeps:
                (cut if keeps else left_out).add(type_name)
    arrives = use.types - cut if use.keeps == WHOLE else use.types  # the result that cuts a value records that itself
    parts = (mention.of(arrives - left_out), mention.of(arrives & left_out).passed(LESS, by))
    yield from (part for part in parts if part.use.types - NULL)


def _takes(one: Use, other: Use) -> bool:
    """Return whether both use the same place of the same document, `one` at least as deep as the other."""
    same = (one.entity, one.path, one.looked_up) == (other.entity, other.path, other.looked_up)
    return same and _DEPTHS[one.depth] >= _DEPTHS[other.depth]


__all__ = ["Mention", "Mentions", "TypeFacts", "possible"]
