"""Names of the outputs of an inverse: the place in the record that each fills, in the names that SQL has for fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crossfade.model.quoting import identifier
from crossfade.model.shape import Node, Path, escape_step

_STEP = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')


def output_name(steps: Sequence[str]) -> str:
    """Return the name of an output. A step that holds a dot or a quote, or nothing, is quoted.

    >>> output_name(["profile", "firstName"]), output_name(["a.b", ""])
    ('profile.firstName', '"a.b".""')
    """
    return ".".join(step if step and not set(step) & {".", '"'} else identifier(step) for step in steps)


def steps_of(name: str) -> tuple[str, ...]:
    """Return the steps of an output's name. Raises ValueError if it is not one.

    >>> steps_of('profile."a.b"')
    ('profile', 'a.b')
    """
    steps: list[str] = []
    at = 0
    while at < len(name) or not steps or name[at - 1] == ".":
        found = _STEP.match(name, at)
        if found is None:
            raise ValueError(f"{name!r} is not the name of a place")
        steps.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
        if at < len(name) and name[at] != ".":
            raise ValueError(f"{name!r} is not the name of a place")
        at += 1
        if at > len(name):
            break
    return tuple(steps)


def path_of(root: Node, steps: Sequence[str]) -> Path:
    """Return the path of the place that is meant: a step is the engine's name of a field, or, if none has it, its own
    (a field that the survey did not see).
    """
    return tuple(_walked(root, steps))


def _walked(node: Node | None, steps: Sequence[str]) -> Iterator[str]:
    for step in steps:
        node = None if node is None else node.by_engine.get(step) or node.by_name.get(step)
        yield escape_step(step if node is None else node.name)


__all__ = ["output_name", "path_of", "steps_of"]
