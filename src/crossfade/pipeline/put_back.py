"""Put changes of the target back into the source: read the rows of some records, change the records, and write those
that differ. Records that the source cannot store are set aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import dirty, journal, returned
from crossfade.journal.dirty import Dirty
from crossfade.journal.returned import SetAside, Who
from crossfade.model.positions import Floor
from crossfade.pipeline import entries, expand
from crossfade.pipeline.accounts import COPIED, DISCARDED, QUARANTINED, note_moved
from crossfade.pipeline.expand import Trail, is_gathered
from crossfade.runtime.records import read
from crossfade.runtime.session import Session
from crossfade.runtime.way_back import WayBack, as_now, rows_as_json
from crossfade.stores.contract import RecordChange, TargetTransaction, need
from crossfade.transform.numbered import Numbered

FAILED = "failed"

Trails = Mapping[str, Sequence[Trail]]
"""Entity -> the lookups that read it."""


@dataclass(frozen=True)
class PutBackResult:
    """The result of putting records back: how many were inserted, updated and deleted in the source, or set aside."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    aside: int = 0

    @property
    def written(self) -> int:
        return self.inserted + self.updated + self.deleted

    def __add__(self, other: PutBackResult) -> PutBackResult:
        return PutBackResult(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.aside + other.aside,
        )


@dataclass
class _Batch:
    there: dict[Who, bool] = field(default_factory=dict)
    changes: list[RecordChange] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    rows: dict[Who, tuple[Mapping[str, Numbered], int]] = field(default_factory=dict)
    """For those that are changed: the rows of several records, and the number of this one."""
    in_target: set[Who] = field(default_factory=set)
    """Those whose rows make a record."""


def put_back(way: WayBack, number: int, claims: Sequence[Dirty], floor: Floor, trails: Trails) -> PutBackResult:
    """Put these records back, as the run with this number, and put in the records that look up what is changed. Raises
    only temporary errors, and Busy.
    """
    way.seen(floor)
    return _put_back(way, number, claims, trails)


def _put_back(way: WayBack, number: int, claims: Sequence[Dirty], trails: Trails) -> PutBackResult:
    try:
        return _transactions(way, number, claims, trails)
    except CrossfadeError as error:
        if error.passing or isinstance(error, Busy):
            raise
        failure: Exception = error
    except Exception as error:
        failure = error
    if len(claims) > 1:
        half = len(claims) // 2
        return _put_back(way, number, claims[:half], trails) + _put_back(way, number, claims[half:], trails)
    return _fails_alone(way, claims[0], failure)


def _transactions(way: WayBack, number: int, claims: Sequence[Dirty], trails: Trails) -> PutBackResult:
    s, batch = way.s, _Batch()
    s.forget_lookups()
    for entity, keys in _listed(claims):
        _look(way, entity, keys, batch)
    waiting = _who_looks_up(s, batch.changes, trails)
    for entity, key in need(s.source.record_writer, s.source, "be written").changes_with(batch.changes):
        waiting.setdefault(entity, set()).add(key)
    with s.transaction() as tx:
        returned.look_at(tx, batch.there)
        _let_out(tx, batch.in_target)
        for entity, again in sorted(waiting.items()):
            dirty.put(tx, entity, again)
    _write(s, way.way.slot, number, batch)
    with s.transaction() as tx:
        _clear(tx, claims, batch)
    changes = batch.changes
    inserted, deleted = sum(c.before is None for c in changes), sum(c.after is None for c in changes)
    return PutBackResult(inserted, len(changes) - inserted - deleted, deleted, len(batch.aside))


def _listed(claims: Sequence[Dirty]) -> Iterator[tuple[str, list[str]]]:
    for entity in sorted({one.entity for one in claims}):
        yield entity, sorted(one.key for one in claims if one.entity == entity)


def _look(way: WayBack, entity: str, keys: Sequence[str], batch: _Batch) -> None:
    """Decide what is to be written of some records."""
    with as_now(way.s):
        old, rows, put = way.put(entity, keys)
    refused = {one.row: one for one in put.refused}
    batch.in_target |= {(entity, keys[n]) for one in rows.values() for n in one.numbers if n not in refused}
    for place, key in enumerate(keys):
        who = entity, key
        batch.there[who] = old[place] is not None
        if (why := refused.get(place)) is not None:
            own = rows_as_json(rows, place)
            batch.aside.append(SetAside(*who, why.reason, why.detail, why.table, why.column, why.path or None, own))
        elif place in put.changed:
            batch.changes.append(RecordChange(entity, key, old[place], put.records[place]))
            batch.rows[who] = rows, place


def _let_out(tx: TargetTransaction, who: Collection[Who]) -> None:
    """Close the entries of records in quarantine that the application has made in the target. From now on their rows
    are all that counts: if it deletes them, the records are deleted, too.
    """
    for entity in sorted({entity for entity, _ in who}):
        keys = sorted(key for of, key in who if of == entity)
        found = [entry for listed in journal.entries_of_keys(tx, entity, keys).values() for entry, _ in listed]
        if found:
            are_open = [entry for entry in found if entry.state == "open"]
            others = [entry for entry in found if entry.state != "open"]
            entries.close(tx, are_open, "retried")
            entries.forget(tx, others)
            moved = ((QUARANTINED, COPIED), len(are_open)), ((DISCARDED, COPIED), len(others))
            note_moved(tx, entity, moved)


def _who_looks_up(s: Session, changes: Sequence[RecordChange], trails: Trails) -> dict[str, set[str]]:
    """Return the records whose mappings read one that is about to change, as it is or as it will be: their rows may
    differ then. They are put in before the write, because after a kill it is unknown what was written.
    """
    found: dict[str, set[str]] = {}
    for entity in sorted({one.entity for one in changes} & trails.keys()):
        own = [one for one in changes if one.entity == entity]
        for trail in trails[entity]:
            dependent = found.setdefault(trail.root, set())
            # records that change together were decided by what they looked up before
            dependent |= {one.key for one in changes if one.entity == trail.root}
            with as_now(s):
                for of_roots in expand.roots(s, trail, [one.key for one in own], _joined_by(s, trail, own)):
                    dependent.update(of_roots)
    return found


def _joined_by(s: Session, trail: Trail, changes: Sequence[RecordChange]) -> set[str]:
    """Return the values by which records will be joined."""
    first = trail.steps[0]
    if not is_gathered(s.work.shapes, first):
        return set()
    values = (s.codec.value_at(one.after, first.path) for one in changes if one.after is not None)
    return {value for value in values if value is not None}


def _write(s: Session, slot: str, number: int, batch: _Batch) -> None:
    if not batch.changes:
        return
    writer = need(s.source.record_writer, s.source, "be written")
    refused = writer.write(slot, number, batch.changes)
    for place, why in refused.items():
        one = batch.changes[place]
        own = rows_as_json(*batch.rows[one.entity, one.key])
        batch.aside.append(SetAside(one.entity, one.key, why.reason, why.detail, held=own))
    batch.changes = [one for place, one in enumerate(batch.changes) if place not in refused]
    batch.there.update({(one.entity, one.key): one.after is not None for one in batch.changes})


def _clear(tx: TargetTransaction, claims: Sequence[Dirty], batch: _Batch) -> None:
    """Remove the records that are done from the journal. Those that were put in again meanwhile stay."""
    dirty.claim(tx, claims)
    returned.put_back(tx, batch.there, batch.aside)


def _fails_alone(way: WayBack, claim: Dirty, failure: Exception) -> PutBackResult:
    text = failure.message if isinstance(failure, CrossfadeError) else f"{type(failure).__name__}: {failure}"
    who, detail = (claim.entity, claim.key), " ".join(text.split())[:2000]
    with as_now(way.s):
        there = bool(read(way.s, claim.entity, [claim.key])[claim.key])
    with way.s.transaction() as tx:
        returned.look_at(tx, {who: there})
        _clear(tx, [claim], _Batch({who: there}, aside=[SetAside(*who, FAILED, detail)]))
    return PutBackResult(aside=1)
