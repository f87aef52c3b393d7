"""What a random sample says about all records."""

from __future__ import annotations

import math


def at_most(found: int, of: int, confidence: float = 0.95) -> float:
    """Return an upper bound of the share of records that differ, if `found` of a random sample `of` do: the exact one
    of Clopper and Pearson. By default it is too low for at most 5 % of all samples.

    >>> f"{at_most(0, 29_956):.4%}"
    '0.0100%'
    """
    if found >= of:
        return 1.0
    low, high = found / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _chance(found, of, middle) > 1 - confidence else (low, middle)
    return high


def _chance(found: int, of: int, share: float) -> float:
    """Return the probability of at most `found` in a sample `of`, if the share is this."""
    one, other = math.log(share), math.log1p(-share) if share < 1 else -math.inf
    return sum(
        math.exp(math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * one + (of - k) * other)
        for k in range(found + 1)
    )


__all__ = ["at_most"]
