"""Numbers of controllers and of runs, by which a store knows the newest.

A store outlives journals: a target that was created again begins with an empty one, and a source may have several
moves, each with a journal of its own. So numbers follow the clock, and a controller's token also identifies its move.
"""

from __future__ import annotations

import secrets
import time

from crossfade.stores.contract import MOVE_BITS

_FIRST_BY_CLOCK = 1 << 48
"""Tokens below were counted up from 1, by versions whose tokens did not say of which move they are."""


def next_number(last: int) -> int:
    """Return a number greater than the last one, and than those that other journals gave before."""
    return max(last + 1, time.time_ns() // 1_000_000)


def next_token(last: int) -> int:
    """Return a controller's token: like `next_number`, with the same low bits in all tokens of a journal."""
    move = last % (1 << MOVE_BITS) if last >= _FIRST_BY_CLOCK else secrets.randbits(MOVE_BITS)
    return next_number(last >> MOVE_BITS) << MOVE_BITS | move


def is_of_same_move(token: int, own: int) -> bool:
    """Return whether a store's token (0: it has none) was given by the journal whose last token is `own`."""
    if 0 < token < _FIRST_BY_CLOCK:
        return True  # nothing says that it is of another one
    return token > 0 and own > 0 and (token - own) % (1 << MOVE_BITS) == 0
