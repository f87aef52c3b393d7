"""The contract of an editor: the part of a codec that changes records, or makes new ones, from rebuilt values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from crossfade.model.shape import Path


class Editor(Protocol):
    """Made for a shape. Values are those of model/rebuilt.py, by the names of places (model/inverse_names.py)."""

    def edit(self, old: bytes | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> bytes:
        """Return the record in which everything that differs between `before` and `after` is as in `after`, and all
        else as it was: the same bytes if nothing differs. Without `old` return a new record with what is in `after`.

        Raises CannotStore if the record has no place for a value.
        """
        ...

    def without(self, raw: bytes, paths: Collection[Path]) -> bytes:
        """Return the record without the values at these paths."""
        ...


def same(one: object, other: object) -> bool:
    """Return whether two rebuilt values are identical. 0.0 and -0.0 are not; NaN is itself."""
    return one is other or (type(one) is type(other) and repr(one) == repr(other))
