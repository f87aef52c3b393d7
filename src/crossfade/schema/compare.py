"""Compares two descriptions of a schema: what is missing, what is extra, what has changed.

A difference is a fault if it changes which rows the database accepts, stores or returns. It is a note if everything
expected behaves the same: an additional index or empty table, a comment, a storage option.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crossfade.model.described import OWNING, Described, Thing

MISSING, EXTRA, CHANGED = "missing", "extra", "changed"
FAULT, NOTE = "fault", "note"

_MILD_KINDS = {"comment", "statistics", "pragma"}
_MILD_FACTS = {
    *("comment", "storage", "compression", "statistics target", "options", "clustered", "version"),
    *("tablespace", "access method", *OWNING),
}
_ACTS = {"constraint", "trigger", "rule", "policy", "event trigger", "subscription"}
"""Kinds that affect rows of existing objects."""

_TUNING = re.compile(
    r"(?:log|enable|track|debug|jit|autovacuum|vacuum|maintenance|geqo|cpu|effective|tcp|(?:min|max)_parallel|parallel"
    r"|auto_explain|pg_stat_statements)[_.].*|jit|geqo|work_mem|hash_mem_multiplier|temp_buffers|(?:random|seq)_page_cost"
    r"|client_min_messages|application_name|(?:from|join)_collapse_limit|plan_cache_mode|constraint_exclusion"
    r"|default_statistics_target|compute_query_id|cursor_tuple_fraction|deadlock_timeout|logical_decoding_work_mem"
)
"""Settings that affect only the speed or verbosity of sessions."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """`kind` is missing, extra or changed; `what` is the common name of the thing (table, foreign key, trigger).

    `thing` and `name` are its kind and its name as the database prints it, `of` the relation that it is part of. If it
    changed, `fact` is what changed, from `expected` to `found`. `detail` adds what else is known.
    """

    kind: str
    what: str
    thing: str
    name: str
    of: str = ""
    fact: str = ""
    expected: str | None = None
    found: str | None = None
    severity: str = FAULT
    detail: str = ""

    @property
    def shown(self) -> str:
        """Return its name as in mapping files: without the default schema."""
        return self.name.removeprefix("public.")

    @property
    def sentence(self) -> str:
        """Return the difference as one line, without the texts of definitions."""
        name = f"{self.what} {self.shown}"
        of = self.of.removeprefix("public.")
        where = f" of {of}" if of and not self.shown.startswith(of + ".") else ""
        more = f" ({self.detail})" if self.detail else ""
        if self.kind == MISSING:
            return f"{name}{where} is missing{more}"
        if self.kind == EXTRA:
            return f"{name}{where} is not in the schema{more}"
        if self.found is None:
            return f"{name}{where}: {self.fact} is missing, expected {_short(self.expected or '')}{more}"
        if self.expected is None:
            return f"{name}{where}: {self.fact} is {_short(self.found)}, expected none{more}"
        expected, found = _apart(self.expected, self.found)
        return f"{name}{where}: {self.fact} is {found}, not {expected}{more}"


_LONGEST = 100


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _apart(one: str, other: str) -> tuple[str, str]:
    """Shorten both texts; long ones from shortly before their first difference."""
    a, b = " ".join(one.split()), " ".join(other.split())
    if a == b:  # they differ only in white space
        a, b = repr(one), repr(other)
    if max(len(a), len(b)) <= _LONGEST:
        return a, b
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(0, at - 30)
    lead = "..." if start else ""
    return lead + _short(a[start:]), lead + _short(b[start:])


def as_json(difference: SchemaDifference) -> dict[str, str | None]:
    """Return a difference as JSON values, keys always in the same order."""
    return {
        "kind": difference.kind,
        "what": difference.what,
        "name": difference.shown,
        "of": difference.of.removeprefix("public.") or None,
        "fact": difference.fact or None,
        "expected": difference.expected,
        "found": difference.found,
        "detail": difference.detail or None,
        "message": difference.sentence,
    }


def compare(expected: Described, found: Described) -> list[SchemaDifference]:
    """Return all differences, faults first, then by name.

    Parts of a relation that is missing, extra or of another kind are not listed, except parts of an extra one that
    affect rows of the others: a foreign key that references them, constraints of a new partition.
    """
    one, other = _by_key(expected), _by_key(found)
    whole = {name for kind, name in one.keys() ^ other.keys() if kind == "relation"}
    whole |= {t.name for t in one.values() if t.kind == "relation" and t.key in other and t.what != other[t.key].what}
    differences = [
        *(d for d in _things(one, other) if not d.of or d.of not in whole or _reaches_out(d, one, other)),
        *(d for d in _orders(expected, found) if d.name not in whole),
    ]
    return sorted(differences, key=lambda d: (d.severity != FAULT, d.of or d.name, d.kind, d.thing, d.name, d.fact))


def _by_key(described: Described) -> dict[Key, Thing]:
    return {t.key: t for t in described.things}


def _things(one: Mapping[Key, Thing], other: Mapping[Key, Thing]) -> Iterator[SchemaDifference]:
    for key, thing in one.items():
        if key not in other:
            severity = NOTE if thing.kind in _MILD_KINDS or _tunes(thing) else FAULT
            yield SchemaDifference(MISSING, thing.what, thing.kind, thing.name, thing.of, severity=severity)
        else:
            yield from _changes(thing, other[key])
    for key, thing in other.items():
        if key not in one:
            severity = FAULT if _acts(thing) or _takes_rows(thing, one) else NOTE
            yield SchemaDifference(EXTRA, thing.what, thing.kind, thing.name, thing.of, severity=severity)


def _acts(thing: Thing) -> bool:
    """Return whether an extra object affects the rows of the others."""
    if thing.kind == "index":
        return thing.what == "unique index"
    if thing.kind == "column":  # a row without it would be refused
        return thing.facts.get("not null") == "yes" and not {"default", "identity", "generated"} & thing.facts.keys()
    if thing.kind == "cast":  # an explicit cast acts only where it is written
        return thing.facts.get("context") != "explicit"
    if thing.kind == "setting":
        return not _tunes(thing)
    if thing.kind == "publication":
        return "refuses changes of" in thing.facts
    return thing.kind in _ACTS


def _tunes(thing: Thing) -> bool:
    return thing.kind == "setting" and _TUNING.fullmatch(thing.name.partition(" ")[0]) is not None


def _takes_rows(thing: Thing, one: Mapping[Key, Thing]) -> bool:
    """Return whether rows would go to a new partition that does not store them as its table does."""
    if thing.kind != "relation" or ("relation", thing.parent) not in one:
        return False
    return thing.what == "foreign table" or thing.facts.get("persistence") == "unlogged"


def _reaches_out(difference: SchemaDifference, one: Mapping[Key, Thing], other: Mapping[Key, Thing]) -> bool:
    """Return whether this part of an extra relation affects rows of expected ones."""
    thing, whole = other.get((difference.thing, difference.name)), other.get(("relation", difference.of))
    if difference.kind != EXTRA or thing is None or whole is None or whole.key in one:
        return False
    if thing.facts.get("references") and ("relation", thing.facts["references"]) in one:
        return True
    if ("relation", whole.parent) not in one:
        return False
    if thing.kind == "column":
        of_parent = one.get(("column", whole.parent + thing.name.removeprefix(whole.name)))
        return thing.facts.get("not null") is not None and (of_parent is None or "not null" not in of_parent.facts)
    return _acts(thing)


def _changes(one: Thing, other: Thing) -> Iterator[SchemaDifference]:
    if one.what != other.what:  # a view has other facts than a table: this one is enough
        yield SchemaDifference(CHANGED, one.what, one.kind, one.name, one.of, "kind", one.what, other.what)
        return
    for fact in sorted(one.facts.keys() | other.facts.keys()):
        was, now = one.facts.get(fact), other.facts.get(fact)
        if was == now:
            continue
        mild = fact in _MILD_FACTS or one.kind in _MILD_KINDS or _tunes(one) or (fact == "without data" and now is None)
        severity = NOTE if mild else FAULT
        yield SchemaDifference(CHANGED, one.what, one.kind, one.name, one.of, fact, was, now, severity)


def _orders(expected: Described, found: Described) -> Iterator[SchemaDifference]:
    """Find tables whose columns are in another order: statements without column names would mix up columns."""
    one, other = _columns(expected), _columns(found)
    for table in one.keys() & other.keys():
        common = set(one[table]) & set(other[table])
        was, now = ([c for c in side[table] if c in common] for side in (one, other))
        if was != now:
            shown = (", ".join(c.removeprefix(table + ".") for c in side) for side in (was, now))
            yield SchemaDifference(CHANGED, "table", "relation", table, "", "order of columns", *shown)


def _columns(described: Described) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = defaultdict(list)
    for thing in described.things:
        if thing.kind == "column":
            columns[thing.of].append(thing.name)
    return columns
