"""People who use an application all the while: what they ask for is seeded, and each answer that they got is noted.

    def act(person: Person) -> None:                     # one thing that somebody does
        made = person.ask("POST", "/notes", {"text": "..."})
        person.keep(f"/notes/{made['id']}", made)        # what is asked for later must be answered like this

    with Load(url, act, people=4, rate=40) as load:      # 40 acts a second, by 4 people
        load.wait(100)                                   # until 100 more writes were acknowledged
        load.report()                                    # everybody goes home; what they noticed, and what is lost

A 503 is taken as what it is: the same request is made again until it is accepted. Any other status than those that the
act expects, and any broken connection, is a surprise, and there must be none.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import httpx

from journeys.replay import differences

AGAIN_SECONDS = 0.05  # the application says "after a second"; asked sooner, the time of refusals is known better
REFUSED_LIMIT = 900.0  # longer than any fence or maintenance window takes, also on a busy machine
WAIT_SECONDS = 600.0
ANSWER_SECONDS = 120.0
OK = (httpx.codes.OK, httpx.codes.CREATED)


@dataclass
class Figures:
    """What came of all requests."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0  # writes
    longest: float = 0.0  # seconds from a request's first refusal to its acceptance
    slowest: float = 0.0  # seconds of an answer
    surprises: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.statuses[httpx.codes.SERVICE_UNAVAILABLE]


class Load:
    """See above. In the end everybody finishes what they do."""

    def __init__(
        self, url: str, act: Callable[[Person], None], *, people: int = 4, rate: float = 40, seed: int = 1
    ) -> None:
        self.url, self.figures = url, Figures()
        self._act, self._pause = act, people / rate
        self._lock, self._done = threading.Lock(), threading.Event()
        self._people = [Person(self, n, people, random.Random(f"{seed}/{n}")) for n in range(people)]
        self._threads = [threading.Thread(target=self._live, args=[one], daemon=True) for one in self._people]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def wait(self, writes: int) -> None:
        """Wait until so many more writes were acknowledged."""
        enough, deadline = self.figures.acknowledged + writes, time.monotonic() + WAIT_SECONDS
        while self.figures.acknowledged < enough:
            if self.figures.surprises:
                raise SystemExit(f"somebody was answered with an error: {self.figures.surprises[0]}")
            if time.monotonic() > deadline:
                raise SystemExit(f"no {writes} writes were acknowledged in {WAIT_SECONDS:g} s: {self.figures}")
            time.sleep(0.02)

    def lost(self) -> list[str]:
        """Ask for everything that is kept; return what is not answered as it was then, a sentence each."""
        kept = [(path, answer) for person in self._people for path, answer in list(person.kept.items())]
        with httpx.Client(base_url=self.url, timeout=ANSWER_SECONDS) as client:
            now = ((path, answer, client.get(path).json()) for path, answer in kept)
            return [f"{path}: {next(differences(old, new))}" for path, old, new in now if old != new]

    @property
    def kept(self) -> int:
        return sum(len(person.kept) for person in self._people)

    def report(self) -> bool:
        """Stop, and print the figures. Return whether nothing but the fence was noticed, and nothing was lost."""
        self.stop()
        found, lost = self.figures, self.lost()
        print(f"{found.requests:,} requests, the slowest answered in {found.slowest:.2f} s")
        print(f"{found.refused:,} answers were 503; the longest that a write was refused: {found.longest:.2f} s")
        print(f"{len(found.surprises)} other errors {found.surprises[:3] or ''}".rstrip())
        print(f"{found.acknowledged:,} writes were acknowledged; of {self.kept:,} things written {len(lost)} are lost")
        for what in lost[:5]:
            print(f"  not as it was written: {what}")
        return not (found.surprises or lost)

    def note(self, method: str, status: int, seconds: float) -> None:
        with self._lock:
            self.figures.requests += 1
            self.figures.statuses[status] += 1
            self.figures.slowest = max(self.figures.slowest, seconds)
            self.figures.acknowledged += method != "GET" and status in OK

    def refused_for(self, seconds: float) -> None:
        with self._lock:
            self.figures.longest = max(self.figures.longest, seconds)

    def _live(self, person: Person) -> None:
        at = time.monotonic()
        with person.client:
            while not self._done.is_set():
                try:
                    self._act(person)
                except Exception as error:  # whatever it is, it is a finding, and this one goes home
                    self.figures.surprises.append(f"{type(error).__name__}: {error}")
                    return
                at = max(at + self._pause, time.monotonic() - self._pause)  # who is late does not hurry for long
                self._done.wait(max(0.0, at - time.monotonic()))


class Person:
    """One of `people`, with random numbers of its own. Records that are one's own are those whose number `owns`."""

    def __init__(self, load: Load, index: int, people: int, rng: random.Random) -> None:
        self.index, self.people, self.rng = index, people, rng
        self.client = httpx.Client(base_url=load.url, timeout=ANSWER_SECONDS)
        self.kept: dict[str, Any] = {}
        self._load = load

    def own(self, count: int) -> int:
        """A number below `count` (at least `people`) that nobody else gets: what is written there is known."""
        return self.rng.randrange(self.index, count, self.people)

    def ask(self, method: str, path: str, body: Any = None, expect: Collection[int] = OK) -> Any:
        """Make the request until it is not refused; return the answer's JSON."""
        began = first = None
        while True:
            began = time.monotonic()
            answer = self.client.request(method, path, json=body)
            now = time.monotonic()
            self._load.note(method, answer.status_code, now - began)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            first = first or began
            if "Retry-After" not in answer.headers or now - first > REFUSED_LIMIT:
                raise UnexpectedAnswer(f"{method} {path}: 503 for {now - first:.1f} s, {dict(answer.headers)}")
            time.sleep(AGAIN_SECONDS)
        if first is not None:
            self._load.refused_for(now - first)
        if answer.status_code not in expect:
            raise UnexpectedAnswer(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def keep(self, path: str, answer: Any) -> None:
        """Note what this path must be answered with from now on."""
        self.kept[path] = answer


class UnexpectedAnswer(Exception):
    """A status that the application should not give."""
