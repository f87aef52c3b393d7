"""Durations as people write them: `90s`, `30m`, `2h`, `7d`."""

from __future__ import annotations

import re

from crossfade.errors import Misused

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> float:
    """Return the seconds. Raises Misused for another text.

    >>> seconds_of("1h30m")
    5400.0
    """
    found = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found or "".join(n + unit for n, unit in found) != text:
        raise Misused(f"not a duration: {text!r}; nothing was changed", hint="90s, 30m, 2h, 7d or 1h30m")
    return float(sum(float(n) * _SECONDS[unit] for n, unit in found))
