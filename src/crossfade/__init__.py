"""Crossfade carries a running application's data from one database to another, with nothing lost and a proof.

The public API is what this module exports: `load_project` reads a project's folder, `Move` has a method for each step,
`errors` are what it raises, and `events` what its methods tell a listener (docs/reference/python.md). Everything below
is loaded when it is first asked for: importing the package starts nothing and costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as the type checkers know it: the typing module would be loaded before Ctrl-C is handled
if TYPE_CHECKING:
    from typing import Any

    from crossfade import errors
    from crossfade.move import Move, events
    from crossfade.project import Project, load_project

__all__ = ["Move", "Project", "__version__", "errors", "events", "load_project"]

_HOME = {
    "Move": ("crossfade.move", "Move"),
    "Project": ("crossfade.project", "Project"),
    "errors": ("crossfade.errors", None),
    "events": ("crossfade.move.events", None),
    "load_project": ("crossfade.project", "load_project"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("crossfade")
    if name not in _HOME:
        raise AttributeError(f"module 'crossfade' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOME[name]
    found = import_module(module)
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
