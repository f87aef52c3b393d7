"""How a table differs from what the survey saw of it: its columns, and its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from crossfade.model.shape import Node, Shape
from crossfade.records.rows.types import key_names


def differences(
    shape: Shape,
    now: Mapping[str, str],
    key: Sequence[str],
    *,
    more: bool = False,
    same: Callable[[str, Node], bool] = lambda name, node: True,
) -> list[str]:
    """Return a sentence for each difference. `now`: the declared types of the columns that the table has, by their
    names; `same` says whether a column still has the type that was seen. With `more`, columns may have been added.
    """
    then = shape.root.by_name
    if not then:
        return []
    new = () if more else now.keys() - then.keys()
    found = [f"the column {name!r}{_of_type(now[name])} is new" for name in sorted(new)]
    found += [f"the column {name!r} is gone" for name in sorted(then.keys() - now.keys())]
    found += [
        f"the column {name!r} was {_declared(then[name])}, and is {now[name]}"
        for name in sorted(then.keys() & now.keys())
        if not same(name, then[name])
    ]
    if not found and tuple(key) != key_names(shape):
        found = [f"its key was ({', '.join(key_names(shape))}), and is ({', '.join(key)})"]
    return found


def _of_type(declared: str) -> str:
    return f" of type {declared}" if declared else ""


def _declared(node: Node) -> str:
    return node.declared or " or ".join(sorted(node.value_types)) or "of an unknown type"
