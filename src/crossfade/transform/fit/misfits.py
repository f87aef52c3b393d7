"""Values that do not fit their column: which rows, and why. The reasons are listed in docs/reference/errors.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SHOWN = 80  # characters of a value that a message shows


@dataclass(frozen=True, slots=True)
class Misfit:
    """Row `row` of the mapped table does not fit `column`. `reason` is a stable word; `message` is for people."""

    row: int
    column: str
    reason: str
    message: str


class Misfits:
    """Gathers what does not fit of one column: the first reason of each row counts."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[str, str]] = {}

    def add(self, row: int, reason: str, message: str) -> None:
        self.found.setdefault(row, (reason, message))

    def where(self, mask: Any, values: Any, reason: str, say: Callable[[str], str]) -> Any:
        """`values` with NULL where `mask` is true; those rows are noted, with what `say` makes of the value."""
        if not pc.any(mask).as_py():
            return values
        for row in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
            self.add(row, reason, say(shown(values[row])))
        return pc.if_else(pc.fill_null(mask, False), pa.scalar(None, values.type), values)

    def outside(self, numbers: Any, bounds: tuple[int, int], say: Callable[[str], str]) -> Any:
        """Signed integers as `where` gives them, for those that are below or above the bounds."""
        least, greatest = pc.min_max(numbers).as_py().values()
        if least is None or (bounds[0] <= least and greatest <= bounds[1]):  # one look, as is usual
            return numbers
        beyond = pc.or_(pc.less(numbers, bounds[0]), pc.greater(numbers, bounds[1]))
        return self.where(beyond, numbers, "out_of_range", say)

    def each(self, values: Any, to: Any, convert: Callable[[Any], Any]) -> Any:
        """The slow road: `convert` for each value that is not NULL; what it raises as `Unfit` is noted."""
        out: list[Any] = []
        for row, value in enumerate(values.to_pylist()):
            try:
                out.append(None if value is None else convert(value))
            except Unfit as unfit:
                self.add(row, unfit.reason, unfit.message)
                out.append(None)
        return pa.array(out, to)


class Unfit(Exception):
    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(message)


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, whatever it is."""
    if isinstance(value, pa.Scalar):
        value = _python(value)
    text = str(value) if isinstance(value, (int, float, str)) and not isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}… ({len(text)} characters)"


def _python(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):  # a date that Python has no word for
        return getattr(scalar, "value", str(scalar))
