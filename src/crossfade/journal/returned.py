"""What was put back after a cutover: the records that were looked at, and those that the source cannot store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from crossfade.journal.clock import now
from crossfade.journal.tables import CHANGED, DIRTY, HALTED, RETURNED, SET_ASIDE, SUSPECT
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, Is, IsNot, OneOf, Where

NEW, EQUAL = "", "equal"
"""Marks of RETURNED: not compared since it was last looked at; compared, and equal or set aside."""
OPEN, LOST = "open", "lost"
"""States of SET_ASIDE: the record is not in the source; a rollback went on without it."""

Who = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that the source cannot store. `held`: its rows by table, as JSON."""

    entity: str
    key: str
    reason: str
    detail: str
    table: str | None = None
    column: str | None = None
    path: str | None = None
    held: str = "{}"
    noted_at: str = ""

    @property
    def place(self) -> str:
        return place_of(self.table, self.column, self.path)


def place_of(table: str | None, column: str | None, path: str | None) -> str:
    """Return where it is, for people: table and column, or the path in the record."""
    return ".".join(filter(None, (table, column))) or path or ""


def begin(tx: TargetTransaction) -> None:
    """Empty the tables that belong to one direction: the feed changes its direction."""
    for table in (DIRTY, CHANGED, SUSPECT, HALTED, RETURNED):
        tx.journal.delete(table)
    tx.journal.delete(SET_ASIDE, (Is("state", OPEN),))


def look_at(tx: TargetTransaction, there: Mapping[Who, bool]) -> None:
    """Note records before they are written: whether the source has them now, unless that was noted before."""
    rows = [{"entity": e, "record_key": k, "was": int(is_there)} for (e, k), is_there in sorted(there.items())]
    tx.journal.insert(RETURNED, [{**row, "is_there": row["was"], "mark": NEW} for row in rows], keep=True)


def put_back(tx: TargetTransaction, there: Mapping[Who, bool], aside: Sequence[SetAside]) -> None:
    """Note the result for records: whether the source has them, and which of them it cannot store."""
    for is_there in (False, True):
        for entity, keys in _by_entity(who for who, found in there.items() if found == is_there).items():
            tx.journal.update(RETURNED, {"is_there": int(is_there), "mark": NEW}, _of(entity, keys))
    for entity, keys in _by_entity(there).items():
        tx.journal.delete(SET_ASIDE, _of(entity, keys))
    moment = now()
    tx.journal.upsert(SET_ASIDE, [_row(one, moment) for one in aside])


def set_aside(tx: TargetTransaction, after: Who = ("", ""), limit: int | None = None) -> list[SetAside]:
    """Return records that the source cannot store, in order."""
    order = ("entity", "record_key")
    columns = (*order, "reason", "detail", "target_table", "target_column", "path", "held", "noted_at")
    where = (Is("state", OPEN), After(order, after))
    return [SetAside(*row) for row in tx.journal.select(SET_ASIDE, columns, where, order=order, limit=limit)]


def which_aside(tx: TargetTransaction, who: Iterable[Who]) -> set[Who]:
    """Return those of the records that are set aside."""
    found = set[Who]()
    for entity, keys in _by_entity(who).items():
        rows = tx.journal.select(SET_ASIDE, ("record_key",), (Is("state", OPEN), *_of(entity, keys)))
        found |= {(entity, key) for (key,) in rows}
    return found


def causes(tx: TargetTransaction) -> list[tuple[str, str, str, int]]:
    """Return entity, reason, place and number of the records that the source cannot store."""
    by = ("entity", "reason", "target_table", "target_column", "path")
    found = Counter[tuple[str, str, str]]()
    for entity, reason, table, column, path, number in tx.journal.count(SET_ASIDE, by, (Is("state", OPEN),)):
        found[entity, reason, place_of(table, column, path)] += int(number)
    return [(*cause, number) for cause, number in found.items()]


def lose(tx: TargetTransaction) -> list[Who]:
    """Give up the records that the source cannot store, and return them. They stay in the journal as evidence."""
    found = [(one.entity, one.key) for one in set_aside(tx)]
    tx.journal.update(SET_ASIDE, {"state": LOST}, (Is("state", OPEN),))
    return found


def all_of(tx: TargetTransaction) -> list[Who]:
    """Return all records that were looked at."""
    return [(entity, key) for entity, key in tx.journal.select(RETURNED, ("entity", "record_key"))]


def settled(tx: TargetTransaction) -> dict[str, tuple[int, int]]:
    """Return entity -> how many records the way back has added to the source, and how many it has removed."""
    counted = tx.journal.count(RETURNED, ("entity", "was", "is_there"))
    came, gone = Counter[str](), Counter[str]()
    for entity, was, is_there, number in counted:
        came[entity] += number if is_there and not was else 0
        gone[entity] += number if was and not is_there else 0
    return {entity: (came[entity], gone[entity]) for entity in sorted({*came, *gone})}


# -- verification


def take(tx: TargetTransaction, mark: str, *, everything: bool) -> int:
    """Mark the records that a verification compares: those not compared since they changed, or all. Return how many."""
    where: Where = () if everything else (IsNot("mark", EQUAL),)
    tx.journal.update(RETURNED, {"mark": mark}, where)
    return sum(int(n) for _, n in tx.journal.count(RETURNED, ("entity",), (Is("mark", mark),)))


def not_compared(tx: TargetTransaction, after: Who, limit: int) -> list[Who]:
    """Return some of the records that are to be compared, in order: also those that another verification has marked
    meanwhile, because it may never compare them.
    """
    order = ("entity", "record_key")
    where = (IsNot("mark", EQUAL), After(order, after))
    return [(e, k) for e, k in tx.journal.select(RETURNED, order, where, order=order, limit=limit)]


def mark_again(tx: TargetTransaction, who: Iterable[Who], mark: str) -> None:
    """Mark records that are compared once more: what changes from now on gets another mark."""
    for entity, keys in _by_entity(who).items():
        tx.journal.update(RETURNED, {"mark": mark}, _of(entity, keys))


def compared(tx: TargetTransaction, mark: str, differ: Collection[Who]) -> None:
    """Note that all records with this mark are equal, except those that differ: they are compared again next time."""
    tx.journal.update(RETURNED, {"mark": EQUAL}, (Is("mark", mark),))
    look_at(tx, dict.fromkeys(differ, True))
    for entity, keys in _by_entity(differ).items():
        tx.journal.update(RETURNED, {"mark": NEW}, _of(entity, keys))


def to_compare(tx: TargetTransaction) -> int:
    """Return how many records the next verification of what changed has to compare."""
    return sum(int(n) for _, n in tx.journal.count(RETURNED, ("entity",), (IsNot("mark", EQUAL),)))


def changed(tx: TargetTransaction, who: Iterable[Who], mark: str) -> set[Who]:
    """Return those of the records that were looked at since they were marked, or wait. Those that another verification
    has marked since are among them: whether they were looked at before that is not known.
    """
    found = set[Who]()
    for entity, keys in _by_entity(who).items():
        rows = tx.journal.select(RETURNED, ("record_key",), (*_of(entity, keys), IsNot("mark", mark)))
        rows += tx.journal.select(DIRTY, ("record_key",), _of(entity, keys))
        found |= {(entity, key) for (key,) in rows}
    return found


def rows_as_text(rows: Mapping[str, Sequence[Mapping[str, object]]]) -> str:
    return json.dumps(rows, default=str, ensure_ascii=False)


def _by_entity(who: Iterable[Who]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entity, key in sorted(set(who)):
        found.setdefault(entity, []).append(key)
    return found


def _of(entity: str, keys: Sequence[str]) -> tuple[Is, OneOf]:
    return Is("entity", entity), OneOf("record_key", keys)


def _row(one: SetAside, moment: str) -> dict[str, str | None]:
    return {
        "entity": one.entity,
        "record_key": one.key,
        "reason": one.reason,
        "detail": one.detail,
        "target_table": one.table,
        "target_column": one.column,
        "path": one.path,
        "held": one.held,
        "noted_at": moment,
        "state": OPEN,
    }
