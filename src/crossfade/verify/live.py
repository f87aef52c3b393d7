"""Run a verification of a source that is followed, generation by generation (generations.py decides).

The records of a generation are suspects in the journal until they were compared and are equal. So whenever a
verification is killed, every record that it has not compared is in one of the lists: applied, or suspected.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path

from crossfade.journal import verified
from crossfade.model.events import GenerationStarted, Listener, RecordsCompared
from crossfade.model.positions import Floor, Position
from crossfade.runtime.again import again
from crossfade.runtime.executor import Executor
from crossfade.runtime.records import KEYS_AT_ONCE
from crossfade.runtime.sent_once import Once
from crossfade.runtime.session import Work
from crossfade.runtime.tasks import run_tasks
from crossfade.verify import generations
from crossfade.verify.chunk import Agreed
from crossfade.verify.follower import Follower, Suspects
from crossfade.verify.generations import Generation, Who
from crossfade.verify.listed import ListComparison, Listing, Unequal, compare_listed

Executors = Callable[[int], AbstractContextManager[Executor]]
"""Returns the executor for so many records."""


@dataclass
class SettledSuspects:
    """The result of the generations. `accounts` has those of all listed records when they were last compared (if they
    are recorded); `findings` the real differences, by record; `moving` the records that changed since, of which
    `unsettled` were never found at rest.
    """

    position: Position
    generations: int
    compared: int = 0
    accounts: dict[Who, str] = field(default_factory=dict)
    findings: dict[Who, Unequal] = field(default_factory=dict)
    moving: frozenset[Who] = frozenset()
    unsettled: frozenset[Who] = frozenset()
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class LiveRun:
    """One verification. `work` has the mappings; `entities` are compared, others are left in the lists. `mark` is that
    of the newest suspects, `marks` has those of the suspects that differed when they were last compared.
    """

    work: Work
    follower: Follower
    agreed: Agreed
    entities: frozenset[str]
    executors: Executors
    listen: Listener
    folder: Path
    keeps_accounts: bool = False
    mark: str = ""
    marks: dict[Who, str] = field(default_factory=dict)
    suspects: Suspects | None = None

    def settle(self, state: Generation, whole: SettledSuspects | None = None) -> SettledSuspects:
        """Compare listed records, generation by generation, until all that still differ are real or keep moving.

        `state` is where to begin: before the first generation, or after one of all records.
        """
        out = whole or SettledSuspects(Position(""), 0)
        while True:
            state, floor = self._fix(state)
            if not state.over:
                state = generations.compared(state, self._compare(state, floor, out))
            assert state.position is not None, "it has begun"
            out.position, out.generations = state.position, state.number
            if state.over:
                out.moving, out.unsettled = state.moving, state.unsettled
                out.findings = {who: one for who, one in out.findings.items() if who in state.real}
                return out

    def _fix(self, last: Generation) -> tuple[Generation, Floor]:
        position = self.follower.position()
        self.follower.reach(position)
        self.follower.drain()  # then the records that look up changed ones are in the journal, too
        changed = self.follower.changed(self.marks) if last.is_listed else last.differing
        now = generations.fixed(last, position, changed)
        return now, Floor() if now.over else self.take()

    def take(self) -> Floor:
        """Take all suspects for a new generation."""
        self.mark = secrets.token_hex(8)
        floor, self.suspects = self.follower.take(self.mark, self.entities, self.folder / self.mark)
        return floor

    def _compare(self, state: Generation, floor: Floor, out: SettledSuspects) -> set[Who]:
        """Compare the suspects. Return those that differ; the others are no longer suspects."""
        assert self.suspects is not None, "a generation of listed records has begun"
        total = len(self.suspects)
        at = None if state.position is None or state.position.at is None else state.position.at.isoformat()
        self.listen(GenerationStarted(state.number, total, at))
        out.findings, self.marks = {}, {}

        def take(found: ListComparison) -> None:
            out.compared += len(found.accounts)
            if self.keeps_accounts:
                out.accounts |= {(found.entity, key): account for key, account in found.accounts.items()}
            out.findings |= {(found.entity, key): one for key, one in found.findings.items()}
            for table, rows in found.rows.items():
                out.rows[table] = out.rows.get(table, 0) + rows
                out.columns.setdefault(table, set()).update(found.compared[table])
            marks = {(found.entity, key): mark for key, mark in found.marks.items()}
            self.marks |= {who: mark for who, mark in marks.items() if who[1] in found.findings}
            again(lambda: self._clear({w: m for w, m in marks.items() if w[1] not in found.findings}), self.listen)
            self.listen(RecordsCompared(found.entity, len(found.accounts), len(found.findings)))

        if total:
            with self.executors(total) as executor:
                listed = Once(self.agreed)
                tasks = ((self.work, Listing(e, marks, floor, listed)) for e, marks in self._pieces())
                run_tasks(executor, compare_listed, tasks, take, tell=self.listen)
        return set(out.findings)

    def _pieces(self) -> Iterator[tuple[str, dict[str, str]]]:
        assert self.suspects is not None, "a generation of listed records has begun"
        for entity, group in groupby(self.suspects, key=lambda one: one[0]):
            marks = ((key, mark) for _, key, mark in group)
            while piece := dict(islice(marks, KEYS_AT_ONCE)):
                yield entity, piece

    def _clear(self, equal: Mapping[Who, str]) -> None:
        with self.follower.transaction() as tx:
            verified.clear(tx, equal)
