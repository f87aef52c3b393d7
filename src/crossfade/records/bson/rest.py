"""The remainder of a document without the paths that mappings mention."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossfade.model.shape import ELEMENT, ENTRY, Path, unescape_step
from crossfade.records.bson.plain import plain
from crossfade.records.forms import TEXT, Form, by_value

# None removes the value at the place; a mapping removes what it names inside the value.
Cut = dict[str, Any]

NOTHING = object()


def rest_form(without: Iterable[Path]) -> Form:
    """Return the form `rest`: plain JSON text, or NULL if nothing is left."""
    cut = cut_of(without)

    def text(value: Any) -> str | None:
        left = remove(value, cut)
        return None if left is NOTHING or left == {} else plain(left)

    return by_value(text, TEXT)


def cut_of(paths: Iterable[Path]) -> Cut | None:
    """Return the paths as a tree of steps, or None if everything is removed (the empty path)."""
    tree: Cut = {}
    for path in sorted(paths, key=len):
        if not path:
            return None
        at = tree
        for step in path[:-1]:
            below = at.setdefault(step, {})
            if below is None:  # the parent is removed already
                break
            at = below
        else:
            at[path[-1]] = None
    return tree


def remove(value: Any, cut: Cut | None) -> Any:
    """Return the value without what `cut` names, or NOTHING if that is all of it.

    An object that becomes empty is removed; one that was empty before is kept. An array keeps its positions: an
    element that is removed becomes null, unless all of them are removed.
    """
    if cut is None:
        return NOTHING
    if type(value) is dict:
        return _from_object(value, cut)
    return _from_array(value, cut) if type(value) is list and ELEMENT in cut else value


def _from_object(value: dict[str, Any], cut: Cut) -> Any:
    by_name = {unescape_step(step): below for step, below in cut.items() if step not in (ELEMENT, ENTRY)}
    if ENTRY in cut:  # of a map: the same is removed from every value
        by_name = {name: by_name.get(name, cut[ENTRY]) for name in value}
    left: dict[str, Any] = {}
    for name, child in value.items():
        rest = remove(child, by_name[name]) if name in by_name else child
        if rest is not NOTHING:
            left[name] = rest
    return left if left or not value else NOTHING


def _from_array(value: list[Any], cut: Cut) -> Any:
    elements = [remove(child, cut[ELEMENT]) for child in value]
    if value and all(child is NOTHING for child in elements):
        return NOTHING
    return [None if child is NOTHING else child for child in elements]
