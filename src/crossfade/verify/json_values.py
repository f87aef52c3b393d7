"""JSON as jsonb understands it: key order and white space do not count, of equal keys the last does, numbers are exact.

Python's own equality is fast and nearly right: it takes `true` for 1, and the usual parsers round numbers to doubles.
So the fast road is only taken where neither matters; all others are parsed with Decimals and compared type by type.
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

# A number of 16 characters or more, or with an exponent, might not survive a double. It stands at the start or after
# one of `:[,`; where a text holds such a thing inside quotes, the slow road is merely slow.
_RISKY_NUMBER = r"(?:^|[:\[,])[ \t\r\n]*-?(?:[0-9.]{16,}|[0-9.]+[eE])"
_EXPONENT = r"[eE][-+]?[0-9]+"
_NUMBERS = re.compile(rf"(?:^|[:\[,])[ \t\r\n]*(-?(?:[0-9.]{{16,}}(?:{_EXPONENT})?|[0-9.]+{_EXPONENT}))")
_MANY = 500  # pairs that are parsed in one go: of more, Python's collector would go through what is still in use
_FEW = 16  # pairs that are not worth halving any more
_MARK = secrets.token_hex(12)  # stands between texts that are parsed in one go; no text can hold it
_BETWEEN = f',"{_MARK}",'


def differing_json(expected: Any, found: Any) -> Any:
    """Which pairs of texts are different values: booleans in Arrow. A NULL beside a NULL is equal."""
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
    """Places where two texts differ: the path (`$.a[0]`), and both values there; `ABSENT` where a side has none."""
    try:
        yield from _walk(parse_exactly(left), parse_exactly(right))
    except ValueError:
        yield "$", left, right


def canonical_json(text: str) -> str:
    """One spelling for each jsonb value; the text itself where it is no JSON."""
    try:
        return write_json(parse_exactly(text))
    except ValueError:
        return text


class Absent:
    """Nothing there: not even null."""

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
    """The places of the pairs that differ, each compared by the slow road."""
    return [i for i, pair in enumerate(zip(left, right, strict=True)) if not _exactly_equal(*pair)]


def _by_digits(left: list[str], right: list[str]) -> list[int]:
    """The same for texts with risky numbers: quickly after all where both write the same ones, digit by digit.

    A double then tells them apart, as long as no two of a text are one double.
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
    except ValueError:  # inside quotes, where anything may stand
        return False


def _quickly(left: list[str], right: list[str]) -> list[int]:
    """The same for texts without risky numbers: many in one go."""
    parts = range(0, len(left), _MANY)
    return [i for at in parts for i in _halving(left[at : at + _MANY], right[at : at + _MANY], at)]


def _halving(left: list[str], right: list[str], start: int) -> list[int]:
    """All in one go, and in halves only where something differs."""
    if _all_equal(left, right):
        return []
    if len(left) <= _FEW:
        pairs = enumerate(zip(left, right, strict=True), start)
        return [i for i, (one, other) in pairs if not _all_equal([one], [other]) and not _exactly_equal(one, other)]
    half = len(left) // 2
    return _halving(left[:half], right[:half], start) + _halving(left[half:], right[half:], start + half)


def _all_equal(left: list[str], right: list[str]) -> bool:
    """True when all pairs are surely equal. The marks between texts keep a broken one from joining its neighbours."""
    one, other = (f"[{_BETWEEN.join(texts)}]" for texts in (left, right))
    try:
        values = orjson.loads(one), orjson.loads(other)
        same = values[0] == values[1]
    except (orjson.JSONDecodeError, RecursionError):  # or nested deeper than Python compares
        return False
    if not same or values[0][1::2] != [_MARK] * (len(left) - 1) or len(values[0]) != 2 * len(left) - 1:
        return False
    return not (_has_literal(one) or _has_literal(other)) or _sorted(values[0]) == _sorted(values[1])


def _has_literal(text: str) -> bool:
    return "true" in text or "false" in text


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@functools.lru_cache(maxsize=256)  # a value that stands in many rows is compared once
def _exactly_equal(left: str, right: str) -> bool:
    try:
        return _equal(parse_exactly(left), parse_exactly(right))
    except ValueError:
        return left == right


def parse_exactly(text: str) -> Any:
    """JSON with every number a Decimal, however deep. Raises ValueError for what is no JSON; of equal keys the last
    counts.
    """
    try:
        return json.loads(text, parse_float=json_text.number, parse_int=json_text.number, parse_constant=_no_constant)
    except RecursionError:
        return json_text.parse(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _equal(left: Any, right: Any) -> bool:
    return next(_walk(left, right), None) is None


def _walk(left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every pair of values that differ, in order. Types first: for Python, True is 1."""
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
    """A parsed value as compact text, keys sorted, each number by its shortest plain digits."""
    return "nothing" if value is ABSENT else json_text.write(value, _digits)


def _digits(value: Any) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    exponent += len(text) - len(kept)
    if not kept:
        return "0"
    mark = "-" if sign else ""
    if 0 <= exponent <= 30:
        return mark + kept + "0" * exponent
    if -30 <= exponent < 0:
        padded = kept.rjust(1 - exponent, "0")
        return f"{mark}{padded[:exponent]}.{padded[exponent:]}"
    return f"{mark}{kept}e{exponent}"
