"""Check constants of a mapping that DuckDB would read as another value: numbers, and the count of an INTERVAL."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlglot import exp

from crossfade.mapping.language.resolve import Wrong
from crossfade.model.sql_constants import is_double

_DECIMAL_DIGITS = 38
_WHOLE_BITS = 128
_DIGITS_OF_UNIT = {
    **dict.fromkeys(("S", "SEC", "SECS", "SECOND", "SECONDS"), 6),
    **dict.fromkeys(("MS", "MSEC", "MSECS", "MILLISECOND", "MILLISECONDS"), 3),
}
"""The units of which DuckDB accepts fractions, down to a microsecond. For other units it truncates the fraction."""
_FRACTION = re.compile(r"[0-9]*\.([0-9]+)\s*([A-Za-z]*)")


def refuse_number(node: exp.Literal) -> None:
    """Raise Wrong if DuckDB would round a number constant, or turn it into infinity or zero."""
    text = node.name.replace("_", "")
    if node.is_int:
        if int(text).bit_length() > _WHOLE_BITS:
            raise Wrong(node, f"{node.name} has more digits than DuckDB's integers", f"'{node.name}' as text")
        return
    number = Decimal(text)
    is_decimal = "e" not in text.lower() and len(number.as_tuple().digits) <= _DECIMAL_DIGITS
    if not is_decimal and not is_double(number):
        raise Wrong(node, f"DuckDB would read {node.name} as the double {float(number)!r}", f"'{node.name}' as text")


def counts_exactly(node: exp.Interval) -> exp.Expr:
    """Return an INTERVAL with an integer count, or with a double if the unit has fractions. Raises Wrong for a constant
    that DuckDB would truncate.
    """
    unit = node.args["unit"].name.upper() if node.args.get("unit") else ""
    if isinstance(node.this, exp.Literal):
        _refuse_interval(node, unit)
        return node
    if not unit:
        return node
    if unit in ("US", "USEC", "USECS", "MICROSECOND", "MICROSECONDS"):  # DuckDB converts the count to a double
        return exp.Anonymous(this="to_microseconds", expressions=[exp.cast(node.this.copy(), "bigint")])
    out = node.copy()
    out.set("this", exp.paren(exp.cast(node.this.copy(), "double" if unit in _DIGITS_OF_UNIT else "bigint")))
    return out


def _refuse_interval(node: exp.Interval, unit: str) -> None:
    text = node.this.name
    spread = not unit or node.args.get("fraction_in_string")  # '1.5 days' is 1 day and 12 hours
    for digits, named in _FRACTION.findall(text):
        of = (named or unit).upper()
        most = _DIGITS_OF_UNIT.get(of, 6 if spread else 0)
        if len(digits.rstrip("0")) > most:
            raise Wrong(
                node, f"DuckDB would truncate the fraction of INTERVAL {text} {unit}".rstrip(), "a smaller unit"
            )
