"""What a store does not do of a contract, each with the reason: marks of the conformance tests.

    notimpl   it could be built
    notyet    it is planned
    never     it cannot be, for this reason

Marked tests run all the same. One that passes fails the suite: the mark is then removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

KINDS = {"notimpl": "not built", "notyet": "planned", "never": "cannot be"}


@dataclass(frozen=True)
class Gap:
    """`kind` is one of KINDS."""

    kind: str
    reason: str


def notimpl(*stores: str, reason: str) -> pytest.MarkDecorator:
    return pytest.mark.notimpl(*stores, reason=reason)


def notyet(*stores: str, reason: str) -> pytest.MarkDecorator:
    return pytest.mark.notyet(*stores, reason=reason)


def never(*stores: str, reason: str) -> pytest.MarkDecorator:
    return pytest.mark.never(*stores, reason=reason)


def gap_of(marks: Iterable[pytest.Mark], store: str) -> Gap | None:
    """Return the gap that the marks of a test declare for a store. Raises ValueError for an unknown store."""
    from kinds import NAMES

    found = None
    for mark in marks:
        if mark.name not in KINDS:
            continue
        if unknown := set(mark.args) - set(NAMES):
            raise ValueError(f"{mark.name} names no store: {', '.join(sorted(unknown))}")
        if store in mark.args:
            found = Gap(mark.name, mark.kwargs["reason"])
    return found


def parameter(value: Any, marks: Iterable[pytest.Mark], store: str, absent: Gap | None = None) -> Any:
    """Return the parameter of a test for this store: one with a gap has to fail (or without the part)."""
    gap = absent or gap_of(marks, store)
    if gap is None:
        return pytest.param(value, id=store)
    return pytest.param(value, id=store, marks=pytest.mark.xfail(strict=True, reason=f"{gap.kind}: {gap.reason}"))
