"""Crossfade moves an application's data from one database to another, loses nothing, and proves it.

The public API is what this module exports: `load_project` reads a project's folder, `Move` has a method for each step,
`errors` are the exceptions, and `events` are the values passed to a listener (docs/reference/python.md). Each name is
loaded on first use: importing the package starts nothing and costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers accept; importing typing would take time before Ctrl-C is handled
if TYPE_CHECKING:
    from typing import Any

    from crossfade import errors
    from crossfade.model import events
    from crossfade.move import Move
    from crossfade.project import Project, load_project

__all__ = ["Move", "Project", "__version__", "errors", "events", "load_project"]

_HOME = {
    "Move": ("crossfade.move", "Move"),
    "Project": ("crossfade.project", "Project"),
    "errors": ("crossfade.errors", None),
    "events": ("crossfade.model.events", None),
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
