"""Applications that try to write to both sides all the while."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from switch_stores import FIRST, UNTOUCHED, Customer, Refused, Rows, Side, Told

OLD, NEW = "old", "new"
WRITERS = 2
PAUSE = 0.1


class Writer(threading.Thread):
    """Each has customers of its own, so that the last write of a customer is known. It writes where it was not refused,
    and tries the other side in between. `error`: what a write raised that was not refused.
    """

    def __init__(
        self,
        number: int,
        seed: int,
        told: Told,
        old: Callable[[], Side],
        new: Callable[[], Rows],
        stop: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self._number, self._told, self._stop_it = number, told, stop
        self._rng = random.Random(f"{seed} {number}")
        self._open = {OLD: old, NEW: new}
        self._next = FIRST + number
        self.refused = {OLD: 0, NEW: 0}
        self.error: Exception | None = None

    def run(self) -> None:
        sides = {OLD: self._open[OLD](), NEW: self._open[NEW]()}
        try:
            self._write_on(sides)
        except Exception as error:
            self.error = error
        for side in sides.values():
            side.close()

    def _write_on(self, sides: dict[str, Side]) -> None:
        likely, known = OLD, False
        while not self._stop_it.wait(PAUSE):
            # an application comes to the target when that is closed for the first time
            known = known or sides[NEW].is_closed()  # type: ignore[attr-defined]
            chosen = likely if self._rng.random() < 0.7 or not known else _other(likely)
            n, old, new = self._change()
            begun = time.monotonic()
            try:
                sides[chosen].put(n, old, new)
            except Refused:
                self.refused[chosen] += 1
                if chosen == likely and known:
                    likely = _other(likely)
                continue
            likely = chosen
            self._told.note(chosen, begun, n, new)

    def _change(self) -> tuple[int, Customer | None, Customer | None]:
        rng, there = self._rng, self._own()
        kind = rng.random()
        if kind < 0.15 or len(there) < 4:
            self._next += WRITERS
            return self._next, None, Customer(f"n{self._next}", 1, _orders(rng))
        n = rng.choice(there)
        old = self._told.customers[n]
        if kind < 0.22:
            return n, old, None
        changed = replace(old, email=f"{old.email.split()[0]} {rng.randrange(10**6)}", visits=old.visits + 1)
        return n, old, replace(changed, orders=_orders(rng)) if kind < 0.5 else changed

    def _own(self) -> list[int]:
        mine = [n for n in list(self._told.customers) if n % WRITERS == self._number]
        return [n for n in mine if not FIRST - UNTOUCHED <= n < FIRST]


def _other(side: str) -> str:
    return OLD if side == NEW else NEW


def _orders(rng: random.Random) -> tuple[tuple[int, int], ...]:
    return tuple((no, rng.randrange(1000)) for no in sorted(rng.sample(range(6), rng.randrange(4))))


@contextmanager
def writing(seed: int, told: Told, old: Callable[[], Side], new: Callable[[], Rows]) -> Iterator[list[Writer]]:
    stop = threading.Event()
    writers = [Writer(number, seed, told, old, new, stop) for number in range(WRITERS)]
    for one in writers:
        one.start()
    try:
        yield writers
    finally:
        stop.set()
        for one in writers:
            one.join(60)
