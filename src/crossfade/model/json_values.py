"""Compare JSON as jsonb does: key order and white space are ignored, the last of equal keys counts, numbers are exact.

Python's equality is fast but not exact: `true` equals 1, and the usual parsers round numbers to doubles. So the fast
path is used only where neither matters; all other texts are parsed with Decimals and compared type by type.
"""

from __future__ import annotations

import functools
import json
import re
import secrets
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model import json_text

# A double may not hold a number of 16 or more characters, or with an exponent, exactly. A number is at the start or
# after one of `:[,`. If a text contains such characters inside quotes, it only takes the slow path.
_RISKY_NUMBER = r"(?:^|[:\[,])[ \t\r\n]*-?(?:[0-9.]{16,}|[0-9.]+[eE])"
_EXPONENT = r"[eE][-+]?[0-9]+"
_NUMBERS = re.compile(rf"(?:^|[:\[,])[ \t\r\n]*(-?(?:[0-9.]{{16,}}(?:{_EXPONENT})?|[0-9.]+{_EXPONENT}))")
_MANY = 500  # pairs parsed at once: with more, Python's garbage collector would scan objects that are still in use
_FEW = 16  # pairs that are compared one by one instead of being divided further
_MARK = secrets.token_hex(12)  # separates texts that are parsed at once; no text can contain it
_BETWEEN = f',"{_MARK}",'


def differing_json(expected: Any, found: Any) -> Any:
    """Return Arrow booleans: which pairs of texts are different values. NULL equals NULL."""
    other = pc.invert(_same_text(expected, found))
    if not pc.any(other).as_py():
        return other
    present = pc.and_(expected.is_valid(), found.is_valid())
    risky = pc.or_(_risky(expected), _risky(found))
    wrong = [pc.indices_nonzero(pc.and_(other, pc.invert(present)))]
    for mask, compare in ((risky, _by_digits), (pc.invert(risky), _quickly)):
        places = pc.indices_nonzero(pc.and_(pc.and_(other, present), mask))
        if len(places):
            texts = expected.take(places).to_pylist(), found.take(places).to_pylist()
            wrong.append(places.take(pa.array(compare(*texts), pa.int64())))
    return _marked(len(other), pa.concat_arrays(wrong))


def differences_in(left: str, right: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two texts differ: the path (`$.a[0]`) and both values, `ABSENT` where one side has no value."""
    try:
        yield from _walk(parse_exactly(left), parse_exactly(right))
    except ValueError:
        yield "$", left, right


def canonical_json(text: str) -> str:
    """Return the same spelling for equal jsonb values, or the text itself if it is not JSON."""
    try:
        return write_json(parse_exactly(text))
    except ValueError:
        return text


class Absent:
    """The value of a path that does not exist. It differs from null."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


def _marked(size: int, places: Any) -> Any:
    if not len(places):
        return pa.nulls(size, pa.bool_()).fill_null(False)
    return pc.is_in(pa.array(range(size), pa.uint64()), value_set=places)


def _same_text(expected: Any, found: Any) -> Any:
    both_null = pc.and_(pc.is_null(expected), pc.is_null(found))
    return pc.or_(pc.fill_null(pc.equal(expected, found), False), both_null)


def _risky(texts: Any) -> Any:
    return pc.fill_null(pc.match_substring_regex(texts, _RISKY_NUMBER), False)


def _exactly(left: list[str], right: list[str]) -> list[int]:
    """Return the indexes of the pairs that differ, each compared by the slow path."""
    return [i for i, pair in enumerate(zip(left, right, strict=True)) if not _exactly_equal(*pair)]


def _by_digits(left: list[str], right: list[str]) -> list[int]:
    """Do the same for texts with risky numbers. Use the fast path where both sides spell the same numbers.

    Doubles then distinguish the numbers, unless two numbers of a text become the same double.
    """
    alike = [_same_risky(one, other) for one, other in zip(left, right, strict=True)]
    wrong: list[int] = []
    for wanted, compare in ((True, _quickly), (False, _exactly)):
        places = [i for i, same in enumerate(alike) if same is wanted]
        found = compare([left[i] for i in places], [right[i] for i in places])
        wrong += [places[i] for i in found]
    return wrong


def _same_risky(left: str, right: str) -> bool:
    numbers = sorted(_NUMBERS.findall(left))
    if numbers != sorted(_NUMBERS.findall(right)):
        return False
    distinct = set(numbers)
    try:
        return len(distinct) == len(set(map(float, distinct)))
    except ValueError:  # inside quotes, where any text is allowed
        return False


def _quickly(left: list[str], right: list[str]) -> list[int]:
    """Do the same for texts without risky numbers, many at once."""
    parts = range(0, len(left), _MANY)
    return [i for at in parts for i in _halving(left[at : at + _MANY], right[at : at + _MANY], at)]


def _halving(left: list[str], right: list[str], start: int) -> list[int]:
    """Compare all at once. Divide them in halves only if something differs."""
    if _all_equal(left, right):
        return []
    if len(left) <= _FEW:
        pairs = enumerate(zip(left, right, strict=True), start)
        return [i for i, (one, other) in pairs if not _all_equal([one], [other]) and not _exactly_equal(one, other)]
    half = len(left) // 2
    return _halving(left[:half], right[:half], start) + _halving(left[half:], right[half:], start + half)


def _all_equal(left: list[str], right: list[str]) -> bool:
    """Return True if all pairs are certainly equal. Marks between texts keep an invalid text apart from the next."""
    one, other = (f"[{_BETWEEN.join(texts)}]" for texts in (left, right))
    try:
        values = orjson.loads(one), orjson.loads(other)
        same = values[0] == values[1]
        if not same or values[0][1::2] != [_MARK] * (len(left) - 1) or len(values[0]) != 2 * len(left) - 1:
            return False
        return not (_has_literal(one) or _has_literal(other)) or _sorted(values[0]) == _sorted(values[1])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):  # or nested too deeply for either
        return False


def _has_literal(text: str) -> bool:
    return "true" in text or "false" in text


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@functools.lru_cache(maxsize=256)  # a value that occurs in many rows is compared once
def _exactly_equal(left: str, right: str) -> bool:
    try:
        return _equal(parse_exactly(left), parse_exactly(right))
    except ValueError:
        return left == right


def parse_exactly(text: str) -> Any:
    """Parse JSON of any depth, with every number as a Decimal and the last of equal keys. Raises ValueError if the text
    is not JSON.
    """
    try:
        return json.loads(text, parse_float=json_text.number, parse_int=json_text.number, parse_constant=_no_constant)
    except RecursionError:
        return json_text.parse(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _equal(left: Any, right: Any) -> bool:
    return next(_walk(left, right), None) is None


def _walk(left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield every pair of values that differ, in order. Compare types first, because in Python True equals 1."""
    waiting = [("$", left, right)]
    while waiting:
        path, one, other = waiting.pop()
        if type(one) is not type(other):
            yield path, one, other
        elif isinstance(one, dict):
            names = [*one, *(n for n in other if n not in one)]
            waiting += [(f"{path}.{n}", one.get(n, ABSENT), other.get(n, ABSENT)) for n in reversed(names)]
        elif isinstance(one, list):
            both = list(enumerate(zip_longest(one, other, fillvalue=ABSENT)))
            waiting += [(f"{path}[{i}]", *pair) for i, pair in reversed(both)]
        elif one != other:
            yield path, one, other


def write_json(value: Any) -> str:
    """Return a parsed value as compact text, with sorted keys and each number in its shortest plain notation."""
    return "nothing" if value is ABSENT else json_text.write(value, _digits)


def _digits(value: Any) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    exponent += len(text) - len(significant)
    if not significant:
        return "0"
    mark = "-" if sign else ""
    if 0 <= exponent <= 30:
        return mark + significant + "0" * exponent
    if -30 <= exponent < 0:
        padded = significant.rjust(1 - exponent, "0")
        return f"{mark}{padded[:exponent]}.{padded[exponent:]}"
    return f"{mark}{significant}e{exponent}"
