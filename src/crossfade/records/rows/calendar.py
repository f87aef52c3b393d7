"""Days and moments as PostgreSQL prints them, and back: Python's calendar ends with 9999 and has no years BC."""

from __future__ import annotations

import re

DAY = 86_400_000_000
"""Microseconds."""
_DAYS_TO_1970 = 719_468  # from 0000-03-01, where the calendar below begins

_DATE = re.compile(r"([0-9]{4,})-([0-9]{2})-([0-9]{2})( BC)?")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?")
_MOMENT = re.compile(r"([0-9]{4,}-[0-9]{2}-[0-9]{2}) ([0-9:.]+)(?:\+00)?( BC)?")


def date(days: int) -> str:
    """Format days since 1970.

    >>> date(0), date(-719529)
    ('1970-01-01', '0002-12-31 BC')
    """
    text, era = _date_and_era(days)
    return text + era


def time(micros: int) -> str:
    """Format microseconds since midnight, with the digits that are needed.

    >>> time(0), time(36_610_500_000)
    ('00:00:00', '10:10:10.5')
    """
    seconds, part = divmod(micros, 1_000_000)
    digits = f".{part:06}".rstrip("0") if part else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}"


def timestamp(micros: int, zone: str = "") -> str:
    """Format microseconds since 1970.

    >>> timestamp(1_500_000, "+00")
    '1970-01-01 00:00:01.5+00'
    """
    days, of_day = divmod(micros, DAY)
    text, era = _date_and_era(days)
    return f"{text} {time(of_day)}{zone}{era}"


def days_of(text: str) -> int:
    """Return the days since 1970 of a date. Raises ValueError for other text.

    >>> days_of("0002-12-31 BC")
    -719529
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date")
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    return _days(1 - year if found[4] else year, month, day)


def micros_of_day(text: str) -> int:
    """Return the microseconds since midnight of a time. Raises ValueError for other text."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time")
    seconds = (int(found[1]) * 60 + int(found[2])) * 60 + int(found[3])
    return seconds * 1_000_000 + int((found[4] or "").ljust(6, "0"))


def micros_of(text: str) -> int:
    """Return the microseconds since 1970 of a moment, in UTC or without a zone. Raises ValueError for other text."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a timestamp")
    return days_of(found[1] + (found[3] or "")) * DAY + micros_of_day(found[2])


def _date_and_era(days: int) -> tuple[str, str]:
    """Return year, month and day of the proleptic Gregorian calendar, and the era."""
    era, of_era = divmod(days + _DAYS_TO_1970, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    day = of_year - (153 * shifted + 2) // 5 + 1
    return (f"{year if year > 0 else 1 - year:04}-{month:02}-{day:02}", "" if year > 0 else " BC")


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _DAYS_TO_1970
