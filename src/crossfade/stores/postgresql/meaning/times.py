"""Parse dates, times, timestamps and intervals as exact fractions of a microsecond."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from crossfade.stores.postgresql.meaning.reading import Unread

Exact = int | Fraction | str
DAY = 86_400_000_000

_ZONE = r"(?P<zone>[zZ]|[uU][tT][cC]|[gG][mM][tT]|[+-][0-9]{1,2}(?::?[0-9]{2})?(?::[0-9]{2})?)?"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]*)?))?"
_MOMENT = re.compile(
    rf"(?P<year>[0-9]{{4,7}})-?(?P<month>[0-9]{{2}})-?(?P<day>[0-9]{{2}})(?:(?:[tT]|\s+){_CLOCK}\s*{_ZONE})?"
    r"\s*(?P<era>[bB][cC]|[aA][dD])?"
)
_OF_DAY = re.compile(rf"{_CLOCK}\s*(?P<half>[aA][mM]|[pP][mM])?\s*{_ZONE}")
_ENDS = {"infinity": "infinity", "+infinity": "infinity", "-infinity": "-infinity"}


def moment(text: str) -> tuple[Exact, int | None]:
    """Return microseconds since 1970 in local time, and the offset in microseconds, or None without a zone."""
    text = text.strip()
    if end := _ENDS.get(text.lower()):
        return end, 0
    found = _MOMENT.fullmatch(text)
    if not found:
        raise Unread
    year = int(found["year"])
    if (found["era"] or "").upper() == "BC":
        year = 1 - year
    days = _days(year, int(found["month"]), int(found["day"]))
    clock = _clock(found) if found["hour"] else 0
    return days * DAY + clock, _offset(found["zone"])


def utc(text: str) -> Exact:
    """Parse a timestamp with a zone. Without one, its meaning depends on a setting."""
    at, offset = moment(text)
    if isinstance(at, str):
        return at
    if offset is None:
        raise Unread
    return at - offset


def without_zone(text: str) -> Exact:
    """Parse a timestamp without a zone, or a date. A type without zones would ignore a zone."""
    at, offset = moment(text)
    if offset is not None and not isinstance(at, str):
        raise Unread
    return at


def time(text: str) -> Exact:
    at, zone = _of_day(text)
    if zone is not None:
        raise Unread
    return at


def timetz(text: str) -> tuple[Exact, int]:
    at, zone = _of_day(text)
    if zone is None:
        raise Unread
    return at, zone


def _of_day(text: str) -> tuple[Exact, int | None]:
    found = _OF_DAY.fullmatch(text.strip())
    if not found:
        raise Unread
    at = _clock(found)
    if half := (found["half"] or "").lower():
        if not 1 <= int(found["hour"]) <= 12:
            raise Unread
        at += (12 * (half == "pm") - 12 * (int(found["hour"]) == 12)) * 3_600_000_000
    return at, _offset(found["zone"])


def _clock(found: re.Match[str]) -> Fraction:
    minutes = int(found["hour"]) * 60 + int(found["minute"])
    return (minutes * 60 + Fraction((found["second"] or "0").rstrip("."))) * 1_000_000


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    hours, rest = (digits[:-2], digits[-2:]) if len(digits) in (3, 4) else (digits[:2], digits[2:])
    minutes, seconds = rest[:2] or "0", rest[2:] or "0"
    micros = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1_000_000
    return -micros if zone[0] == "-" else micros


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970 of a Gregorian date. Raises Unread for an invalid day."""
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise Unread
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


# -- intervals

_UNITS = {
    "microsecond": ("us", 1),
    "millisecond": ("us", 1000),
    "second": ("us", 1_000_000),
    "minute": ("us", 60_000_000),
    "hour": ("us", 3_600_000_000),
    "day": ("day", 1),
    "week": ("day", 7),
    "month": ("month", 1),
    "year": ("month", 12),
    "decade": ("month", 120),
    "century": ("month", 1200),
    "millennium": ("month", 12_000),
}
_WORDS = {
    **{name: name for name in _UNITS},
    **{f"{name}s": name for name in _UNITS},
    **dict.fromkeys(("us", "usec", "usecs", "usecond", "useconds", "microsecon"), "microsecond"),
    **dict.fromkeys(("ms", "msec", "msecs", "msecond", "mseconds", "millisecon"), "millisecond"),
    **dict.fromkeys(("s", "sec", "secs"), "second"),
    **dict.fromkeys(("m", "min", "mins"), "minute"),
    **dict.fromkeys(("h", "hr", "hrs"), "hour"),
    "d": "day",
    "w": "week",
    **dict.fromkeys(("mon", "mons"), "month"),
    **dict.fromkeys(("y", "yr", "yrs"), "year"),
    **dict.fromkeys(("dec", "decs"), "decade"),
    **dict.fromkeys(("c", "cent", "centuries"), "century"),
    **dict.fromkeys(("mil", "mils", "millennia"), "millennium"),
}
_TOKEN = re.compile(
    r"\s*(?:(?P<clock>[+-]?[0-9]+:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]*)?)?)(?![0-9:.])"
    r"|(?P<years>[+-]?[0-9]+-[0-9]{1,2})(?![0-9-])"
    r"|(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"|(?P<word>[a-zA-Z]+))"
)
_ISO = re.compile(
    r"(?P<minus>-?)P(?:(?P<year>N)Y)?(?:(?P<month>N)M)?(?:(?P<week>N)W)?(?:(?P<day>N)D)?"
    r"(?:T(?=[-+.0-9])(?:(?P<hour>N)H)?(?:(?P<minute>N)M)?(?:(?P<second>N)S)?)?".replace(
        "N", r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
    )
)
_FIELDS = re.compile(r"^interval (?:\w+ to )?(year|month|day|hour|minute|second)")


class _Interval:
    def __init__(self) -> None:
        self.months, self.days, self.micros = 0, 0, Fraction(0)

    def add(self, value: Fraction, unit: str) -> None:
        """Add a value. A fraction is carried into smaller units, with 30 days a month and 24 hours a day."""
        part, factor = _UNITS[unit]
        value *= factor
        if part == "us":
            self.micros += value
            return
        whole = int(value)
        rest = value - whole
        if part == "day":
            self.days += whole
            self.micros += rest * DAY
            return
        self.months += whole
        if rest:
            self.add(rest * 30, "day")

    @property
    def value(self) -> tuple[int, int, Fraction]:
        return self.months, self.days, self.micros


def interval(text: str, sql: str) -> tuple[int, int, Fraction] | str:
    """Return months, days and microseconds. `sql` may set the unit of a bare number: in `interval day`, 5 is 5 days."""
    text = text.strip()
    if end := _ENDS.get(text.lower()):
        return end
    found = _ISO.fullmatch(text)
    read = _iso(found) if found and len(text.lstrip("-")) > 1 else _spoken(text.lower(), sql)
    return read.value


def _iso(found: re.Match[str]) -> _Interval:
    sign, read = (-1 if found["minus"] else 1), _Interval()
    for unit in ("year", "month", "week", "day", "hour", "minute", "second"):
        if found[unit]:
            read.add(sign * Fraction(found[unit].rstrip(".")), unit)
    return read


def _spoken(text: str, sql: str) -> _Interval:
    text = text.removeprefix("@").strip()
    ago = text.endswith("ago")
    tokens, read = list(_tokens(text.removesuffix("ago"))), _Interval()
    if not tokens:
        raise Unread
    bare = _FIELDS.match(sql)
    while tokens:
        kind, said = tokens.pop(0)
        if kind == "clock":
            read.add(_signed_clock(said), "microsecond")
        elif kind == "years":
            years, _, months = said.lstrip("+-").partition("-")
            sign = -1 if said.startswith("-") else 1
            read.add(Fraction(sign * (12 * int(years) + int(months))), "month")
        elif kind == "number":
            read.add(Fraction(said.rstrip(".")), _unit_of_next(tokens, bare[1] if bare else "second"))
        else:
            raise Unread
    if ago:
        read.months, read.days, read.micros = -read.months, -read.days, -read.micros
    return read


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or found.lastgroup is None:
            raise Unread
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def _unit_of_next(tokens: list[tuple[str, str]], bare: str) -> str:
    """Return the unit after a number: the next word, days before a time of day, or the type's own unit at the end."""
    if not tokens:
        return bare
    kind, said = tokens[0]
    if kind == "clock":
        return "day"
    if kind != "word" or said not in _WORDS:
        raise Unread
    tokens.pop(0)
    return _WORDS[said]


def _signed_clock(said: str) -> Fraction:
    parts = said.lstrip("+-").split(":")
    if len(parts) == 2 and "." in parts[1]:
        raise Unread
    hours, minutes, seconds = (*parts, "0")[:3]
    micros = (int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds.rstrip("."))) * 1_000_000
    return -micros if said.startswith("-") else micros
