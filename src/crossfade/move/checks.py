"""Checks before anything is written: whether everything is covered, and whether the survey is current."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from crossfade.assess.check import check as run_check
from crossfade.assess.coming_back import coming_back
from crossfade.assess.groups import crossings
from crossfade.assess.map_rules import not_followed
from crossfade.assess.rules import rule_faults
from crossfade.assess.survey import choose
from crossfade.errors import Fault, MappingFault, Misused, SchemaFault, Stale, Uncovered, Unreachable
from crossfade.mapping.language.compile import compile_all, read_mappings
from crossfade.model.counts import counted
from crossfade.model.files import read_text
from crossfade.model.findings import Finding
from crossfade.model.patterns import matching
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema
from crossfade.move import cutting_back, inverting, surveying
from crossfade.move.context import Context
from crossfade.move.inventory import ALTERED, COPIED, altered, findings, inventory
from crossfade.records.codec import Codec
from crossfade.schema.triggers import enabled_triggers, triggers_in
from crossfade.shift.gates import Gate
from crossfade.stores.contract import EntityInfo, need
from crossfade.transform.engine import Engine
from crossfade.verify.rules import read_rules

NO_CUTOVER = "stop the application's writes, crossfade verify while crossfade start runs, then switch it by hand"


def check(context: Context) -> list[Finding]:
    found = _faults_and_notes(context)
    more = [*_no_cutover(context), *_coming_back(context)]
    return [*found, *_later_triggers(context), *_maps_not_followed(context), *more]


def _no_cutover(context: Context) -> Iterator[Finding]:
    """Yield a note if the target cannot be opened by a cutover, long before one is tried."""
    if (why := cutting_back.cannot_open(context.target)) is not None:
        message = f"{why}: the move can be copied, followed and verified, but not cut over by crossfade"
        yield Finding("note", "no_cutover", "target", message, NO_CUTOVER)


def _coming_back(context: Context) -> list[Finding]:
    """Return what cannot come back, if the project has inverses and its mappings and schema have no faults."""
    if not context.project.inverse_dir.is_dir() or context.compiled.faults:
        return []
    try:
        schema, inverses = context.schema, inverting.derived(context)
    except (SchemaFault, Misused, KeyError):
        return []  # the other checks report this
    exact = context.project.settings.inverse.times == "exact"
    found = coming_back(
        inverses,
        context.program,
        context.shapes,
        schema,
        context.discards,
        times_are_exact=exact,
        lost={loss.column: loss.reason for loss in context.project.settings.inverse.lose},
    )
    return list(dict.fromkeys(found))


def _faults_and_notes(context: Context) -> list[Finding]:
    """Return all faults, and the notes that are found together with them."""
    compiled = context.compiled
    faults = [_of_fault("mapping", fault) for fault in compiled.faults]
    with closing(Engine()) as engine:
        engine.open()
        try:
            schema = context.fitted(context.schema)
        except SchemaFault as error:
            schema = None
            faults += [_of_fault("schema", fault) for fault in error.faults]
        doubtful = need(context.target.ddl, context.target, "be inspected").doubtful
        empty = partial(empty_batch, context.codec)
        found = run_check(
            compiled.draft, context.shapes, schema, context.discards, empty, engine, compiled.unknown, doubtful
        )
    found += [*crossings_of(context, schema), *_rules(context)]
    return _with_the_source(context, [*faults, *found])


def _rules(context: Context) -> Iterator[Finding]:
    """Yield what is wrong with rules: verification would find it after the copy, or never."""
    try:
        rules = read_rules(context.project.rules_dir)
    except Misused as error:
        yield Finding("fault", "rules", context.project.rules_dir.name, error.message, error.hint)
        return
    yield from rule_faults(rules, context.target.traits.dialect)


def border_gates(context: Context) -> list[Gate]:
    """Return what must hold before a group is cut over: nothing crosses its border."""
    if not context.project.group:
        return []
    found = [f"{one.place}: {one.message}" for one in crossings_of(context, context.schema)]
    figure = "; ".join(found) or "nothing crosses it"
    return [Gate("border of the group", figure, "nothing crosses it", not found, "crossfade check")]


def crossings_of(context: Context, schema: TargetSchema | None) -> list[Finding]:
    """Return what crosses the border of any group. The foreign keys are those of `schema`, and if that has the tables
    of one group only, those of the whole schema too.
    """
    project, surveyed = context.project, context.surveyed
    if not project.settings.groups:
        return []
    mappings = read_mappings(project.mapping_dir)
    program = compile_all(mappings, surveyed, ()).program
    files = {e: project.inverse_dir / f"{e}.sql" for e in program.feeds}
    inverses = {e: read_text(file) for e, file in files.items() if file.exists()}
    rules, found = read_rules(project.rules_dir), dict[Finding, None]()
    for one in (schema, *([context.load_schema()] if project.group else [])):
        found |= dict.fromkeys(crossings(project.settings, program, surveyed, one, rules, inverses))
    return list(found)


def _later_triggers(context: Context) -> list[Finding]:
    """Return the triggers that were created on the move's tables after it began. They do not fire for its writes."""
    try:
        schema = context.schema
    except SchemaFault:
        return []
    try:
        there = (
            triggers_in(need(context.target.ddl, context.target, "be inspected").describe())
            if context.has_journal
            else []
        )
    except Unreachable:
        return []  # the checks that need the target report this
    known = {(t.table, t.name) for t in enabled_triggers(schema)}
    return [
        Finding(
            "note",
            "trigger",
            trigger.table,
            f"the trigger {trigger.name} ({trigger.when}) is not in the schema: it was created after the move began. It"
            " does not fire for rows that Crossfade writes or deletes (copy, quarantine retry, reset)",
            "map the columns that it fills, or do its work by hand; crossfade verify reports it too",
        )
        for trigger in there
        if trigger.table in context.fed_tables and (trigger.table, trigger.name) not in known
    ]


def _of_fault(kind: str, fault: Fault) -> Finding:
    place = f"{fault.file}:{fault.line}" + (f":{fault.column}" if fault.column else "")
    said = f" ({fault.statement.strip()})" if fault.statement else ""
    return Finding("fault", kind, place, fault.reason + said, fault.hint or fault.suggestion)


def _with_the_source(context: Context, found: Sequence[Finding]) -> list[Finding]:
    """Return the findings, and those on entities that the source holds now."""
    try:
        there = surveying.entities(context, sized=False)
    except (Unreachable, Misused) as error:
        note = f"entities that are not in {context.project.lock_file.name} are unknown: {error.message}"
        return [*found, Finding("note", "source_not_seen", "source", note, error.hint)]
    standings = inventory(context, there)
    known = {s.entity for s in standings}
    kept = [f for f in found if f.kind != "stale_discard" or not matching(f.place, known)]
    copied = [s.entity for s in standings if s.fate == COPIED]
    doubtful = need(context.source.inspector, context.source, "be inspected").doubtful(copied)
    return [*kept, *findings(standings, altered(context)), *doubtful]


def _maps_not_followed(context: Context) -> Iterator[Finding]:
    said = context.project.settings.survey
    for text, reason in not_followed(context.shapes, said.maps, said.objects):
        message = f"[survey] names it, but {reason}"
        yield Finding("note", "stale_map", text, message, "correct the path, then crossfade survey")


def require_covered(context: Context, *, may_be_altered: bool = False) -> None:
    """Raise if there are faults. `may_be_altered`: tables of the source may be, because they are followed."""
    but = ALTERED if may_be_altered else ""
    faults = [f for f in _faults_and_notes(context) if f.severity == "fault" and f.kind != but]
    if faults:
        try:
            _ = context.program, context.schema
        except (MappingFault, SchemaFault) as error:  # it has its own faults alone
            if (more := len(faults) - len(error.faults)) > 0:
                error.hint = f"crossfade check, which names {counted(more, 'fault')} more"
            raise
        lines = [f"{f.place}: {f.message}" + (f"\n  Try: {f.hint}" if f.hint else "") for f in faults]
        head = f"{counted(len(faults), 'fault')}; nothing was written"
        raise Uncovered("\n".join([head, *lines]), faults, hint="crossfade check")


def require_current_lock(context: Context, entities: Sequence[EntityInfo], *, may_be_altered: bool = False) -> None:
    """Raise Stale if the source has other `entities` than the survey saw, or declares them otherwise, unless they
    `may_be_altered`: what is new would silently not be copied.
    """
    whole = {d.entity for d in context.discards if d.is_whole}
    chosen = {e.name for e in choose(entities, context.project.settings.entities)} - whole
    new, gone = sorted(chosen - context.shapes.keys()), sorted(context.shapes.keys() - {e.name for e in entities})
    parts = [
        f"{what}: {', '.join(names)}" for what, names in (("new", new), ("no longer in the source", gone)) if names
    ]
    if not may_be_altered:
        parts += [f"{entity}: {'; '.join(differences)}" for entity, differences in altered(context).items()]
    if parts:
        raise Stale(
            f"{context.project.lock_file.name} is older than the source ({'; '.join(parts)}); nothing was written",
            hint="crossfade survey, then crossfade check",
        )


def empty_batch(codec: Codec, shape: Shape, columns: Sequence[Any]) -> Any:
    return codec.reader(shape, columns).read(b"").table
