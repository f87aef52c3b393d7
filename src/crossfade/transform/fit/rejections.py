"""Values that do not fit their column, by row, with the reason. docs/reference/errors.md lists the reasons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.rejection import Rejected

SHOWN = 80  # characters of a value that a message shows


class Rejections:
    """Collects the rejections of one column. The first reason of each row counts."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[str, str]] = {}

    def add(self, row: int, reason: str, message: str) -> None:
        self.found.setdefault(row, (reason, message))

    def where(self, mask: Any, values: Any, reason: str, say: Callable[[str], str]) -> Any:
        """Return `values` with NULL where `mask` is true. Record those rows with the message `say(value)`."""
        if not pc.any(mask).as_py():
            return values
        for row in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
            self.add(row, reason, say(shown(values[row])))
        return pc.if_else(pc.fill_null(mask, False), pa.scalar(None, values.type), values)

    def outside(self, numbers: Any, bounds: tuple[int, int], say: Callable[[str], str]) -> Any:
        """Return signed integers with NULL for those outside the bounds, and record them like `where`."""
        least, greatest = pc.min_max(numbers).as_py().values()
        if least is None or (bounds[0] <= least and greatest <= bounds[1]):  # the usual case: one comparison for all
            return numbers
        beyond = pc.or_(pc.less(numbers, bounds[0]), pc.greater(numbers, bounds[1]))
        return self.where(beyond, numbers, "out_of_range", say)

    def each(self, values: Any, to: Any, convert: Callable[[Any], Any]) -> Any:
        """Call `convert` for each value that is not NULL, which is slow. Record those that it rejects."""
        out: list[Any] = []
        for row, value in enumerate(values.to_pylist()):
            try:
                out.append(None if value is None else convert(value))
            except Rejected as why:
                self.add(row, why.reason, why.detail)
                out.append(None)
        return pa.array(out, to)


def shown(value: Any) -> str:
    """Format any value for a message: short and on one line."""
    if isinstance(value, pa.Scalar):
        value = _python(value)
    if isinstance(value, (date, time)):
        value = value.isoformat()
    text = str(value) if isinstance(value, (int, float)) else repr(value)
    size = len(value) if isinstance(value, str) else len(text)  # its own characters, not those of its notation
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}… ({size} characters)"


def _python(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):  # a date that Python cannot represent
        return getattr(scalar, "value", str(scalar))
