"""Verify a source that is followed: all records, or those that changed since an earlier verification.

    whole   all records and all rows are compared as they are found; records that differ become suspects
    again   records that were applied since become suspects

Then the suspects are compared, generation by generation (live.py). Those that are left differ although nothing changes
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from crossfade.journal import halted, journal, verified
from crossfade.journal.status import counts_of
from crossfade.model.counts import Counts
from crossfade.runtime.again import again
from crossfade.runtime.executor import Executor
from crossfade.runtime.session import session
from crossfade.verify import generations, run
from crossfade.verify.all_read import not_all_read
from crossfade.verify.equation import resting
from crossfade.verify.generations import Who
from crossfade.verify.live import LiveRun, SettledSuspects
from crossfade.verify.not_copied import NotCopied
from crossfade.verify.run import Differing, Subject
from crossfade.verify.settled import by_table, entity_verdict, table_verdict
from crossfade.verify.strays import Strays, differences, find_strays
from crossfade.verify.verdict import AGAIN, WHOLE, Difference, RuleVerdict, TableVerdict, Through, Verdict

_ROUNDS = 3
"""How often counts that do not agree are compared, and broken rules run: each time after another generation."""


@dataclass
class FirstComparison:
    """The result of comparing all records: the tables, the rows of no record, and the folder of the accounts."""

    tables: Mapping[str, TableVerdict]
    strays: Strays
    accounts: Path


def verify_again(live: LiveRun, subject: Subject) -> Verdict:
    """Compare what has changed since the last verification."""
    settled = live.settle(generations.begin(whole=False))
    return _verdict(live, subject, settled, None, AGAIN)


def verify_whole(
    live: LiveRun, subject: Subject, not_copied: Callable[[], Mapping[str, NotCopied]], executor: Callable[[], Executor]
) -> Verdict:
    """Compare everything, then what changed meanwhile, and run the rules. `not_copied` reads the journal's records."""
    run.require_keys(subject)
    live.keeps_accounts = True
    start = generations.fixed(generations.begin(whole=True), live.follower.position(), ())
    floor = live.take()
    live.work = replace(live.work, floor=floor)
    subject = replace(subject, not_copied=not_copied())  # entries that change from now on become suspects
    wrong, mark = Differing(), live.mark
    with executor() as workers:
        found = run.compare_all(partial(session, live.work), subject, workers, live.listen, live.folder, wrong)
    assert wrong.accounts is not None, "others write meanwhile"
    compared = time.perf_counter()
    strays = _suspect(live, wrong, mark)
    settled = live.settle(generations.compared(start, ()))
    first = FirstComparison({t.table: t for t in found.tables}, strays, wrong.accounts)
    verdict = _verdict(live, subject, settled, first, WHOLE)
    _require_all_read(live, subject, settled, first)
    settling = time.perf_counter() - compared
    rules = _ask_rules(live, subject, settled)
    return replace(verdict, rules=rules, durations={**found.durations, "generations": settling})


def _suspect(live: LiveRun, wrong: Differing, mark: str) -> Strays:
    """Make the records that differ suspects, instead of those before the comparison. Return the rows of no record."""
    live.follower.reach(live.follower.position())  # then the lists have all records that came or went meanwhile
    s = session(live.work)
    with live.follower.transaction() as tx:
        listed = verified.all_changed(tx, {}, without=mark)
        for entity in wrong.lost:
            wrong.add((entity, e.key) for e in journal.entries_outside(tx, entity) if e.key is not None)
    with s.reading():
        strays = find_strays(s, wrong.rows, {entity: sorted(keys) for entity, keys in listed.items()})
    wrong.add(strays.records)
    suspects = sorted((entity, key) for entity, keys in wrong.records.items() for key in keys)
    for at in range(0, len(suspects), verified.AT_ONCE):
        again(partial(_put, live, suspects[at : at + verified.AT_ONCE]), live.listen)
    again(partial(_clear, live, mark), live.listen)  # after those are in
    return strays


def _put(live: LiveRun, suspects: Sequence[Who]) -> None:
    with live.follower.transaction() as tx:
        verified.suspect(tx, "", suspects)


def _clear(live: LiveRun, mark: str) -> None:
    with live.follower.transaction() as tx:
        verified.clear_all(tx, mark)


def _verdict(
    live: LiveRun, subject: Subject, settled: SettledSuspects, first: FirstComparison | None, kind: str
) -> Verdict:
    """Return the verdict. If counts do not agree, they are compared again after another generation."""
    for _ in range(_ROUNDS):
        verdict = _with_counts(live, subject, settled, first, kind)
        if verdict.agrees or any(one.not_in_source for one in settled.findings.values()):
            break
        live.settle(generations.begin(whole=False), settled)
    return verdict


def _with_counts(
    live: LiveRun, subject: Subject, settled: SettledSuspects, first: FirstComparison | None, kind: str
) -> Verdict:
    findings = [settled.findings[who] for who in sorted(settled.findings)]
    with live.follower.transaction() as tx:
        recorded = counts_of(tx)  # first: records that are applied after this count as moving
        moving = verified.all_changed(tx, live.marks)
    for entity, key in settled.moving:
        moving.setdefault(entity, set()).add(key)
    entities = tuple(
        entity_verdict(
            entity,
            _found(subject, entity, settled, first, moving.get(entity, set()), recorded),
            recorded.get(entity),
            len(moving.get(entity, ())),
            findings,
            subject.limit,
        )
        for entity in sorted(subject.feeds)
    )
    strays, named = ({}, []) if first is None else differences(session(live.work), first.strays, subject.limit)
    through = Through(
        kind, settled.position, settled.generations, settled.compared, len(settled.unsettled), sum(strays.values())
    )
    return Verdict(entities, _tables(subject, settled, first, strays, named), through=through)


def _found(
    subject: Subject,
    entity: str,
    settled: SettledSuspects,
    first: FirstComparison | None,
    moving: set[str],
    recorded: Mapping[str, Counts],
) -> Counts:
    """Return the counts of the records that are not moving; if not all were read, those of the journal."""
    if first is None:
        return recorded.get(entity, Counts())
    listed = {key: account for (of, key), account in settled.accounts.items() if of == entity}
    number = sorted(subject.feeds).index(entity)
    return resting(first.accounts / str(number), listed, moving)


def _require_all_read(live: LiveRun, subject: Subject, settled: SettledSuspects, first: FirstComparison) -> None:
    """Raise CrossfadeError if an entity cannot have as many records as were compared: those that have changed since may
    be there or not, the others are. A damaged index hides records from all reads by ranges of the key.
    """
    s = session(live.work)
    with s.reading(live.follower.record().floor):
        there = {entity: s.reader.count(entity) for entity in sorted(subject.feeds)}
    live.follower.reach(live.follower.position())  # then the lists have all records that came or went meanwhile
    with live.follower.transaction() as tx:
        moving = verified.all_changed(tx, live.marks)
        stopped = {one.entity for one in halted.find(tx)}
    for entity, key in settled.moving:
        moving.setdefault(entity, set()).add(key)
    for entity in there.keys() - stopped:
        changed = moving.get(entity, set())
        found = _found(subject, entity, settled, first, changed, {}).source
        if not found <= there[entity] <= found + len(changed):
            raise not_all_read(entity, found, there[entity])


def _tables(
    subject: Subject,
    settled: SettledSuspects,
    first: FirstComparison | None,
    counts: Mapping[str, int],
    named: Sequence[Difference],
) -> tuple[TableVerdict, ...]:
    found = by_table((settled.findings[who] for who in sorted(settled.findings)), named)
    more = {name: count - sum(1 for one in named if one.table == name) for name, count in counts.items()}
    return tuple(
        table_verdict(
            table,
            None if first is None else first.tables[table.name],
            settled.rows.get(table.name, 0),
            settled.columns.get(table.name, ()),
            found.get(table.name, []),
            more.get(table.name, 0),
            subject.limit,
        )
        for table in (subject.tables[name] for name in sorted({t for of in subject.feeds.values() for t in of}))
    )


def _ask_rules(live: LiveRun, subject: Subject, settled: SettledSuspects) -> tuple[RuleVerdict, ...]:
    """Run the rules. A rule may be broken while only some of the records that it is about are applied: it is run again
    when the follower has applied everything up to then.
    """
    rules: dict[str, RuleVerdict] = {}
    left = dict(subject.rules)
    for _ in range(_ROUNDS):
        asked = replace(subject, rules=left)
        rules |= {rule.name: rule for rule in run.ask_rules(session(live.work), asked, live.listen)}
        left = {name: sql for name, sql in left.items() if not rules[name].holds and rules[name].error is None}
        if not left:
            break
        live.follower.reach(live.follower.position())
        live.follower.drain()
    return tuple(rules[name] for name in sorted(rules))
