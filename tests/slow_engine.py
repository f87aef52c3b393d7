"""Mappings of a small grammar and their results, over decoded documents one by one, in the slow and obvious way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Decimal128, Int64
from hypothesis import strategies as st

import slow_functions as slow
from crossfade.model.shape import Node, Path, escape_step, unescape_step
from crossfade.records.bson.canonical import canonical, date_to_ms
from crossfade.records.bson.plain import plain
from crossfade.records.bson.types import type_name
from mapping_world import equality

Document = Mapping[str, Any]

NATIVE = {"int", "long", "double", "string", "bool", "objectId", "date", "decimal", "binary", "mixed"}


@dataclass(frozen=True)
class Expression:
    """`sql` of a row that is called by an alias, and the place and the function that it is of."""

    sql: str
    path: Path
    what: str
    kind: str

    def value(self, row: Any) -> Any:
        value = at(row, self.path)
        if self.what == "native":
            return native(value, self.kind)
        if self.what == "json":
            return None if value is None or value is MISSING else plain(value)
        if self.what == "type":
            return None if value is MISSING else type_name(value)
        if self.what == "text":
            return None if value is None or value is MISSING else slow.as_text(value)
        if self.what == "or none":
            return "none" if value is None or value is MISSING else value
        if self.what == "length":
            return len(value) if isinstance(value, list) else None
        if self.what == "list":
            return [native(v, self.kind) for v in value] if isinstance(value, list) else None
        raise AssertionError(self.what)


MISSING = object()


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value.get(unescape_step(step), MISSING) if isinstance(value, dict) else MISSING
    return value


def native(value: Any, kind: str) -> Any:
    """The value as python_rows gives it."""
    if value is None or value is MISSING:
        return None
    if kind == "mixed":
        return canonical(value)
    if kind == "date":
        return date_to_ms(value) * 1000
    if kind == "objectId":
        return value.binary
    if kind == "decimal":
        return str(value)
    return int(value) if isinstance(value, Int64) else bytes(value) if kind == "binary" else value


@dataclass(frozen=True)
class Unnest:
    """`FROM ..., unnest(path) WITH ORDINALITY AS <alias>(v, n)`; of the root, or of the elements of the one before."""

    of: str
    alias: str
    sql: str
    path: Path
    left: bool


@dataclass(frozen=True)
class Lookup:
    """`LEFT JOIN f AS y ON y._id = x.<path>`, and an expression of what is found."""

    sql: str
    path: Path
    left: bool


@dataclass(frozen=True)
class Mapping_:  # noqa: N801  (Mapping is Python's own word)
    unnests: tuple[Unnest, ...]
    lookup: Lookup | None
    outputs: tuple[tuple[str, Expression], ...]
    """The alias and the expression of each; the alias `<u>.n` stands for a position."""

    @property
    def sql(self) -> str:
        outputs = ", ".join(f"{e.sql} AS v{i}" for i, (_, e) in enumerate(self.outputs))
        sources = "e AS x"
        for u in self.unnests:
            join, on = (" LEFT JOIN ", " ON true") if u.left else (", ", "")
            sources += f"{join}unnest({u.sql}) WITH ORDINALITY AS {u.alias}(v, n){on}"
        if self.lookup is not None:
            sources += f" {'LEFT ' if self.lookup.left else ''}JOIN f AS y ON y._id = {self.lookup.sql}"
        return f"SELECT {outputs} FROM {sources}"

    def rows(self, documents: Sequence[Document], others: Sequence[Document]) -> Iterator[tuple[Any, ...]]:
        for document in documents:
            for bound in self._bound({"x": document}, self.unnests):
                for found in self._found(bound, others):
                    yield tuple(
                        found[alias] if alias.endswith(".n") else e.value(found[alias]) for alias, e in self.outputs
                    )

    def _bound(self, bound: dict[str, Any], unnests: tuple[Unnest, ...]) -> Iterator[dict[str, Any]]:
        if not unnests:
            yield bound
            return
        first, rest = unnests[0], unnests[1:]
        elements = at(bound[first.of], first.path)
        rows = list(enumerate(elements, 1)) if isinstance(elements, list) else []
        if not rows and first.left:
            yield from self._bound({**bound, first.alias: MISSING, f"{first.alias}.n": None}, rest)
        for n, element in rows:
            yield from self._bound({**bound, first.alias: element, f"{first.alias}.n": n}, rest)

    def _found(self, bound: dict[str, Any], others: Sequence[Document]) -> Iterator[dict[str, Any]]:
        if self.lookup is None:
            yield bound
            return
        key = at(bound["x"], self.lookup.path)
        if isinstance(key, dict | list):
            matches: list[Any] = []
        else:
            matches = [o for o in others if key not in (None, MISSING) and equality(o["_id"]) == equality(key)]
        for other in matches or ([MISSING] if self.lookup.left else []):
            yield {**bound, "y": other}


# -- mappings of a shape


def quoted(steps: Sequence[str]) -> str:
    return "".join('."' + s.replace('"', '""') + '"' for s in steps)


def reachable(
    node: Node, path: Path = (), engine: tuple[str, ...] = ()
) -> Iterator[tuple[Path, tuple[str, ...], Node]]:
    """The places that a row can be asked for, through objects alone: path, names in SQL, node."""
    for child in node.fields:
        here = (*path, escape_step(child.name)), (*engine, child.engine)
        yield *here, child
        yield from reachable(child, *here)


def expressions(node: Node, alias: str) -> list[Expression]:
    """Everything of the grammar that can be asked of a row whose node this is."""
    places = [((), (), node), *reachable(node)] if alias != "x" else list(reachable(node))
    found = []
    for path, engine, place in places:
        name = alias_of(alias) + quoted(engine)
        found += [Expression(f"json_of({name})", path, "json", ""), Expression(f"bson_type({name})", path, "type", "")]
        if place.kind in NATIVE:
            found.append(Expression(name, path, "native", place.kind))
        if place.kind == "string":
            found.append(Expression(f"coalesce({name}, 'none')", path, "or none", ""))
        if place.value_types and place.value_types <= {"string", "int", "long", "bool", "objectId", "decimal"}:
            found.append(Expression(f"as_text({name})", path, "text", ""))
        if place.kind == "array":
            found.append(Expression(f"len({name})", path, "length", ""))
            if place.element is not None and place.element.kind in NATIVE:
                found.append(Expression(name, path, "list", place.element.kind))
    return found


def alias_of(alias: str) -> str:
    return alias if alias in "xy" else f"{alias}.v"


@st.composite
def mappings(draw: st.DrawFn, root: Node, other: Node) -> Mapping_:
    """A mapping of documents of this shape, with a lookup into the other one by its `_id` perhaps."""
    rows: dict[str, Node] = {"x": root}
    unnests: list[Unnest] = []
    for alias in draw(st.sampled_from([(), (), ("a",), ("a", "b")])):
        of = draw(st.sampled_from(sorted(rows)))
        here = [((), (), rows[of])] if of != "x" else []
        arrays = [p for p in [*here, *reachable(rows[of])] if p[2].element is not None]
        if not arrays:
            continue
        path, engine, node = draw(st.sampled_from(arrays))
        assert node.element is not None
        unnests.append(Unnest(of, alias, alias_of(of) + quoted(engine), path, draw(st.booleans())))
        rows[alias] = node.element
    lookup = None
    keys = [p for p in reachable(root) if p[2].kind == other.by_name["_id"].kind and p[2].kind in NATIVE - {"date"}]
    if keys and draw(st.sampled_from([False, True])):
        path, engine, _ = draw(st.sampled_from(keys))
        lookup = Lookup("x" + quoted(engine), path, draw(st.booleans()))
        rows["y"] = other
    outputs: list[tuple[str, Expression]] = [("x", Expression("x._id", ("_id",), "native", root.by_name["_id"].kind))]
    outputs += [(f"{u.alias}.n", Expression(f"{u.alias}.n", (), "native", "long")) for u in unnests]
    for alias, node in rows.items():
        choices = expressions(node, alias)
        if choices:
            outputs += [(alias, e) for e in draw(st.lists(st.sampled_from(choices), max_size=3))]
    return Mapping_(tuple(unnests), lookup, tuple(outputs))


__all__ = ["Decimal128", "Mapping_", "mappings"]
